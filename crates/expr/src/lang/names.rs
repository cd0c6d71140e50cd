//! Which names an expression needs: every variable and every path of plain members, but not members that `??` or
//! `?.` guard. Source: Argo `util/template/expression_template.go`, `getIdentifiers`.

use std::collections::BTreeSet;

use super::ast::{Binary, Kind, Node};

/// Returns the names in the order Argo finds them, each once.
pub(super) fn required(node: &Node) -> Vec<String> {
    let mut guarded = BTreeSet::new();
    guard(node, &mut guarded);
    let mut found = Vec::new();
    walk(node, &guarded, &mut found);
    found
}

/// Returns the first parts of all names, for whoever builds an environment.
pub(super) fn roots(node: &Node, found: &mut BTreeSet<String>) {
    if let Kind::Name(name) = &node.kind {
        found.insert(name.clone());
    }
    for part in node.parts() {
        roots(part, found);
    }
}

/// Nodes are told apart by where they are in memory: the tree does not move while it is looked at.
fn address(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

fn guard(node: &Node, guarded: &mut BTreeSet<usize>) {
    for part in node.parts() {
        guard(part, guarded);
    }
    match &node.kind {
        Kind::Binary(Binary::Coalesce, left, _) => mark(left, guarded),
        Kind::Member { base, optional: true, .. } if matches!(base.kind, Kind::Member { .. }) => {
            guarded.insert(address(base));
        }
        _ => {}
    }
}

fn mark(node: &Node, guarded: &mut BTreeSet<usize>) {
    if matches!(node.kind, Kind::Member { .. }) {
        guarded.insert(address(node));
    }
    for part in node.parts() {
        mark(part, guarded);
    }
}

fn walk(node: &Node, guarded: &BTreeSet<usize>, found: &mut Vec<String>) {
    for part in node.parts() {
        walk(part, guarded, found);
    }
    if guarded.contains(&address(node)) {
        return;
    }
    let name = match &node.kind {
        Kind::Name(name) => Some(name.clone()),
        Kind::Member { .. } => path(node),
        _ => None,
    };
    if let Some(name) = name
        && !found.contains(&name)
    {
        found.push(name);
    }
}

/// `a.b.c` of plain members, or `None`.
fn path(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Name(name) => Some(name.clone()),
        Kind::Member { base, property, optional: false, .. } => match &property.kind {
            Kind::Text(name) => Some(format!("{}.{name}", path(base)?)),
            _ => None,
        },
        _ => None,
    }
}
