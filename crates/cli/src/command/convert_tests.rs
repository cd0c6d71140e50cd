//! `marque convert`: what it prints, what it writes, and that `lint` warns no more of what it wrote.

use std::{fs, path::Path};

use serde_json::Value;

use super::tests::marque;
use crate::exit::Exit;

const OLD: &str = "# every night
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: w}
spec:
  schedule: '0 3 * * *' # at three
  workflowSpec:
    entrypoint: a
    synchronization:
      mutex: # one at a time
        name: m
    templates:
    - {name: a, container: {image: x}}
";
const NEW: &str = "# every night
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: w}
spec:
  schedules:
  - '0 3 * * *' # at three
  workflowSpec:
    entrypoint: a
    synchronization:
      mutexes: # one at a time
        - name: m
    templates:
    - {name: a, container: {image: x}}
";
const OTHER: &str = "apiVersion: apps/v1\nkind: Deployment\nspec: {schedule: a}";

#[tokio::test]
async fn files_are_printed_in_the_new_spelling() {
    let home = tempfile::tempdir().unwrap();
    let [old, other] = [("a.yaml", OLD), ("b.yaml", OTHER)].map(|(name, text)| {
        let path = home.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    });
    let said = marque(home.path(), &["convert", &old], "").await;
    assert_eq!((said.exit, said.out.as_str(), said.err.as_str()), (Exit::OK, NEW, ""));
    let both = marque(home.path(), &["convert", &old, &other], "").await;
    assert_eq!((both.exit, both.out), (Exit::OK, format!("{NEW}---\n{OTHER}\n")));
    let again = marque(home.path(), &["convert", "-"], NEW).await;
    assert_eq!((again.exit, again.out.as_str()), (Exit::OK, NEW), "{}", again.err);
    assert_eq!(fs::read_to_string(&old).unwrap(), OLD, "nothing is written without being asked for");
}

#[tokio::test]
async fn files_are_written_anew_when_asked_to() {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in [("a.yaml", OLD), ("b.yaml", OTHER)] {
        fs::write(home.path().join(name), text).unwrap();
    }
    let folder = home.path().display().to_string();
    let said = marque(home.path(), &["convert", "--write", &folder], "").await;
    assert_eq!((said.exit, said.out.as_str()), (Exit::OK, "HOME/a.yaml: 2 fields\n"), "{}", said.err);
    let now = ["a.yaml", "b.yaml"].map(|name| fs::read_to_string(home.path().join(name)).unwrap());
    assert_eq!(now, [NEW, OTHER]);
    let said = marque(home.path(), &["convert", "--write", "-"], OLD).await;
    assert_eq!((said.exit, said.out.as_str()), (Exit::USAGE, ""), "{}", said.err);
}

#[tokio::test]
async fn what_cannot_be_read_or_changed_is_a_fault_and_nothing_is_written() {
    let home = tempfile::tempdir().unwrap();
    let old = home.path().join("a.yaml");
    fs::write(&old, OLD).unwrap();
    let odd = OLD.replace("  schedule: '0 3 * * *'", "  ? schedule\n  : '0 3 * * *'");
    for (text, word) in [("kind: Workflow\nspec: [\n", "MDL0101"), (odd.as_str(), "by hand")] {
        let bad = home.path().join("b.yaml");
        fs::write(&bad, text).unwrap();
        let files = [&old, &bad].map(|path| path.display().to_string());
        let said = marque(home.path(), &["convert", "-w", &files[0], &files[1]], "").await;
        assert_eq!((said.exit == Exit::OK, said.out.as_str()), (false, ""));
        assert!(said.err.contains(word), "{}", said.err);
        assert_eq!(fs::read_to_string(&old).unwrap(), OLD);
    }
}

/// Argo's own texts, made old again where they can be: once converted, `lint` finds in them what it found before, and
/// warns of no old spelling.
#[tokio::test]
async fn a_converted_corpus_lints_without_warnings_of_old_spellings() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo/examples");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("the corpus is absent: {} cannot be read", folder.display());
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("w.yaml");
    let path = file.display().to_string();
    let mut aged = 0;
    for entry in entries.map(|entry| entry.unwrap().path()) {
        let Ok(text) = fs::read_to_string(&entry) else { continue };
        let old = older(&text);
        if old == text {
            continue;
        }
        aged += 1;
        fs::write(&file, &old).unwrap();
        let before = warnings(home.path(), &path).await;
        assert!(before.iter().any(|warning| warning.contains("Argo 3")), "{}: {before:?}", entry.display());
        let said = marque(home.path(), &["convert", "--write", &path], "").await;
        assert_eq!(said.exit, Exit::OK, "{}: {}", entry.display(), said.err);
        let after = warnings(home.path(), &path).await;
        let rest: Vec<String> = before.into_iter().filter(|warning| !warning.contains("Argo 3")).collect();
        assert_eq!(after, rest, "{}", entry.display());
    }
    println!("{aged} files were made old and converted");
    assert!(aged >= 8, "only {aged}");
}

/// Writes lists of one in Argo 3's spelling.
fn older(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let bare = line.trim_start();
        let pair = [("schedules:", "schedule"), ("mutexes:", "mutex"), ("semaphores:", "semaphore")];
        let next = lines.get(at + 1).map_or("", |line| line.trim_start());
        let alone = || {
            let item = lines.get(at + 1).map_or(0, |line| line.len() - line.trim_start().len());
            let mut below = lines
                .iter()
                .skip(at + 2)
                .map(|line| (line.len() - line.trim_start().len(), line.trim_start()));
            !below
                .find(|(indent, _)| *indent <= item)
                .is_some_and(|(indent, bare)| indent == item && bare.starts_with("- "))
        };
        match pair.into_iter().find(|(new, _)| bare.starts_with(new) && next.starts_with("- ") && alone()) {
            Some((_, old)) => {
                let indent = " ".repeat(line.len() - bare.len());
                let item = lines[at + 1].replacen("- ", "  ", 1);
                let value = if old == "schedule" { item.trim().to_owned() } else { format!("\n{item}") };
                out.push(format!("{indent}{old}: {value}"));
                at += 2;
            }
            None => {
                out.push((*line).to_owned());
                at += 1;
            }
        }
    }
    out.join("\n") + if text.ends_with('\n') { "\n" } else { "" }
}

async fn warnings(home: &Path, path: &str) -> Vec<String> {
    let said = marque(home, &["lint", "-o", "json", path], "").await;
    let found: Value = serde_json::from_str(&said.out).unwrap();
    let text = |warning: &Value| warning["message"].as_str().unwrap().to_owned();
    found[0]["warnings"].as_array().unwrap().iter().map(text).collect()
}
