//! Old spellings are written anew, and everything else stays; whatever the text, it means the same.

use std::{fmt::Write as _, fs, path::Path};

use proptest::prelude::*;

use super::{Renewed, meaning, renew};
use crate::yaml;

fn cron(spec: &str) -> String {
    format!("apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nmetadata: {{name: w}}\nspec:\n{spec}")
}

#[track_caller]
fn check(old: &str, new: &str) {
    let (old, new) = (cron(old), cron(new));
    let renewed = renew("w.yaml", &old).unwrap();
    assert_eq!((renewed.text.as_str(), renewed.left), (new.as_str(), None));
    let again = renew("w.yaml", &new).unwrap();
    assert_eq!(again, Renewed { text: new, changes: 0, left: None }, "the new spelling is not changed");
}

#[test]
fn blocks_become_the_one_item_of_a_list() {
    check("  schedule: '0 3 * * *' # at three\n", "  schedules:\n  - '0 3 * * *' # at three\n");
    check("  schedule:\n    0 3 * * *\n", "  schedules:\n    - 0 3 * * *\n");
    check(
        "  schedule: >-\n    0 3\n    * * *\n  suspend: true\n",
        "  schedules:\n  - >-\n    0 3\n    * * *\n  suspend: true\n",
    );
    check("  schedule: |-\n    0 3 * * *", "  schedules:\n  - |-\n    0 3 * * *");
    check("  \"schedule\" : '@daily'\n", "  \"schedules\":\n  - '@daily'\n");
    check("  timezone: a,\n  schedule: '@daily'\n", "  timezone: a,\n  schedules:\n  - '@daily'\n");
    let old = "  workflowSpec:
    synchronization:
      mutex: # one at a time
        # its name
        name: m

        # where
        namespace: other

      # few
      semaphore: {configMapKeyRef: {name: c, key: '}'}} # at once
    templates:
    - name: a
      synchronization:
        semaphore:
          configMapKeyRef:
            name: c
            key: |
              k
    # the end
";
    let new = "  workflowSpec:
    synchronization:
      mutexes: # one at a time
        # its name
        - name: m

          # where
          namespace: other

      # few
      semaphores: [{configMapKeyRef: {name: c, key: '}'}}] # at once
    templates:
    - name: a
      synchronization:
        semaphores:
          - configMapKeyRef:
              name: c
              key: |
                k
    # the end
";
    check(old, new);
}

#[test]
fn flows_get_brackets() {
    check("  {schedule: '* * * * *', suspend: true}\n", "  {schedules: ['* * * * *'], suspend: true}\n");
    check(
        "  workflowSpec: {synchronization: {mutex: {name: m}}}\n",
        "  workflowSpec: {synchronization: {mutexes: [{name: m}]}}\n",
    );
    check(
        "  {\"schedule\": \"a,b\\\"}\",\n  \"workflowSpec\": {\"synchronization\": {\"mutex\":\n  {\"name\": \"m\"}\n  }}}\n",
        "  {\"schedules\": [\"a,b\\\"}\"],\n  \"workflowSpec\": {\"synchronization\": {\"mutexes\": [{\"name\": \"m\"}]\n  }}}\n",
    );
}

#[test]
fn anchors_and_aliases_stay() {
    let old = "  workflowSpec:
    synchronization:
      mutex: &m
        name: m
    templates:
    - {name: a, synchronization: {mutex: *m}}
    - name: b
      synchronization:
        mutex: *m
";
    let new = "  workflowSpec:
    synchronization:
      mutexes:
      - &m
        name: m
    templates:
    - {name: a, synchronization: {mutexes: [*m]}}
    - name: b
      synchronization:
        mutexes:
        - *m
";
    check(old, new);
}

#[test]
fn an_old_field_beside_its_list_joins_or_replaces_it() {
    let of = |sync: &str| format!("  workflowSpec:\n    synchronization:\n{sync}");
    check(
        "  schedule: '@daily'\n  schedules:\n  - '@weekly'\n  suspend: true\n",
        "  schedules:\n  - '@daily'\n  suspend: true\n",
    );
    check("  {schedules: ['@weekly'], schedule: '@daily'}\n", "  {schedules: ['@daily']}\n");
    check(
        &of("      mutex: {name: m}\n      mutexes:\n      - name: a\n      # more\n"),
        &of("      mutexes:\n      - name: a\n      - {\"name\":\"m\"}\n      # more\n"),
    );
    check(
        &of("      mutexes: [{name: a}]\n      mutex:\n        name: m"),
        &of("      mutexes: [{name: a}, {\"name\":\"m\"}]\n"),
    );
    check(&of("      {mutexes: [], mutex: {name: m}}\n"), &of("      {mutexes: [{\"name\":\"m\"}]}\n"));
}

#[test]
fn a_priority_that_is_gone_becomes_a_comment() {
    check(
        "  workflowSpec:\n    podPriority: 5\n    entrypoint: a\n",
        "  workflowSpec:\n    # podPriority: 5 (gone in Argo 4, which has podPriorityClassName)\n    entrypoint: a\n",
    );
    check("  workflowSpec: {entrypoint: a, podPriority: 5}\n", "  workflowSpec: {entrypoint: a}\n");
}

#[test]
fn what_is_not_argos_and_what_says_nothing_stays() {
    for text in [
        "apiVersion: v1\nkind: Other\nspec: {schedule: a}\n",
        "# nothing\n",
        "- a\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {synchronization: {mutex: }}\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {templates: [{name: a, script: {source: 'mutex: a'}}]}\n",
    ] {
        assert_eq!(renew("w.yaml", text), Ok(Renewed { text: text.to_owned(), changes: 0, left: None }));
    }
}

#[test]
fn what_cannot_be_changed_is_told_with_its_place() {
    let text = cron("  ? schedule\n  : '@daily'\n");
    let renewed = renew("w.yaml", &text).unwrap();
    assert_eq!((renewed.text.as_str(), renewed.changes), (text.as_str(), 0));
    let left = renewed.left.unwrap().to_string();
    assert!(left.starts_with("w.yaml:5:5: `schedule` stands where it cannot"), "{left}");
}

/// Every object of Argo's corpora in the old spelling becomes one without warnings that means the same.
#[test]
fn the_corpora_are_renewed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo");
    let Ok(folders) =
        ["examples", "validation", "e2e"].map(|folder| files(&root.join(folder))).into_iter().collect()
    else {
        println!("the corpus is absent: {} cannot be read", root.display());
        return;
    };
    let all: Vec<Vec<_>> = folders;
    let (mut changes, mut texts) = (0, 0);
    for path in all.into_iter().flatten() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let Ok(renewed) = renew("w.yaml", &text) else { continue };
        assert_eq!(renewed.left, None, "{}", path.display());
        changes += renewed.changes;
        texts += 1;
    }
    println!("{changes} fields of {texts} texts were changed");
}

fn files(folder: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
    Ok(found)
}

/// A field in one of several layouts, at an indentation.
fn laid_out(name: &str, value: &str, layout: u8, indent: usize) -> String {
    let pad = " ".repeat(indent);
    match layout % 4 {
        0 => format!("{pad}{name}: {{name: {value}}} # a\n"),
        1 => format!("{pad}{name}:\n{pad}  name: {value}\n{pad}  # b\n{pad}  namespace: n\n"),
        2 => format!("{pad}{name}: # c\n\n{pad}    # d\n{pad}    name: {value}\n"),
        _ => format!("{pad}'{name}': {{\n{pad}  name: {value}\n{pad} }}\n"),
    }
}

proptest! {
    #[test]
    fn any_layout_is_renewed_and_keeps_its_comments(
        layouts in proptest::collection::vec((any::<u8>(), any::<bool>(), "[a-z]{1,4}|'[#:, ]'|\"\\\\\"}\""), 1..6)
    ) {
        let mut text = cron("  workflowSpec:\n    templates:\n");
        for (at, (layout, is_mutex, value)) in layouts.iter().enumerate() {
            let name = if *is_mutex { "mutex" } else { "semaphore" };
            let _ = write!(text, "    - name: t{at}\n      synchronization:\n{}", laid_out(name, value, *layout, 8));
        }
        let before = meaning(&yaml::parse("w", &text).unwrap());
        let renewed = renew("w", &text).unwrap();
        prop_assert_eq!((renewed.changes, renewed.left), (layouts.len(), None));
        prop_assert_eq!(meaning(&yaml::parse("w", &renewed.text).unwrap()), before);
        let comments = |text: &str| text.lines().filter_map(|line| line.split_once(" # ")).count();
        prop_assert_eq!(comments(&renewed.text), comments(&text));
        prop_assert!(!renewed.text.contains("mutex:") && !renewed.text.contains("semaphore:"));
    }

    #[test]
    fn whatever_is_written_reads_as_before(text in "(apiVersion: argoproj.io/v1alpha1\nspec:\n)?([ ]{0,4}(schedule|podPriority|mutex|synchronization|schedules|a)?:? ?[\\[{a'\"}\\],|>&*-]{0,3}\n){0,8}") {
        if let (Ok(before), Ok(renewed)) = (yaml::parse("w", &text), renew("w", &text)) {
            prop_assert_eq!(meaning(&yaml::parse("w", &renewed.text).unwrap()), meaning(&before));
        }
    }
}
