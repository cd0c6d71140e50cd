//! Bad input: the place, the reason, exit 1, nothing stored; within a bound of time and memory. Bad tokens: 401, on record.
//! Not here: what each room says about each fault (their own tests).

#![expect(clippy::disallowed_methods, reason = "a bound of time is measured")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use crate::support::{Server, marque, namespace_root};
use reqwest::Method;
use serde_json::{Value, json};

/// Address space a run may take, in KiB: the binary, its threads, and little else.
const MEMORY_KIB: u64 = 2_000_000;
/// Seconds a refusal may take, on a slow and busy machine.
const SECONDS: u64 = 20;

fn run(folder: &Path, text: &str) -> Output {
    fs::write(folder.join("bad.yaml"), text).unwrap();
    let begun = Instant::now();
    let output = Command::new("bash")
        .args(["-c", &format!("ulimit -v {MEMORY_KIB}; exec \"$@\""), "bash"])
        .arg(marque().get_program())
        .args(["run", "bad.yaml", "--isolation", "none", "--data", "data"])
        .env("NO_COLOR", "1")
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(SECONDS), "took {:?}", begun.elapsed());
    output
}

fn deep(levels: usize) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {}{}\n",
        "[".repeat(levels),
        "]".repeat(levels)
    )
}

fn deep_blocks(levels: usize) -> String {
    (0..levels).map(|level| format!("{}a:\n", " ".repeat(level))).collect()
}

fn bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    text
}

const WORKFLOW: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n";

#[test]
fn a_bad_file_is_refused_with_place_and_reason_and_nothing_is_stored() {
    let named = |name: &str| {
        format!(
            "{WORKFLOW}metadata: {{name: {name}}}\nspec:\n  entrypoint: a\n  templates: [{{name: a, container: {{image: x, command: [\"true\"]}}}}]\n"
        )
    };
    let cases: Vec<(&str, String, &str)> = vec![
        ("not YAML", "a: [1, 2\nb: }\n".to_owned(), "bad.yaml:"),
        ("not an object", "just a text\n".to_owned(), "bad.yaml:1:1"),
        ("not Argo", "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n".to_owned(), "Pod"),
        (
            "both OAM and nonsense",
            "apiVersion: core.oam.dev/v1beta1\nkind: Application\nmetadata: {name: x}\nspec: {components: {entrypoint: 7}}\n".to_owned(),
            "bad.yaml:4:",
        ),
        ("a field that does not exist", format!("{WORKFLOW}metadata: {{name: x}}\nspec: {{entrypont: a}}\n"), "bad.yaml:4:"),
        ("no such entrypoint", format!("{WORKFLOW}metadata: {{name: x}}\nspec: {{entrypoint: a, templates: []}}\n"), "bad.yaml:"),
        ("a name with a path", named("../../etc/passwd"), "bad.yaml:3:"),
        ("a name with a NUL", named("\"a\\0b\""), "bad.yaml:3:"),
        ("flow nested too deep", deep(10_000), "bad.yaml:"),
        ("blocks nested too deep", deep_blocks(1_500), "bad.yaml:"),
        ("an anchor bomb", bomb(), "bad.yaml:"),
        ("10 MiB", format!("{WORKFLOW}metadata: {{name: x}}\nspec: {{entrypoint: \"{}\"}}\n", "a".repeat(10 << 20)), "bad.yaml"),
        ("a key twice", format!("{WORKFLOW}metadata: {{name: x}}\nkind: Workflow\n"), "bad.yaml:4:"),
        ("no text at all", String::new(), "bad.yaml"),
        ("no UTF-8 character", "\u{0}\u{1}\u{2}".to_owned(), "bad.yaml:"),
    ];
    for (case, text, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let output = run(folder.path(), &text);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{case}: {out}{err}");
        assert!(err.contains(expected), "{case}: `{expected}` is not in:\n{err}");
        assert!(err.len() < 20_000, "{case}: the answer is {} bytes long", err.len());
        assert!(!err.contains("panicked"), "{case}: {err}");
        let stored =
            walk(&folder.path().join("data")).into_iter().filter(|path| path.contains("runs/")).count();
        assert_eq!(stored, 0, "{case}: something was stored");
    }
}

fn walk(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path().display().to_string());
        if entry.path().is_dir() {
            found.extend(walk(&entry.path()));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_request_is_refused_and_takes_no_effect() {
    let folder = tempfile::tempdir().unwrap();
    let more = "administrators: ['group:lab']\nauditors: ['group:lab']\n";
    let server = Server::start(folder.path(), &[("ada", &["lab"])], more).await;
    let token = server.log_in("ada").await;
    let (status, _) = server.apply(&token, &[namespace_root("lab", "lab")]).await;
    assert_eq!(status, 200);

    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let bodies: Vec<(&str, String, &[u16])> = vec![
        ("truncated JSON", "{\"workflow\": {".to_owned(), &[400]),
        ("10 MiB", format!("{{\"workflow\": \"{}\"}}", "a".repeat(10 << 20)), &[413]),
        ("10,000 levels", format!("{{\"workflow\": {}}}", nested(10_000)), &[400]),
        (
            "a name with a path",
            json!({"workflow": {"metadata": {"name": "../x"}, "spec": {"entrypoint": "a"}}}).to_string(),
            &[400],
        ),
        (
            "no template",
            json!({"workflow": {"metadata": {"name": "x"}, "spec": {"entrypoint": "a"}}}).to_string(),
            &[400],
        ),
        ("a list", "[]".to_owned(), &[400]),
    ];
    for (case, body, expected) in bodies {
        let begun = Instant::now();
        let request = server.request(Method::POST, "/api/v1/workflows/lab", &token, None);
        let answer = request.header("content-type", "application/json").body(body).send().await;
        // a server may also hang up on a body that is too large while it is still being sent
        if let Ok(answer) = answer {
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap_or_default();
            assert!(expected.contains(&status), "{case}: {status} {text}");
            assert!(text.len() < 10_000, "{case}: {}", text.len());
        } else {
            assert_eq!(case, "10 MiB");
        }
        assert!(begun.elapsed() < Duration::from_secs(SECONDS), "{case}");
    }
    for path in
        ["/api/v1/workflows/lab/..%2f..%2fetc", "/artifacts/lab/x/..%2f..%2f/y", "/api/v1/workflows/..%2f/x"]
    {
        let (status, answer) = server.call(Method::GET, path, &token, None).await;
        assert!(matches!(status, 400 | 404), "{path}: {status} {answer}");
    }
    let (status, list) = server.call(Method::GET, "/api/v1/workflows/lab", &token, None).await;
    assert_eq!((status, &list["items"]), (200, &Value::Null), "{list}");
    // manifests: one bad one, and the good one beside it takes no effect either
    let good = namespace_root("elsewhere", "lab");
    let (status, answer) =
        server.apply(&token, &[good.clone(), json!({"kind": "IdentityScope", "spec": 7})]).await;
    assert_eq!(status, 422, "{answer}");
    assert_eq!(answer["faults"][0]["file"], "object-1.yaml", "{answer}");
    let (status, plan) = server.apply(&token, &[good]).await;
    assert_eq!(status, 200, "{plan}");
    assert!(plan.to_string().contains("created"), "it was there already: {plan}");
}
