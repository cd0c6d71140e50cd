//! Where artifacts are: paths in containers and locations in stores. Source: Argo `artifact CleanPath`,
//! `HasLocationOrKey`, `validateArtifactLocation`, `workflow/artifacts/hdfs`.

use serde_json::{Map, Value};

use super::{
    BAD_WORKFLOW, PARAMETER_WITHOUT_VALUE,
    walk::{Site, Walker},
};
use crate::argo::Artifact;

/// The locations, of which the first one that is there decides, and the fields of which one must be filled in.
const LOCATIONS: [(&str, &[&str]); 10] = [
    ("artifactory", &["url"]),
    ("azure", &["blob"]),
    ("git", &["repo"]),
    ("gcs", &["key"]),
    ("hdfs", &["path", "addresses"]),
    ("http", &["url"]),
    ("oss", &["key"]),
    ("raw", &[]),
    ("s3", &["key"]),
    ("plugin", &["key"]),
];

/// Whether the artifact says itself where it is, at least by a key.
pub(super) fn has_location(artifact: &Artifact) -> bool {
    let there = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    let location = LOCATIONS.iter().find_map(|(kind, fields)| match *kind {
        "raw" => artifact.raw.is_some().then_some((&Value::Null, *fields)),
        kind => artifact.rest.get(kind).filter(|location| !location.is_null()).map(|found| (found, *fields)),
    });
    location.is_some_and(|(location, fields)| {
        fields.is_empty() || fields.iter().any(|field| location.get(*field).is_some_and(there))
    })
}

impl Walker<'_> {
    pub(super) fn artifact_path(&mut self, artifact: &Artifact, leaf: bool, prefix: &str, site: &Site) {
        let Artifact { name, path, .. } = artifact;
        if !leaf {
            if !path.is_empty() {
                let message = format!("{prefix}.path only valid in container/script templates");
                self.fault(BAD_WORKFLOW, message, site);
            }
        } else if path.is_empty() {
            let message = format!("error in {prefix}: Artifact '{name}' did not specify a path");
            self.fault(PARAMETER_WITHOUT_VALUE, message, site);
        } else if leaves_folder(path) {
            let message = format!(
                "error in {prefix}: Artifact '{name}' attempted to use a path containing '..'. Directory traversal is not permitted"
            );
            self.fault(BAD_WORKFLOW, message, site);
        }
    }

    /// Checks a location in a store.
    pub(super) fn location(&mut self, location: &Map<String, Value>, prefix: &str, site: &Site) {
        let text = |value: &Value, field: &str| {
            value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        if let Some(git) = location.get("git").filter(|git| !git.is_null())
            && text(git, "repo").is_empty()
        {
            self.fault(BAD_WORKFLOW, format!("{prefix}.git.repo is required"), &site.below(".git"));
        }
        if let Some(hdfs) = location.get("hdfs").filter(|hdfs| !hdfs.is_null())
            && let Some(why) = wrong_hdfs(hdfs, &format!("{prefix}.hdfs"))
        {
            self.fault(BAD_WORKFLOW, why, &site.below(".hdfs"));
        }
    }
}

fn wrong_hdfs(hdfs: &Value, prefix: &str) -> Option<String> {
    let has = |field: &str| match hdfs.get(field) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    let path = hdfs.get("path").and_then(Value::as_str).unwrap_or_default();
    let (cache, keytab) = (has("krbCCacheSecret"), has("krbKeytabSecret"));
    let service = has("krbServicePrincipalName") && has("krbConfigConfigMap");
    let p = prefix;
    Some(if !has("addresses") {
        format!("{p}.addresses is required")
    } else if path.is_empty() {
        format!("{p}.path is required")
    } else if !path.starts_with('/') && !path.contains("{{") {
        format!("{p}.path must be a absolute file path")
    } else if !has("hdfsUser") && !cache && !keytab {
        format!("either {p}.hdfsUser, {p}.krbCCacheSecret or {p}.krbKeytabSecret is required")
    } else if keytab && !(service && has("krbUsername") && has("krbRealm")) {
        format!(
            "{p}.krbServicePrincipalName, {p}.krbConfigConfigMap, {p}.krbUsername and {p}.krbRealm are required with {p}.krbKeytabSecret"
        )
    } else if cache && !service {
        format!(
            "{p}.krbServicePrincipalName and {p}.krbConfigConfigMap are required with {p}.krbCCacheSecret"
        )
    } else {
        return None;
    })
}

/// Whether a path goes up and out of the folder that stands before its first `..`.
fn leaves_folder(path: &str) -> bool {
    let safe = match (path.find("/../"), path.strip_suffix("/..")) {
        (Some(at), _) => path.get(..at).unwrap_or(""),
        (None, Some(before)) => before,
        (None, None) => return false,
    };
    let mut cleaned: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            cleaned.pop();
        } else {
            cleaned.push(part);
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    let cleaned = format!("{root}{}", cleaned.join("/"));
    let within = cleaned.strip_prefix(safe).is_some_and(|rest| rest.starts_with('/') && rest.len() > 1);
    !safe.is_empty() && !within
}

#[cfg(test)]
mod tests {
    use super::leaves_folder;

    #[test]
    fn paths_that_leave_their_folder_are_known() {
        for (path, leaves) in [
            ("/tmp/a", false),
            ("/tmp/../etc", true),
            ("/tmp/safe/..", true),
            ("/tmp/safe/../safe/b", false),
            ("/a..b/c", false),
            ("/tmp/safe/x/../../y", true),
        ] {
            assert_eq!(leaves_folder(path), leaves, "{path}");
        }
    }
}
