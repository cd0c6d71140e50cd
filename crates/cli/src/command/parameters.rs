//! Parameters given on the command line, one by one or in a file. Source: Argo `workflow/util` ReadParametersFile,
//! ApplySubmitOpts. Not here: which of them may be given (the server decides).

use std::path::Path;

use model::argo::{AnyString, Parameter};
use serde_json::Value;

use super::sheets;
use crate::{
    args::Parameter as Given,
    error::{CliError, SourceText},
};

/// Returns the parameters of a file and those given one by one, which count more.
///
/// # Errors
/// [`CliError::File`], [`CliError::Faults`] if the file is no mapping of names to values.
pub(super) fn all(given: &[Given], file: Option<&Path>) -> Result<Vec<Given>, CliError> {
    let mut all = match file {
        Some(file) => of_file(&sheets::read(file)?)?,
        None => Vec::new(),
    };
    for one in given {
        all.retain(|known| known.name != one.name);
        all.push(one.clone());
    }
    Ok(all)
}

/// Puts values in the place of those that parameters have; a parameter that is not there is added.
pub(super) fn set(parameters: &mut Vec<Parameter>, given: &[Given]) {
    for Given { name, value } in given {
        let value = Some(AnyString::from(value.as_str()));
        match parameters.iter_mut().find(|parameter| parameter.name == *name) {
            Some(parameter) => parameter.value = value,
            None => parameters.push(Parameter { name: name.clone(), value, ..Parameter::default() }),
        }
    }
}

/// Returns parameters as Argo's requests have them: `name=value` each.
pub(super) fn pairs(given: &[Given]) -> Value {
    given.iter().map(|Given { name, value }| format!("{name}={value}")).collect()
}

fn of_file(source: &SourceText) -> Result<Vec<Given>, CliError> {
    let texts = std::slice::from_ref(source);
    let documents =
        model::yaml::parse(&source.file, &source.text).map_err(|faults| sheets::faulty(faults, texts))?;
    let mut given = Vec::new();
    for document in documents.iter().filter(|document| !document.is_empty()) {
        let Value::Object(fields) = document.value() else {
            let why = "a file of parameters maps names to values".to_owned();
            return Err(sheets::unfit(why, None, texts));
        };
        given.extend(fields.into_iter().map(|(name, value)| Given { name, value: spelled(value) }));
    }
    Ok(given)
}

/// Returns a value as a parameter has it: a text as it is, everything else as JSON.
fn spelled(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Given, all};

    #[test]
    fn what_is_given_one_by_one_counts_more_than_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("parameters.yaml");
        fs::write(&file, "message: hello\ncount: 3\nlist: [a, {b: true}]\nnone: null\n").unwrap();
        let given = |name: &str, value: &str| Given { name: name.to_owned(), value: value.to_owned() };
        let found = all(&[given("count", "4")], Some(&file)).unwrap();
        let expected = [
            given("message", "hello"),
            given("list", r#"["a",{"b":true}]"#),
            given("none", "null"),
            given("count", "4"),
        ];
        assert_eq!(found, expected);
        fs::write(&file, "- a\n").unwrap();
        assert!(all(&[], Some(&file)).is_err());
        assert!(all(&[], Some(&folder.path().join("none"))).is_err());
    }
}
