//! Errors expr-lang gives before it runs: unknown names, operators and arguments whose types cannot fit
//! (`checker/checker.go`, `optimizer/fold.go` for a division of literals by zero). What is not known to be wrong
//! is left to the run.

use super::{
    Env, Fault,
    ast::{Binary, Kind, Node, Unary},
    builtin,
    types::{Signature, Type, method},
};

/// Checks a tree against the variables of `env`.
///
/// # Errors
/// The first fault.
pub(super) fn check(node: &Node, env: &Env) -> Result<(), Fault> {
    Checker { env, predicates: Vec::new(), variables: Vec::new() }.visit(node).map(drop)
}

struct Predicate {
    collection: Type,
    pointers: &'static [&'static str],
}

pub(super) struct Checker<'a> {
    env: &'a Env,
    predicates: Vec<Predicate>,
    variables: Vec<(String, Type)>,
}

pub(super) fn fault(node: &Node, message: impl Into<String>) -> Fault {
    Fault { at: node.at, message: message.into() }
}

impl Checker<'_> {
    pub(super) fn visit(&mut self, node: &Node) -> Result<Type, Fault> {
        match &node.kind {
            Kind::Nil => Ok(Type::Nil),
            Kind::Bool(_) => Ok(Type::Bool),
            Kind::Int(_) => Ok(Type::Int),
            Kind::Float(_) => Ok(Type::Float),
            Kind::Text(_) => Ok(Type::Text),
            Kind::Bytes(_) => Ok(Type::Bytes),
            Kind::Name(name) => self.name(node, name),
            Kind::Unary(operator, inner) => self.unary(node, *operator, inner),
            Kind::Binary(operator, left, right) => self.binary(node, *operator, left, right),
            Kind::Chain(inner) | Kind::Predicate(inner) => self.visit(inner),
            Kind::Member { base, property, optional, method } => {
                self.member(node, (base, property), *optional, *method)
            }
            Kind::Slice { base, from, to } => self.slice(node, base, [from, to]),
            Kind::Call { callee, args } => self.call(node, callee, args),
            Kind::Builtin { name, args } => self.builtin(node, name, args),
            Kind::Pointer(name) => self.pointer(node, name),
            Kind::Let { name, value, body } => self.declaration(node, name, value, body),
            Kind::Sequence(items) => {
                let mut last = Type::Nil;
                for item in items {
                    last = self.visit(item)?;
                }
                Ok(last)
            }
            Kind::Condition { test, yes, no } => self.condition(test, yes, no),
            Kind::Array(items) => {
                let mut kinds = Vec::with_capacity(items.len());
                for item in items {
                    kinds.push(self.visit(item)?);
                }
                let same = kinds.windows(2).all(|pair| {
                    matches!(pair, [one, two] if std::mem::discriminant(one) == std::mem::discriminant(two))
                });
                Ok(match kinds.pop() {
                    Some(kind) if same => Type::list_of(kind),
                    _ => Type::list(),
                })
            }
            Kind::Map(pairs) => {
                for (key, value) in pairs {
                    self.visit(key)?;
                    self.visit(value)?;
                }
                Ok(Type::Map)
            }
        }
    }

    fn name(&self, node: &Node, name: &str) -> Result<Type, Fault> {
        if let Some((_, kind)) = self.variables.iter().rev().find(|(declared, _)| declared == name) {
            return Ok(kind.clone());
        }
        if name == "$env" {
            return Ok(Type::Unknown);
        }
        if let Some(value) = self.env.get(name) {
            return Ok(Type::of(&value));
        }
        if builtin::is_builtin(name) {
            return Ok(Type::Unknown);
        }
        Err(fault(node, format!("unknown name {name}")))
    }

    fn unary(&mut self, node: &Node, operator: Unary, inner: &Node) -> Result<Type, Fault> {
        let kind = self.visit(inner)?;
        let shown = match operator {
            Unary::Not if kind == Type::Bool || kind.is_unknown() => return Ok(Type::Bool),
            Unary::Minus | Unary::Plus if kind.is_number() || kind.is_unknown() => return Ok(kind),
            Unary::Not => "!",
            Unary::Minus => "-",
            Unary::Plus => "+",
        };
        Err(fault(node, format!("invalid operation: {shown} (mismatched type {})", kind.shown())))
    }

    fn binary(&mut self, node: &Node, operator: Binary, left: &Node, right: &Node) -> Result<Type, Fault> {
        let l = self.visit(left)?;
        let r = self.visit(right)?;
        let time = |kind: &Type| matches!(kind, Type::Time | Type::Duration);
        let both = |wanted: Type| l == wanted && r == wanted;
        let numbers = l.is_number() && r.is_number();
        let promoted = || if l == Type::Float || r == Type::Float { Type::Float } else { Type::Int };
        let found = match operator {
            Binary::Equal | Binary::NotEqual => l.comparable_to(&r).then_some(Type::Bool),
            Binary::Or | Binary::And => {
                (both(Type::Bool) || l.maybe(&r, |kind| *kind == Type::Bool)).then_some(Type::Bool)
            }
            Binary::Less | Binary::More | Binary::LessOrEqual | Binary::MoreOrEqual => {
                let fits = numbers
                    || both(Type::Text)
                    || both(Type::Time)
                    || both(Type::Duration)
                    || l.maybe(&r, |kind| kind.is_number() || *kind == Type::Text || time(kind));
                fits.then_some(Type::Bool)
            }
            Binary::Add => match (&l, &r) {
                _ if numbers => Some(promoted()),
                (Type::Text, Type::Text) => Some(Type::Text),
                (Type::Time, Type::Duration) | (Type::Duration, Type::Time) => Some(Type::Time),
                (Type::Duration, Type::Duration) => Some(Type::Duration),
                _ => l
                    .maybe(&r, |kind| kind.is_number() || *kind == Type::Text || time(kind))
                    .then_some(Type::Unknown),
            },
            Binary::Subtract => match (&l, &r) {
                _ if numbers => Some(promoted()),
                (Type::Time, Type::Time) | (Type::Duration, Type::Duration) => Some(Type::Duration),
                (Type::Time, Type::Duration) => Some(Type::Time),
                _ => l.maybe(&r, |kind| kind.is_number() || time(kind)).then_some(Type::Unknown),
            },
            Binary::Multiply => match (&l, &r) {
                _ if numbers => Some(promoted()),
                (Type::Duration, other) | (other, Type::Duration)
                    if other.is_number() || *other == Type::Duration =>
                {
                    Some(Type::Duration)
                }
                _ => l.maybe(&r, |kind| kind.is_number() || *kind == Type::Duration).then_some(Type::Unknown),
            },
            Binary::Divide | Binary::Power => {
                (numbers || l.maybe(&r, Type::is_number)).then_some(Type::Float)
            }
            Binary::Modulo => {
                if matches!((&left.kind, &right.kind), (Kind::Int(_), Kind::Int(0))) {
                    return Err(fault(node, "integer divide by zero"));
                }
                (both(Type::Int) || l.maybe(&r, |kind| *kind == Type::Int)).then_some(Type::Int)
            }
            Binary::Range => {
                (both(Type::Int) || l.maybe(&r, |kind| *kind == Type::Int)).then(|| Type::list_of(Type::Int))
            }
            Binary::In => return self.membership(node, &l, &r),
            Binary::Matches => {
                if let Kind::Text(pattern) = &right.kind {
                    crate::pattern::compile(pattern).map_err(|reason| fault(node, reason))?;
                }
                let text = (l == Type::Text || l == Type::Bytes) && r == Type::Text;
                (text || l.maybe(&r, |kind| *kind == Type::Text)).then_some(Type::Bool)
            }
            Binary::Contains | Binary::StartsWith | Binary::EndsWith => {
                (both(Type::Text) || l.maybe(&r, |kind| *kind == Type::Text)).then_some(Type::Bool)
            }
            Binary::Coalesce => Some(match (&l, &r) {
                (Type::Nil, _) => r.clone(),
                (_, Type::Nil) => l.clone(),
                _ if r.assignable_to(&l) => l.clone(),
                _ => Type::Unknown,
            }),
        };
        found.ok_or_else(|| mismatched(node, operator, &l, &r))
    }

    fn membership(&self, node: &Node, l: &Type, r: &Type) -> Result<Type, Fault> {
        if r.is_map() {
            let key = if *r == Type::Map { Type::Text } else { Type::Unknown };
            if !l.is_unknown() && !l.assignable_to(&key) {
                let message = format!("cannot use {} as type {} in map key", l.shown(), key.in_signature());
                return Err(fault(node, message));
            }
            return Ok(Type::Bool);
        }
        if r.is_array() {
            let item = r.item();
            if !l.comparable_to(&item) {
                let message = format!("cannot use {} as type {} in array", l.shown(), item.in_signature());
                return Err(fault(node, message));
            }
            return Ok(Type::Bool);
        }
        if r.is_unknown() || l.is_unknown() && *r == Type::Text {
            return Ok(Type::Bool);
        }
        Err(mismatched(node, Binary::In, l, r))
    }

    fn member(
        &mut self,
        node: &Node,
        (base, property): (&Node, &Node),
        optional: bool,
        call: bool,
    ) -> Result<Type, Fault> {
        let name = match &property.kind {
            Kind::Text(name) => Some(name.as_str()),
            _ => None,
        };
        if matches!(&base.kind, Kind::Name(name) if name == "$env") {
            return match name {
                Some(name) => match self.env.get(name) {
                    Some(value) => Ok(Type::of(&value)),
                    None if optional => Ok(Type::Unknown),
                    None => Err(fault(node, format!("unknown name {name}"))),
                },
                None => Ok(Type::Unknown),
            };
        }
        let owner = self.visit(base)?;
        let key = self.visit(property)?;
        if owner.is_unknown() {
            return Ok(Type::Unknown);
        }
        if let Some(name) = name {
            if owner == Type::Nil {
                return Err(fault(node, format!("type nil has no field {name}")));
            }
            if let Some(found) = method(&owner, name) {
                return Ok(found);
            }
        }
        match &owner {
            Type::Map if key != Type::Text && !key.is_unknown() => {
                let message = format!("cannot use {} to get an element from {}", key.shown(), owner.shown());
                return Err(fault(property, message));
            }
            Type::Map | Type::Groups(_) => return Ok(owner.item()),
            _ if owner.is_array() => {
                if key != Type::Int && !key.is_unknown() {
                    let message =
                        format!("array elements can only be selected using an integer (got {})", key.shown());
                    return Err(fault(property, message));
                }
                return Ok(owner.item());
            }
            _ => {}
        }
        let shown = owner.shown();
        Err(match name {
            Some(name) if call => fault(node, format!("type {shown} has no method {name}")),
            Some(name) => fault(node, format!("type {shown} has no field {name}")),
            None => fault(node, format!("type {shown}[{}] is undefined", key.shown())),
        })
    }

    fn slice(&mut self, node: &Node, base: &Node, ends: [&Option<Box<Node>>; 2]) -> Result<Type, Fault> {
        let owner = self.visit(base)?;
        if owner.is_unknown() {
            return Ok(Type::Unknown);
        }
        if owner != Type::Text && !owner.is_array() {
            return Err(fault(node, format!("cannot slice {}", owner.shown())));
        }
        for end in ends.into_iter().flatten() {
            let kind = self.visit(end)?;
            if kind != Type::Int && !kind.is_unknown() {
                return Err(fault(end, format!("non-integer slice index {}", kind.shown())));
            }
        }
        Ok(owner)
    }

    fn call(&mut self, node: &Node, callee: &Node, args: &[Node]) -> Result<Type, Fault> {
        let name = match &callee.kind {
            Kind::Name(name) if name == "$env" => {
                return Err(fault(node, "map[string]interface {} is not callable"));
            }
            Kind::Name(name) => name.as_str(),
            Kind::Member { property, .. } => match &property.kind {
                Kind::Text(name) => name,
                _ => "function",
            },
            _ => "function",
        };
        match self.visit(callee)? {
            Type::Unknown => {
                // Go leaves the arguments unchecked here; a wrong name in them gives nil.
                Ok(Type::Unknown)
            }
            Type::Nil => Err(fault(node, format!("{name} is nil; cannot call nil as function"))),
            Type::Function(signature) => self.arguments(node, name, &signature, args),
            other => Err(fault(node, format!("{} is not callable", other.shown()))),
        }
    }

    /// Checks arguments against a signature and returns what it gives.
    pub(super) fn arguments(
        &mut self,
        node: &Node,
        name: &str,
        signature: &Signature,
        args: &[Node],
    ) -> Result<Type, Fault> {
        let mut kinds = Vec::with_capacity(args.len());
        for arg in args {
            kinds.push(self.visit(arg)?);
        }
        builtin::fits(name, signature, &kinds).map_err(|(at, message)| {
            let place = at.and_then(|at| args.get(at)).unwrap_or(node);
            fault(place, message)
        })?;
        Ok(signature.gives.clone())
    }

    fn builtin(&mut self, node: &Node, name: &str, args: &[Node]) -> Result<Type, Fault> {
        if builtin::predicate_arity(name).is_some() {
            return self.predicate_call(name, args);
        }
        let mut kinds = Vec::with_capacity(args.len());
        for arg in args {
            kinds.push(self.visit(arg)?);
        }
        builtin::check(name, &kinds).map_err(|(at, message)| {
            let place = at.and_then(|at| args.get(at)).unwrap_or(node);
            fault(place, message)
        })
    }

    fn predicate_call(&mut self, name: &str, args: &[Node]) -> Result<Type, Fault> {
        let [collection_node, rest @ ..] = args else { return Ok(Type::Unknown) };
        let collection = self.visit(collection_node)?;
        if !collection.is_array() && !collection.is_unknown() {
            let message = format!("builtin {name} takes only array (got {})", collection.shown());
            return Err(fault(collection_node, message));
        }
        let item = collection.item();
        let pointers: &'static [&'static str] = match name {
            "map" => &["index"],
            "reduce" => &["index", "acc"],
            _ => &[],
        };
        let mut gives = Type::Unknown;
        if let [predicate, ..] = rest {
            self.predicates.push(Predicate { collection: collection.clone(), pointers });
            gives = self.visit(predicate)?;
            self.predicates.pop();
            let wants_bool = matches!(
                name,
                "all"
                    | "none"
                    | "any"
                    | "one"
                    | "filter"
                    | "count"
                    | "find"
                    | "findIndex"
                    | "findLast"
                    | "findLastIndex"
            );
            if gives == Type::Nil {
                return Err(fault(predicate, "predicate should has one input and one output param"));
            }
            if wants_bool && gives != Type::Bool && !gives.is_unknown() {
                let message = format!("predicate should return boolean (got {})", gives.shown());
                return Err(fault(predicate, message));
            }
        }
        if let [_, last] = rest {
            let kind = self.visit(last)?;
            if name == "sortBy" && kind != Type::Text && !kind.is_unknown() {
                let message = format!("sortBy order argument must be a string (got {})", kind.shown());
                return Err(fault(last, message));
            }
        }
        Ok(match name {
            "all" | "none" | "any" | "one" => Type::Bool,
            "filter" if collection.is_unknown() => Type::list(),
            "filter" => Type::list_of(item),
            "map" => Type::list_of(gives),
            "count" | "findIndex" | "findLastIndex" => Type::Int,
            "find" | "findLast" => item,
            "groupBy" => Type::Groups(Box::new(Type::list_of(item))),
            "sortBy" => collection,
            "sum" if rest.is_empty() => item,
            _ => gives,
        })
    }

    fn pointer(&self, node: &Node, name: &str) -> Result<Type, Fault> {
        let Some(scope) = self.predicates.last() else {
            return Err(fault(node, "cannot use pointer accessor outside predicate"));
        };
        match name {
            "" => Ok(scope.collection.item()),
            "index" if scope.pointers.contains(&"index") => Ok(Type::Int),
            "acc" if scope.pointers.contains(&"acc") => Ok(Type::Unknown),
            _ => Err(fault(node, format!("unknown pointer #{name}"))),
        }
    }

    fn declaration(&mut self, node: &Node, name: &str, value: &Node, body: &Node) -> Result<Type, Fault> {
        if self.env.get(name).is_some() {
            return Err(fault(node, format!("cannot redeclare {name}")));
        }
        if builtin::is_builtin(name) {
            return Err(fault(node, format!("cannot redeclare builtin {name}")));
        }
        if self.variables.iter().any(|(declared, _)| declared == name) {
            return Err(fault(node, format!("cannot redeclare variable {name}")));
        }
        let kind = self.visit(value)?;
        self.variables.push((name.to_owned(), kind));
        let gives = self.visit(body);
        self.variables.pop();
        gives
    }

    fn condition(&mut self, test: &Node, yes: &Node, no: &Node) -> Result<Type, Fault> {
        let kind = self.visit(test)?;
        if kind != Type::Bool && !kind.is_unknown() {
            let message = format!("non-bool expression (type {}) used as condition", kind.shown());
            return Err(fault(test, message));
        }
        let one = self.visit(yes)?;
        let two = self.visit(no)?;
        Ok(match (&one, &two) {
            (Type::Nil, _) => two,
            (_, Type::Nil) => one,
            (Type::Array(_), Type::Array(_)) if one != two => Type::list(),
            _ if one.assignable_to(&two) => one,
            _ => Type::Unknown,
        })
    }
}

fn mismatched(node: &Node, operator: Binary, l: &Type, r: &Type) -> Fault {
    let shown = operator.shown();
    let message = format!("invalid operation: {shown} (mismatched types {} and {})", l.shown(), r.shown());
    fault(node, message)
}
