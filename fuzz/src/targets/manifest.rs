//! The YAML door, manifests, conversion and schedules.

use std::fmt::Write as _;

use model::{
    argo::{self, Mode, NoTemplates, Validation},
    cron::Schedule,
    manifest::Manifest,
    yaml,
};

/// What was read is the same when it is written as JSON and read again; every place is within the text.
pub(crate) fn yaml(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    let documents = match yaml::parse("f", text) {
        Ok(documents) => documents,
        Err(faults) => {
            assert!(!faults.is_empty(), "a refusal has a reason");
            return;
        }
    };
    // a carriage return ends a line too
    let lines = text.split(['\n', '\r']).count();
    for document in documents.iter().filter(|document| !document.is_empty()) {
        let value = document.value();
        if let Some(place) = document.places().start() {
            assert!(
                usize::try_from(place.line).is_ok_and(|line| line <= lines),
                "{place:?} is within the text"
            );
        }
        let json = ascii(&value.to_string());
        let again = yaml::parse("f", &json);
        assert!(again.is_ok(), "JSON is YAML: {again:?}");
        let again: Vec<_> = again.iter().flatten().map(yaml::Document::value).collect();
        assert_eq!(again, [value], "what is written is what was read");
    }
}

/// Returns a JSON text without what YAML takes only escaped: some characters that JSON lets stand.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, ' '..='~') {
            out.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// A manifest that is read is read again from its own JSON, whatever a check finds in it.
pub(crate) fn manifest(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    for manifest in model::manifest::parse("f", text).unwrap_or_default() {
        let json = manifest.to_json();
        let again = Manifest::from_json(json.clone(), None);
        assert!(again.is_ok(), "{json}: {again:?}");
        assert_eq!(again.map(|again| again.to_json()).unwrap_or_default(), json);
        let places = manifest.places();
        argo::advice(&json, places);
        if let Manifest::Workflow(written) = &manifest {
            for mode in [Mode::Lint, Mode::Submit] {
                let validation = Validation {
                    mode,
                    templates: &NoTemplates,
                    places,
                    metadata: Some(&written.object.metadata),
                    defaults: None,
                };
                argo::examine(&written.object.spec, &validation);
            }
        }
    }
}

/// What was converted is not converted again.
pub(crate) fn convert(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    let Ok(renewed) = argo::renew("f", text) else { return };
    let again = argo::renew("f", &renewed.text);
    assert_eq!(again.as_ref().map(|again| (again.changes, &again.text)), Ok((0, &renewed.text)));
}

/// A schedule is read or refused.
pub(crate) fn cron(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    if let Err(error) = Schedule::parse(text) {
        assert!(!error.to_string().is_empty(), "a refusal has a reason");
    }
    let _ = model::duration::go_duration_ms(text);
}
