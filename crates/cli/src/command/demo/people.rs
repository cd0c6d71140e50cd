//! The people of the story: who they are (from the example), and a password for each, made up anew at every start.
//! Not here: what they do (see `story`).

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use identity::{Secret, hash_password};
use runner::random;
use serde::Deserialize;
use serde_json::json;

use crate::error::CliError;

const DIRECTORY: &str = include_str!("../../../../../examples/payroll/people/directory.yaml");
/// Letters and digits that are not taken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567892";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Directory {
    users: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    name: String,
    display_name: String,
    groups: Vec<String>,
}

/// Somebody in the story.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) display_name: String,
    pub(super) groups: Vec<String>,
    pub(super) password: String,
}

/// Returns everybody, each with a new password.
pub(super) fn everybody() -> Result<Vec<Person>, CliError> {
    let failed = |error: &dyn std::fmt::Display| {
        CliError::local("the people of the example cannot be read", error.to_string())
    };
    let documents = model::yaml::parse("directory.yaml", DIRECTORY);
    let documents =
        documents.map_err(|faults| failed(&faults.first().map(ToString::to_string).unwrap_or_default()))?;
    let mut people = Vec::new();
    for document in &documents {
        let decoded = model::yaml::decode::<Directory>(document);
        let Directory { users } =
            decoded.map_err(|faults| failed(&faults.first().map(ToString::to_string).unwrap_or_default()))?;
        for Entry { name, display_name, groups } in users {
            people.push(Person { name, display_name, groups, password: password()? });
        }
    }
    Ok(people)
}

/// Returns sixteen random letters and digits in groups of four: 80 bits.
fn password() -> Result<String, CliError> {
    let bytes: [u8; 16] =
        random::bytes().map_err(|error| CliError::local("a password cannot be made up", error))?;
    let letters: Vec<char> = bytes
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)).map(|c| char::from(*c)))
        .collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}

/// Writes the directory's file: names, groups and hashes, for the server's eyes only.
pub(super) async fn write(people: &[Person], file: &Path) -> Result<(), CliError> {
    let mut hashing = Vec::new();
    for person in people {
        let salt: [u8; 16] =
            random::bytes().map_err(|error| CliError::local("a salt cannot be made up", error))?;
        let password = Secret::new(person.password.as_str());
        // dear by design: all at once, off the threads that serve
        hashing.push(tokio::task::spawn_blocking(move || hash_password(&password, salt)));
    }
    let mut users = Vec::new();
    for (person, hash) in people.iter().zip(hashing) {
        let hash = hash.await.map_err(|error| CliError::local("a password cannot be hashed", error))?;
        let hash = hash.map_err(|error| CliError::local("a password cannot be hashed", error))?;
        users.push(json!({
            "name": person.name,
            "displayName": person.display_name,
            "groups": person.groups,
            "passwordHash": hash.expose(),
        }));
    }
    // JSON is YAML too
    let text = json!({"users": users}).to_string();
    let mut options = fs::OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(file);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| CliError::write(file, error))
}
