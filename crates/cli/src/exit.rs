//! The exit codes of `marque`: constants that scripts may rely on. A code never changes its meaning.
//! Not here: which error leads to which code (see `error`).

use std::process::ExitCode;

/// How the program ended, as the operating system sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// Everything that was asked for was done (for `run`, `submit --wait`, `wait`: the run succeeded).
    pub const OK: Self = Self(0);
    /// It failed: bad input, a run that did not succeed, a log that does not verify, a machine that cannot do it.
    pub const FAILED: Self = Self(1);
    /// The command line itself makes no sense (also clap's own code).
    pub const USAGE: Self = Self(2);
    /// The server refused: not logged in (401) or not allowed (403).
    pub const REFUSED: Self = Self(3);
    /// There is no such thing, or the caller may not know of it (404).
    pub const NOT_FOUND: Self = Self(4);
    /// No server answers at the address.
    pub const UNREACHABLE: Self = Self(5);
    /// It cannot be done in this state (409).
    pub const CONFLICT: Self = Self(6);
}

/// What the help of the program says about exit codes.
pub const EXIT_CODES_HELP: &str = "\
Exit codes:
  0  done (run, wait and submit --wait: the run succeeded)
  1  failed: bad input, a run that did not succeed, a log that does not verify
  2  the command line makes no sense
  3  refused: not logged in, or not allowed
  4  no such thing, or not yours to know
  5  no server answers
  6  not possible in this state";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}
