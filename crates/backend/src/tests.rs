//! Tests of the parts that need no process: masking, splitting, framing, names, commands.

use std::collections::BTreeMap;

use engine::{CollectedOutputs, PodEnd, PodOutcome};
use model::argo::{AnyString, Container};
use proptest::prelude::*;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::{
    Image, Isolation, folder, image,
    logfile::{self, LogWriter},
    mask::Masker,
    outcome,
    spec::{ContainerSpec, InputSpec, MountSpec, OutputSpec, PodSpec, Role},
    supervise::stream::Stream,
};

fn masker(secrets: &[&str]) -> Masker {
    Masker::new(secrets.iter().map(|secret| Zeroizing::new(secret.as_bytes().to_vec())).collect())
}

/// Writes `text` in pieces cut at `cuts`, and returns what got into the log and the result.
fn through(secret: &str, text: &[u8], cuts: &[usize]) -> (String, String) {
    let folder = TempDir::new().unwrap();
    let mut log = LogWriter::new(folder.path().join("log"));
    let masker = masker(&[secret]);
    let mut stream = Stream::new(false, true);
    let mut start = 0;
    for cut in cuts.iter().copied().chain([text.len()]) {
        let cut = cut.clamp(start, text.len());
        stream.take(&text[start..cut], 1, &masker, &mut log);
        start = cut;
    }
    stream.finish(1, &masker, &mut log);
    log.flush().unwrap();
    let (mut lines, mut from) = (Vec::new(), 0);
    loop {
        let (more, next) = logfile::read(&folder.path().join("log"), from).unwrap();
        if next == from {
            break;
        }
        from = next;
        lines.extend(more.into_iter().map(|line| line.content));
    }
    (lines.join("\n"), stream.result().unwrap())
}

proptest! {
    #[test]
    fn no_cut_lets_a_secret_through(
        before in "[ -~]{0,40}", after in "[ -~\n]{0,40}", mut cuts in proptest::collection::vec(0_usize..140, 0..6)
    ) {
        let secret = "tok.en-value+0123456789";
        cuts.sort_unstable();
        let (log, result) = through(secret, format!("{before}{secret}{after}").as_bytes(), &cuts);
        prop_assert!(!log.contains(secret));
        prop_assert!(!result.contains(secret));
        prop_assert!(result.contains("***"));
    }
    #[test]
    fn what_holds_no_secret_is_kept_as_it_is(text in "[ -~]{0,30}(\n[ -~]{0,30}){0,5}", mut cuts in proptest::collection::vec(0_usize..180, 0..6)) {
        cuts.sort_unstable();
        let (log, result) = through("a-secret-that-never-occurs\u{1}", text.as_bytes(), &cuts);
        prop_assert_eq!(log, text.strip_suffix('\n').unwrap_or(&text));
        prop_assert_eq!(result, text.strip_suffix('\n').unwrap_or(&text));
    }
    #[test]
    fn base64_of_anything_around_the_secret_is_masked(prefix in "[a-z]{0,7}", suffix in "[a-z]{0,7}") {
        use std::io::Write as _;
        let secret = "tok.en-value+0123456789";
        let encoded = {
            let mut child = std::process::Command::new("base64").arg("-w0")
                .stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(format!("{prefix}{secret}{suffix}").as_bytes()).unwrap();
            String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
        };
        let masked = masker(&[secret]).mask(encoded.as_bytes());
        prop_assert!(masked.is_some_and(|masked| masked.windows(3).any(|part| part == b"***")), "{}", encoded);
    }
}

#[test]
fn a_line_that_is_too_long_is_split_and_a_secret_on_the_edge_is_masked() {
    let secret = "S".repeat(300);
    for offset in [65_000, 65_400, 65_535, 65_536, 65_900, 131_000] {
        let text = format!("{}{secret}{}", "a".repeat(offset), "b".repeat(100_000));
        let (log, result) = through(&secret, text.as_bytes(), &[offset + 10, offset + 150]);
        assert!(!log.contains("SSSSSSSS"), "{offset}");
        assert_eq!(result, format!("{}***{}", "a".repeat(offset), "b".repeat(100_000)), "{offset}");
        assert_eq!(log.replace('\n', ""), result, "{offset}");
    }
}

#[test]
fn short_texts_are_no_secrets() {
    assert!(masker(&["abc", ""]).mask(b"abc").is_none());
}

#[test]
fn a_log_is_read_from_any_offset_and_only_whole_records_are_returned() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("log");
    assert_eq!(logfile::read(&path, 0).unwrap(), (Vec::new(), 0));
    let mut log = LogWriter::new(path.clone());
    log.line(5, false, b"one two");
    log.line(6, true, "zw\u{f6}lf \u{fffd}".as_bytes());
    log.flush().unwrap();
    let (lines, end) = logfile::read(&path, 0).unwrap();
    assert_eq!(end, path.metadata().unwrap().len());
    assert_eq!(
        lines.iter().map(|l| (l.at_ms, l.stderr, l.content.as_str())).collect::<Vec<_>>(),
        [(5, false, "one two"), (6, true, "zw\u{f6}lf \u{fffd}")]
    );
    assert_eq!(logfile::read(&path, end).unwrap(), (Vec::new(), end));
    assert_eq!(logfile::read(&path, end + 1000).unwrap(), (Vec::new(), end + 1000));
    for inside in 1..12 {
        assert_eq!(logfile::read(&path, inside).unwrap().0, lines[1..], "{inside}");
    }
    std::io::Write::write_all(
        &mut std::fs::OpenOptions::new().append(true).open(&path).unwrap(),
        b"7 o half",
    )
    .unwrap();
    assert_eq!(logfile::read(&path, end).unwrap(), (Vec::new(), end));
}

#[test]
fn a_full_log_says_so_once_and_takes_no_more() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("log");
    let mut log = LogWriter::new(path.clone()).with_limit(50);
    (0..20).for_each(|_| log.line(1, false, b"0123456789"));
    log.flush().unwrap();
    let (lines, _) = logfile::read(&path, 0).unwrap();
    assert_eq!(lines.len(), 4);
    assert!(lines[3].content.contains("longer than 50 bytes"), "{lines:?}");
}

#[test]
fn references_in_commands_are_replaced_as_kubernetes_does() {
    let env = [("A", "1"), ("B", "two"), ("A", "3")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    for (text, expected) in [
        ("", ""),
        ("plain", "plain"),
        ("$(B)", "two"),
        ("$(A)$(B)", "3two"),
        ("$$(B)", "$(B)"),
        ("$$$(B)", "$two"),
        ("$(C)", "$(C)"),
        ("$(B", "$(B"),
        ("$", "$"),
        ("a$", "a$"),
        ("$$", "$"),
        ("$B", "$B"),
        ("\u{f6}$(B)\u{f6}", "\u{f6}two\u{f6}"),
    ] {
        assert_eq!(image::expand(text, &env), expected, "{text}");
    }
}

#[test]
fn images_are_found_by_full_name_then_without_digest_then_without_tag() {
    let known = |program: &str| Image { entrypoint: vec![program.to_owned()], cmd: vec!["c".to_owned()] };
    let images: BTreeMap<String, Image> = [
        ("a:1", known("tagged")),
        ("a", known("untagged")),
        ("b@sha256:1", known("digest")),
        ("host:5000/c", known("port")),
        ("argoproj/argosay:v2", known("own")),
    ]
    .map(|(name, image)| (name.to_owned(), image))
    .into();
    for (image, args, expected) in [
        ("a:1", vec![], Some("tagged c")),
        ("a:1@sha256:9", vec![], Some("tagged c")),
        ("a:2", vec!["x"], Some("untagged x")),
        ("b@sha256:1", vec![], Some("digest c")),
        ("b@sha256:2", vec![], None),
        ("host:5000/c", vec![], Some("port c")),
        ("host:5000/c:9", vec![], Some("port c")),
        ("host", vec![], None),
        ("argoproj/argosay:v2", vec![], Some("own c")),
        ("quay.io/argoproj/argosay:v2", vec!["exit"], Some("/argosay exit")),
        ("argoproj/argosay:v1", vec![], Some("cowsay")),
        ("", vec!["x"], None),
    ] {
        let args = args.into_iter().map(|arg| AnyString(arg.to_owned())).collect();
        let container = Container { image: image.to_owned(), args, ..Container::default() };
        let found = image::invocation(&container, &images, &[]).ok().map(|found| found.argv.join(" "));
        assert_eq!(found.as_deref(), expected, "{image}");
    }
}

#[test]
fn specifications_and_outcomes_come_back_as_they_were_written() {
    let text = |text: &str| text.to_owned();
    let spec = PodSpec {
        isolation: Isolation::Namespaces,
        containers_by: None,
        host_name: text("h"),
        user: Some(7),
        is_daemon: true,
        is_set: true,
        containers: vec![ContainerSpec {
            name: text("main"),
            role: Role::Main(vec![text("other")]),
            wanted: None,
            command_words: 0,
            built_in: true,
            working_dir: text("/w"),
            mounts: vec![MountSpec {
                host: text("h"),
                sub_path: text("s"),
                path: text("/m"),
                writable: true,
            }],
            has_inputs: true,
            attempts: 3,
            pause_ms: 5,
        }],
        script: Some(text("echo")),
        inputs: vec![
            InputSpec {
                name: text("n"),
                path: text("/p"),
                key: Some(text("a/b/c")),
                file: None,
                text: text(""),
                mode: Some(0o755),
                recurse_mode: true,
            },
            InputSpec {
                name: text("m"),
                path: text("/q"),
                key: None,
                file: Some("/z".into()),
                text: text("t"),
                mode: None,
                recurse_mode: false,
            },
        ],
        parameters: vec![(text("p"), text("/x"))],
        artifacts: vec![OutputSpec { name: text("o"), path: text("/y"), optional: true }],
        wants_result: true,
        deadline_seconds: Some(7),
        folders: vec![text("volumes/ns/claim")],
    };
    let again =
        |spec: &PodSpec| -> PodSpec { serde_json::from_str(&serde_json::to_string(spec).unwrap()).unwrap() };
    assert_eq!(again(&spec), spec);
    let plain = PodSpec { isolation: Isolation::None, script: None, deadline_seconds: None, ..spec };
    assert_eq!(again(&plain), plain);

    let parent = TempDir::new().unwrap();
    let folder = folder::PodFolder::at(parent.path());
    let outputs = CollectedOutputs {
        parameters: [(text("p"), text("v"))].into(),
        artifacts: [(text("a"), engine::StoredArtifact::Key(text("r/n/a")))].into(),
        result: Some(text("r")),
    };
    for end in [PodEnd::Exited(-1), PodEnd::DeadlineExceeded, PodEnd::Killed, PodEnd::Error(text("why"))] {
        let ended = engine::ContainerEnd {
            exit_code: Some(3),
            message: text("why"),
            started_at: None,
            finished_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let containers = [(text("beside"), ended)].into();
        let outcome = PodOutcome { containers, ..PodOutcome::new(end, outputs.clone()) };
        outcome::write(&folder, &outcome).unwrap();
        assert_eq!(outcome::read(&folder).unwrap(), Some(outcome));
    }
    for torn in ["", "{", "{\"end\":{\"exited\":0}", "{\"end\":{\"exited\":0},\"error\":1}", "[]"] {
        std::fs::write(folder.result(), torn).unwrap();
        assert_eq!(outcome::read(&folder).unwrap(), None, "{torn}");
    }
}

#[test]
fn a_key_names_an_artifact_or_something_inside_it_and_leads_nowhere_else() {
    let root = std::path::Path::new("/store");
    let path = |key: &str| folder::artifact_path(root, key).ok().map(|path| path.display().to_string());
    assert_eq!(path("r/n/a").as_deref(), Some("/store/r/n/a"));
    assert_eq!(path("r/n/a/b/.c d").as_deref(), Some("/store/r/n/a/b/.c d"));
    for bad in [
        "",
        "r",
        "r/n",
        "r/n/",
        "r/n/..",
        "r/n/a/..",
        "r/n/a/b/../c",
        "r/n/a//b",
        "r/n/a/",
        "/r/n/a",
        "r/n/.a",
    ] {
        assert_eq!(path(bad), None, "{bad}");
    }
}

#[test]
fn every_code_has_its_page() {
    let codes = ["BCK0001", "BCK0002", "BCK0003", "BCK0004", "BCK0005", "BCK0006"];
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    for code in codes {
        let page = std::fs::read_to_string(folder.join(format!("{code}.md"))).unwrap();
        assert!(page.starts_with(&format!("# {code}: ")), "{code}");
    }
}
