//! The stage: each person's own `marque`, run here as it would be in a terminal, with what it says shown beneath.
//! Not here: who says what (see `story`). Invariant: nothing is pretended: every answer comes over HTTP from the server.

use std::{ffi::OsString, io::Cursor, path::PathBuf};

use super::people::Person;
use crate::{
    error::CliError,
    exit::Exit,
    shell::{Look, Paint, Shell, Surroundings},
};

/// Where the story is played.
pub(super) struct Stage<'a, 'b> {
    pub(super) shell: &'a mut Shell<'b>,
    /// A folder of settings for each person.
    pub(super) folder: PathBuf,
    pub(super) server: String,
    pub(super) people: Vec<Person>,
    pub(super) act: u32,
}

/// What a command said.
pub(super) struct Said {
    pub(super) exit: Exit,
    pub(super) out: String,
    pub(super) err: String,
}

impl Stage<'_, '_> {
    /// Begins an act.
    pub(super) fn act(&mut self, heading: &str) -> Result<(), CliError> {
        self.act = self.act.saturating_add(1);
        let heading = self.shell.look.paint(Paint::Heading, format!("Act {}. {heading}", self.act));
        writeln!(self.shell.out, "\n{heading}")?;
        Ok(())
    }

    /// Says something between.
    pub(super) fn say(&mut self, text: &str) -> Result<(), CliError> {
        writeln!(self.shell.out, "  {text}")?;
        Ok(())
    }

    fn person(&self, name: &str) -> Result<Person, CliError> {
        let found = self.people.iter().find(|person| person.name == name).cloned();
        found.ok_or_else(|| CliError::local("the story went wrong", format!("nobody is called `{name}`")))
    }

    /// Logs somebody in, without a word.
    pub(super) async fn log_in(&mut self, name: &str) -> Result<(), CliError> {
        let person = self.person(name)?;
        let words = ["login", self.server.as_str(), "--user", name, "--password-stdin"].map(str::to_owned);
        let said = self.run(name, &words, &person.password).await;
        expect(&words, &said, Exit::OK)
    }

    /// Lets somebody say a command, shows it and the answer, and holds it to the exit code the story needs.
    pub(super) async fn plays(
        &mut self,
        name: &str,
        words: &[&str],
        expected: Exit,
    ) -> Result<Said, CliError> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let line =
            format!("{name}$ marque {}", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
        writeln!(self.shell.out, "  {}", self.shell.look.paint(Paint::Active, line))?;
        let said = self.run(name, &words, "").await;
        for line in said.out.lines().chain(said.err.lines()) {
            writeln!(self.shell.out, "{}", format!("    {line}").trim_end())?;
        }
        self.shell.out.flush()?;
        expect(&words, &said, expected)?;
        Ok(said)
    }

    /// Runs this very program's commands, with the settings of this person alone.
    async fn run(&self, name: &str, words: &[String], input: &str) -> Said {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut input = Cursor::new(input.as_bytes().to_vec());
        let around = Surroundings {
            token: None,
            config_folder: self.folder.join("people").join(name),
            ..self.shell.around.clone()
        };
        let look = Look {
            live: false,
            interactive: false,
            width: self.shell.look.width.saturating_sub(4),
            ..self.shell.look
        };
        let mut shell = Shell { out: &mut out, err: &mut err, input: &mut input, look, around };
        let arguments = std::iter::once("marque").chain(words.iter().map(String::as_str)).map(OsString::from);
        // the server is named, whatever the environment says
        let arguments: Vec<OsString> =
            arguments.chain(["--server".into(), OsString::from(&self.server)]).collect();
        let exit = Box::pin(crate::terminal::run(arguments, &mut shell)).await;
        Said {
            exit,
            out: String::from_utf8_lossy(&out).into_owned(),
            err: String::from_utf8_lossy(&err).into_owned(),
        }
    }
}

fn expect(words: &[String], said: &Said, expected: Exit) -> Result<(), CliError> {
    if said.exit == expected {
        return Ok(());
    }
    let what = words.first().map(String::as_str).unwrap_or_default();
    let how = format!(
        "`{what}` ended with {} where the story needs {}: {}{}",
        said.exit.0, expected.0, said.out, said.err
    );
    Err(CliError::local("the story went wrong", how))
}

/// Returns a word as a shell would have to be given it.
fn quoted(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:@".contains(c));
    if plain && !word.is_empty() { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
