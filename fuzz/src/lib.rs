//! Fuzz targets: the doors through which untrusted text and archives come in. A target takes bytes and looks whether what
//! it calls keeps its promises; not to panic, hang or eat memory is the least of them.
//!
//! `cargo xtask fuzz` runs them under libFuzzer, guided by coverage; `cargo test -p fuzz` replays `seeds/<target>/`,
//! which holds tiny beginnings and every input that once made a target fall, and mutations of them.
//! Not here: the fuzzer itself (see `main`), how long it runs (see `xtask`).

mod targets;

#[cfg(test)]
mod tests;

/// A door that is attacked.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder of seeds.
    pub name: &'static str,
    /// Takes what comes in, and panics if a promise is broken.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "yaml", run: targets::manifest::yaml },
    Target { name: "manifest", run: targets::manifest::manifest },
    Target { name: "convert", run: targets::manifest::convert },
    Target { name: "cron", run: targets::manifest::cron },
    Target { name: "expr", run: targets::language::expression },
    Target { name: "tag", run: targets::language::tag },
    Target { name: "tag_json", run: targets::language::tag_json },
    Target { name: "when", run: targets::language::when },
    Target { name: "depends", run: targets::language::depends },
    Target { name: "jq", run: targets::language::jq },
    Target { name: "jsonpath", run: targets::language::jsonpath },
    Target { name: "selector", run: targets::language::selector },
    Target { name: "tar", run: targets::archive::tar },
    Target { name: "zip", run: targets::archive::zip },
    Target { name: "token", run: targets::token::token },
];

/// Returns the target of a name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
