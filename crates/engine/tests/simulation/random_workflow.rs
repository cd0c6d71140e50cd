//! Random workflows, in YAML: what is written is what a person could have written.
//! Not here: what becomes of them.

use std::fmt::Write as _;

use crate::luck::Luck;

/// Returns the spec of a workflow. A template calls only templates before it, so that none calls itself.
pub(crate) fn random_workflow(luck: &mut Luck) -> String {
    let leaves = 2 + luck.below(3);
    let groups = 1 + luck.below(3);
    let mut templates = String::new();
    for number in 0..leaves {
        leaf(luck, number, &mut templates);
    }
    for number in leaves..leaves + groups {
        if luck.one_in(2) {
            steps(luck, number, &mut templates);
        } else {
            dag(luck, number, &mut templates);
        }
    }
    let mut head = format!("entrypoint: t{}\n", leaves + groups - 1);
    if luck.one_in(3) {
        let _ = writeln!(head, "parallelism: {}", 1 + luck.below(3));
    }
    if luck.one_in(4) {
        let _ = writeln!(head, "onExit: t{}", luck.below(leaves));
    }
    if luck.one_in(8) {
        let _ = writeln!(head, "activeDeadlineSeconds: {}", 5 + luck.below(60));
    }
    if luck.one_in(8) {
        head.push_str("synchronization: {mutexes: [{name: whole}]}\n");
    }
    format!("{head}templates:\n{templates}")
}

/// A template that does something itself.
fn leaf(luck: &mut Luck, number: u64, out: &mut String) {
    let _ = writeln!(out, "- name: t{number}");
    match luck.below(10) {
        0 => {
            let _ = writeln!(out, "  suspend: {{duration: {}s}}", 1 + luck.below(20));
            return;
        }
        1 => out.push_str(
            "  containerSet: {containers: [{name: a, image: a}, {name: main, image: a, dependencies: [a]}]}\n",
        ),
        2 => out.push_str("  script: {image: a, command: [sh], source: echo}\n"),
        _ => out.push_str("  container: {image: a}\n"),
    }
    if luck.one_in(3) {
        let policy = luck.pick(&["Always", "OnFailure", "OnError", "OnTransientError"]);
        let backoff = luck.pick(&[
            "",
            ", backoff: {duration: '2', factor: 2}",
            ", backoff: {duration: '1', maxDuration: '3'}",
        ]);
        let _ =
            writeln!(out, "  retryStrategy: {{limit: {}, retryPolicy: {policy}{backoff}}}", luck.below(3));
    }
    if luck.one_in(5) {
        let _ = writeln!(out, "  synchronization: {{mutexes: [{{name: m{}}}]}}", luck.below(2));
    }
    if luck.one_in(8) {
        let _ = writeln!(out, "  timeout: {}s", 2 + luck.below(20));
    }
    if luck.one_in(8) {
        let _ = writeln!(out, "  activeDeadlineSeconds: {}", 2 + luck.below(20));
    }
}

/// What a step or task may have besides its template.
fn call(luck: &mut Luck, before: u64) -> String {
    let mut text = format!("template: t{}", luck.below(before));
    match luck.below(8) {
        0 => text.push_str(", withItems: [a, b, c]"),
        1 => {
            let _ = write!(text, ", withSequence: {{count: {}}}", luck.below(4));
        }
        2 => text.push_str(luck.pick(&[", when: 'a == a'", ", when: 'a == b'"])),
        _ => {}
    }
    if luck.one_in(8) {
        let _ = write!(text, ", hooks: {{exit: {{template: t{}}}}}", luck.below(before.min(2)));
    }
    text
}

/// What bounds a steps or DAG template. Its mutex is its own: one that a template inside it wants as well would be waited
/// for for ever.
fn bounds(luck: &mut Luck, number: u64, out: &mut String) {
    if luck.one_in(4) {
        let _ = writeln!(out, "  parallelism: {}", 1 + luck.below(2));
    }
    if luck.one_in(6) {
        let _ = writeln!(out, "  retryStrategy: {{limit: {}}}", luck.below(2));
    }
    if luck.one_in(8) {
        let _ = writeln!(out, "  synchronization: {{mutexes: [{{name: g{number}}}]}}");
    }
}

fn steps(luck: &mut Luck, number: u64, out: &mut String) {
    let _ = writeln!(out, "- name: t{number}\n  steps:");
    for group in 0..1 + luck.below(3) {
        for step in 0..1 + luck.below(2) {
            let dash = if step == 0 { "  - - " } else { "    - " };
            let goes_on = if luck.one_in(4) { ", continueOn: {failed: true, error: true}" } else { "" };
            let _ = writeln!(out, "{dash}{{name: s{group}x{step}, {}{goes_on}}}", call(luck, number));
        }
    }
    bounds(luck, number, out);
}

fn dag(luck: &mut Luck, number: u64, out: &mut String) {
    let _ = writeln!(out, "- name: t{number}\n  dag:");
    if luck.one_in(3) {
        out.push_str("    failFast: false\n");
    }
    out.push_str("    tasks:\n");
    for task in 0..1 + luck.below(5) {
        let mut text = format!("name: d{task}, {}", call(luck, number));
        let before: Vec<u64> = (0..task).filter(|_| luck.one_in(2)).collect();
        if !before.is_empty() {
            if luck.one_in(3) {
                let terms: Vec<String> = before
                    .iter()
                    .map(|task| {
                        format!(
                            "d{task}{}",
                            luck.pick(&["", ".Succeeded", ".Failed", ".Skipped", ".Errored", ".Omitted"])
                        )
                    })
                    .collect();
                let _ = write!(text, ", depends: '{}'", terms.join(luck.pick(&[" && ", " || "])));
            } else {
                let names: Vec<String> = before.iter().map(|task| format!("d{task}")).collect();
                let _ = write!(text, ", dependencies: [{}]", names.join(", "));
            }
        }
        let _ = writeln!(out, "    - {{{text}}}");
    }
    bounds(luck, number, out);
}
