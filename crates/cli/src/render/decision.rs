//! A decision in people's words: allowed or not, the rules that made it and where each is written, the facts that
//! were missing, and how to get access.
//! Not here: making it (see `policy`, behind the server).

use std::fmt::Write as _;

use crate::{
    client::answer::Explained,
    render::table::tame,
    shell::{Look, Paint},
};

/// Returns the decision, each line indented by `indent` spaces.
pub fn decision(decision: &Explained, indent: usize, look: Look) -> String {
    let lead = " ".repeat(indent);
    let verdict = if is_allowed(decision) {
        look.paint(Paint::Good, "allowed")
    } else {
        look.paint(Paint::Bad, "refused")
    };
    let what = format!("{lead}{verdict}: {} on {}\n", tame(&decision.action), tame(&decision.resource));
    format!("{what}{}", reasons(decision, indent, look))
}

fn is_allowed(decision: &Explained) -> bool {
    decision.verdict == "allow"
}

/// Returns the reasons of a decision, each line indented by `indent` spaces.
pub fn reasons(decision: &Explained, indent: usize, look: Look) -> String {
    let lead = " ".repeat(indent);
    let mut text = String::new();
    let allowed = is_allowed(decision);
    if !decision.rules.is_empty() {
        let _ = writeln!(text, "{lead}{}:", if allowed { "by" } else { "because of" });
    }
    for rule in &decision.rules {
        let says = if rule.says.is_empty() { &rule.id } else { &rule.says };
        let _ = writeln!(text, "{lead}  - {}", tame(says));
        let place = rule.place.as_deref().unwrap_or("built in");
        let _ = writeln!(
            text,
            "{lead}    {}",
            look.paint(Paint::Faint, format!("{} ({})", tame(place), tame(&rule.id)))
        );
    }
    list(&mut text, &lead, "missing", &decision.missing);
    list(&mut text, &lead, "errors", &decision.errors);
    list(&mut text, &lead, if allowed { "note" } else { "how to get access" }, &decision.advice);
    text
}

fn list(text: &mut String, lead: &str, heading: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(text, "{lead}{heading}:");
    for item in items {
        let _ = writeln!(text, "{lead}  - {}", tame(item));
    }
}
