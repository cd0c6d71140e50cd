//! Spelling answers for scripts: JSON, YAML, names. Not here: text for people (see `render`).

use std::io::Write;

use serde::Serialize;

use crate::{
    args::Format,
    error::CliError,
    render::{table::tame, yaml::yaml},
};

/// Writes `value` as JSON or YAML, or the `names` of what it holds, one a line, and returns whether one of these was asked
/// for; text is the command's business.
///
/// # Errors
/// [`CliError::Output`].
pub(crate) fn spelled_or_named<'a>(
    format: Format,
    value: &impl Serialize,
    names: impl IntoIterator<Item = &'a str>,
    out: &mut dyn Write,
) -> Result<bool, CliError> {
    if format != Format::Name {
        return spelled(format, value, out);
    }
    for name in names {
        writeln!(out, "{}", tame(name))?;
    }
    Ok(true)
}

/// Writes `value` as JSON or YAML and returns whether that was asked for; text and names are the command's business.
///
/// # Errors
/// [`CliError::Output`].
pub(crate) fn spelled(format: Format, value: &impl Serialize, out: &mut dyn Write) -> Result<bool, CliError> {
    let failed = |error: serde_json::Error| CliError::Output(error.into());
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, value).map_err(failed)?;
            out.write_all(b"\n")?;
        }
        Format::Yaml => out.write_all(yaml(&serde_json::to_value(value).map_err(failed)?).as_bytes())?,
        Format::Text | Format::Wide | Format::Name => return Ok(false),
    }
    Ok(true)
}
