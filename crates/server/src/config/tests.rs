//! Configurations and what is said of them.

use super::*;
use crate::ServerError;

const DIRECTORY: &str = "localDirectory: {file: people.yaml}\n";

#[track_caller]
fn faults(text: &str) -> String {
    let faults = Config::parse("marque.yaml", text).unwrap_err();
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_whole_configuration_is_read() {
    let config = Config::parse(
        "marque.yaml",
        r#"
listen: 127.0.0.1:9000
issuer: https://marque.example
data: /var/lib/marque
isolation: none
parallelPods: 3
images: {"busybox:1.37": {entrypoint: [], cmd: [sh]}}
mounts: [{host: /usr, path: /usr}]
administrators: ["group:admins", "user:local#alice"]
auditors: ["group:auditors"]
issuers:
  - name: corp
    issuer: https://id.example
    audiences: [marque]
    clientId: marque-cli
    algorithms: [RS256, ES256]
    acceptTyp: [at+jwt, JWT]
    groupsClaim: groups
    maxTokenAgeSeconds: 3600
localDirectory: {file: people.yaml, sessionMinutes: 60}
runTokens: {audience: runs, seconds: 300}
managedNamespace: argo
links: [{name: Log, scope: workflow, url: "http://x"}]
artifacts: {networks: [127.0.0.0/8], ownCredentials: true, repository: {archiveLogs: true, s3: {bucket: b}}}
"#,
    )
    .unwrap();
    assert_eq!(config.issuer_url(), "https://marque.example");
    assert_eq!(config.parallel_pods, 3);
    assert_eq!(config.images["busybox:1.37"].cmd, ["sh"]);
    assert_eq!(config.issuers[0].scopes, ["openid", "profile", "email"]);
    assert_eq!(config.administrators.len(), 2);
    assert_eq!(config.local_directory.as_ref().unwrap().session_minutes, 60);
    let warnings = config.check().unwrap();
    assert!(warnings.iter().any(|warning| warning.contains("isolation is `none`")), "{warnings:?}");
}

#[test]
fn networks_and_the_repository_of_artifacts_are_checked() {
    let text = faults(&format!(
        "{DIRECTORY}artifacts: {{networks: [here], repository: {{s3: {{bucket: [1]}}}}}}\nexecutorPlugins: [{{name: p, address: here}}]\n"
    ));
    assert!(
        text.contains("`here` is no `http`")
            && text.contains("`here` is not a network")
            && text.contains("`s3`"),
        "{text}"
    );
}

#[test]
fn artifact_plugins_have_names_of_their_own_and_time_to_answer() {
    let text = faults(&format!(
        "{DIRECTORY}artifactDrivers:\n- {{name: p, socket: a}}\n- {{name: p, socket: b, connectionTimeoutSeconds: 0}}\n"
    ));
    assert!(
        text.contains("marque.yaml:4:") && text.contains("`p` names no plugin, or another one as well"),
        "{text}"
    );
    assert!(text.contains("`connectionTimeoutSeconds` is 0"), "{text}");
    let text = format!("{DIRECTORY}artifactDrivers: [{{name: p, socket: run/p.sock}}]\n");
    let config = Config::parse("marque.yaml", &text).unwrap();
    assert_eq!(config.artifact_drivers[0].connection_timeout_seconds, 5);
}

#[test]
fn an_unknown_field_is_refused_at_its_place() {
    let text = faults(&format!("{DIRECTORY}auditor: []\n"));
    assert!(text.starts_with("marque.yaml:2:1: ") && text.contains("auditor"), "{text}");
}

#[test]
fn controls_that_could_never_fire_are_refused_at_their_place() {
    let issuer = "issuers: [{name: corp, issuer: 'https://id.example', audiences: [marque]}]\n";
    for (text, place, expected) in [
        ("listen: 127.0.0.1:1\n".to_owned(), "marque.yaml:1:", "nobody could ever log in"),
        (
            format!("{DIRECTORY}administrators: ['user:corp#1']\n"),
            "marque.yaml:2:",
            "no issuer is called `corp`",
        ),
        (
            format!("{issuer}administrators: ['group:admins']\n"),
            "marque.yaml:2:",
            "no issuer has a `groupsClaim`",
        ),
        (format!("{issuer}auditors: ['workload:ci']\n"), "marque.yaml:2:", "no issuer has a `workload`"),
        (format!("{DIRECTORY}parallelPods: 0\n"), "marque.yaml:2:", "no pod could ever run"),
        (format!("{DIRECTORY}runTokens: {{seconds: 3600}}\n"), "marque.yaml:2:", "between 1 and 600"),
        (format!("{DIRECTORY}runTokens: {{audience: ''}}\n"), "marque.yaml:2:", "`audience` is empty"),
        (format!("{DIRECTORY}issuer: http://marque.example\n"), "marque.yaml:2:", "not of this machine"),
        (format!("{DIRECTORY}issuer: ftp://marque.example\n"), "marque.yaml:2:", "not an http or https URL"),
        (format!("{DIRECTORY}mounts: [{{host: /a, path: ../b}}]\n"), "marque.yaml:2:", "absolute path"),
        (format!("{DIRECTORY}managedNamespace: '../x'\n"), "marque.yaml:2:", "not a valid name"),
        (
            "issuers: [{name: corp, issuer: 'https://id.example', audiences: [marque-runs]}]\n".to_owned(),
            "marque.yaml:1:",
            "that of the run tokens",
        ),
        (
            "issuers: [{name: corp, issuer: 'https://id.example', audiences: [a], algorithms: [HS256]}]\n"
                .to_owned(),
            "marque.yaml:1:",
            "HS256",
        ),
        (
            "issuers: [{name: a, issuer: 'https://id.example', audiences: [a]}, \
             {name: b, issuer: 'https://id.example/', audiences: [a]}]\n"
                .to_owned(),
            "marque.yaml:1:",
            "named twice",
        ),
    ] {
        let found = faults(&text);
        assert!(found.contains(expected) && found.starts_with(place), "{text}\n→ {found}");
    }
}

#[test]
fn variables_come_over_the_file_and_nonsense_in_them_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("marque.yaml");
    std::fs::write(&file, format!("{DIRECTORY}data: data\n")).unwrap();
    let set = |name: &str, value: &str| [(name.to_owned(), value.to_owned())];
    let config = Config::load(Some(&file), set("MARQUE_LISTEN", "127.0.0.1:7")).unwrap();
    assert_eq!(config.listen.port(), 7);
    assert_eq!(config.data, folder.path().join("data"), "paths are relative to the file");
    assert_eq!(config.local_directory.unwrap().file, folder.path().join("people.yaml"));
    assert!(Config::load(Some(&file), set("MARQUE_TOKEN", "of the client")).is_ok());
    let error = Config::load(Some(&file), set("MARQUE_ISOLATION", "maybe")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`MARQUE_ISOLATION` cannot be `maybe`: it is `namespaces`, `containers` or `none` [SRV0002]"
    );
}

#[test]
fn an_absent_or_huge_file_is_an_error_and_not_an_empty_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("marque.yaml");
    assert!(matches!(Config::load(Some(&file), []), Err(ServerError::ConfigUnreadable { .. })));
    std::fs::write(&file, "#".repeat(2 * 1024 * 1024)).unwrap();
    assert!(matches!(Config::load(Some(&file), []), Err(ServerError::ConfigUnreadable { .. })));
}

#[test]
fn a_directory_with_a_fault_or_without_people_is_refused_and_shows_no_hash() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.yaml");
    for (text, expected) in [
        ("users: []\n", "there are no users"),
        ("users: [{name: a, passwordHash: plain-secret}]\n", "argon2id"),
        ("users: [{name: a, passwordHash: x, admin: true}]\n", "admin"),
        ("", "has no users"),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = people(&file, "https://marque.example").unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("plain-secret"), "{text} → {error}");
    }
}
