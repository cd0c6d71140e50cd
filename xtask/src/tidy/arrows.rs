//! Which crate may use which: the table in ARCHITECTURE.md is the rule, and every `Cargo.toml` must keep to it.

use super::File;

/// Returns a complaint for each arrow that the table does not have, and for each that nothing uses.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let Some(architecture) = files.iter().find(|file| file.path == "ARCHITECTURE.md") else {
        return vec!["ARCHITECTURE.md: is missing".to_owned()];
    };
    let table = table(&architecture.text);
    let rooms: Vec<&str> = table.iter().map(|(room, _)| *room).collect();
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let Some(room) = file.room() else { continue };
        let Some((_, allowed)) = table.iter().find(|(name, _)| *name == room) else {
            complaints.push(format!("{}: crate `{room}` has no row in ARCHITECTURE.md", file.path));
            continue;
        };
        let used = dependencies(&file.text, &rooms);
        for used in &used {
            if !allowed.contains(used) {
                complaints.push(format!(
                    "{}: `{room}` may not use `{used}` (see the arrows in ARCHITECTURE.md)",
                    file.path
                ));
            }
        }
        for unused in allowed.iter().filter(|name| !used.contains(name)) {
            complaints.push(format!("ARCHITECTURE.md: the arrow `{room}` → `{unused}` is not used"));
        }
    }
    complaints
}

/// Returns the rows of the table between the markers: a room and the rooms it may use.
fn table(text: &str) -> Vec<(&str, Vec<&str>)> {
    let rows = text.lines().skip_while(|line| !line.contains("<!-- arrows -->")).skip(1);
    let rows = rows.take_while(|line| !line.contains("<!-- /arrows -->"));
    rows.filter_map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let room = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
        let used = cells.next()?.split_whitespace().map(|name| name.trim_matches('`'));
        Some((room, used.filter(|name| !name.is_empty() && *name != "–").collect()))
    })
    .collect()
}

/// Returns the own crates among the normal dependencies.
fn dependencies<'a>(manifest: &str, rooms: &[&'a str]) -> Vec<&'a str> {
    let lines = manifest.lines().skip_while(|line| line.trim() != "[dependencies]").skip(1);
    let lines: Vec<&str> = lines.take_while(|line| !line.starts_with('[')).collect();
    let named = |room: &&&str| {
        lines.iter().any(|line| line.split(['.', ' ', '=']).next().is_some_and(|name| name == **room))
    };
    rooms.iter().filter(named).copied().collect()
}
