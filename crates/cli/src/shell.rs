//! What a command works with: where it writes, how that looks, and what surrounds the program. All of it is a
//! value, so that a command is tested without a process, a terminal or an environment.
//! Not here: reading the real environment, which `main` does once (see [`Surroundings::of_process`]).

use std::{
    fmt,
    io::{BufRead, IsTerminal, Write},
    path::PathBuf,
};

use anstyle::{AnsiColor, Color, Style};

/// What a command works with.
pub struct Shell<'a> {
    /// Where answers go.
    pub out: &'a mut dyn Write,
    /// Where remarks, progress and errors go.
    pub err: &'a mut dyn Write,
    /// Where a person answers.
    pub input: &'a mut dyn BufRead,
    /// How what is written looks.
    pub look: Look,
    /// What surrounds the program.
    pub around: Surroundings,
}

impl fmt::Debug for Shell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shell").field("look", &self.look).finish_non_exhaustive()
    }
}

/// How what is written looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether colours are written to the standard output.
    pub colour: bool,
    /// Whether the standard output is a terminal whose lines can be redrawn.
    pub live: bool,
    /// Whether a person can be asked.
    pub interactive: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Lines of the terminal.
    pub height: usize,
}

impl Look {
    /// The look of a pipe or file: no colour, nothing redrawn, nobody to ask.
    pub const PLAIN: Self = Self { colour: false, live: false, interactive: false, width: 100, height: 40 };

    /// Returns `text` in `paint`, where colours are wanted.
    pub fn paint(self, paint: Paint, text: impl fmt::Display) -> String {
        if !self.colour {
            return text.to_string();
        }
        let style = paint.style();
        format!("{style}{text}{style:#}")
    }
}

/// What a colour means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// A heading.
    Heading,
    /// It went well.
    Good,
    /// It went badly.
    Bad,
    /// It waits, or wants attention.
    Waiting,
    /// It is under way.
    Active,
    /// It matters less.
    Faint,
}

impl Paint {
    const fn style(self) -> Style {
        const fn colour(colour: AnsiColor) -> Style {
            Style::new().fg_color(Some(Color::Ansi(colour)))
        }
        match self {
            Self::Heading => Style::new().bold(),
            Self::Good => colour(AnsiColor::Green),
            Self::Bad => colour(AnsiColor::Red).bold(),
            Self::Waiting => colour(AnsiColor::Yellow),
            Self::Active => colour(AnsiColor::Cyan),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

/// What surrounds the program.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The bearer token of `MARQUE_TOKEN`, if it is set.
    pub token: Option<String>,
    /// The folder of settings and credentials: `$XDG_CONFIG_HOME/marque`.
    pub config_folder: PathBuf,
    /// The folder of data: `$XDG_DATA_HOME/marque`.
    pub data_folder: PathBuf,
    /// The operating system's name for the user.
    pub user: String,
    /// This program's file, to be executed again as supervisor of steps.
    pub program: PathBuf,
}

impl Surroundings {
    /// Returns what surrounds this process.
    pub fn of_process() -> Self {
        let home = || std::env::home_dir().unwrap_or_else(|| PathBuf::from("."));
        let folder = |variable: &str, beneath: &[&str]| {
            let given = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
            given.unwrap_or_else(|| beneath.iter().fold(home(), |path, part| path.join(part))).join("marque")
        };
        Self {
            token: std::env::var("MARQUE_TOKEN").ok().filter(|token| !token.is_empty()),
            config_folder: folder("XDG_CONFIG_HOME", &[".config"]),
            data_folder: folder("XDG_DATA_HOME", &[".local", "share"]),
            user: user_name(),
            program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("marque")),
        }
    }
}

/// Returns the name of the effective user as the system's user database spells it, never as the environment claims.
fn user_name() -> String {
    let uid = nix::unistd::geteuid();
    let found = nix::unistd::User::from_uid(uid).ok().flatten();
    found.map_or_else(|| format!("uid-{uid}"), |user| user.name)
}

impl Look {
    /// Returns the look that fits this process's standard streams, `NO_COLOR` and `TERM`.
    pub fn of_process() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let (width, height) = terminal_size::terminal_size()
            .map_or((100, 40), |(width, height)| (usize::from(width.0), usize::from(height.0)));
        Self {
            colour: terminal && wanted && !dumb,
            live: terminal && !dumb,
            interactive: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            width,
            height,
        }
    }
}
