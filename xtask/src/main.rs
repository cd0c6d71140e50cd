//! Tasks of the repository: `cargo xtask tidy|test|bench|ci`. Only the standard library, so that it compiles in seconds.
//! Not here: anything a user of Marque runs.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the tasks speak to the person at the terminal"
)]

mod bench;
mod ci;
mod peers;
mod run;
mod test;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <task>

  tidy               check the house: arrows, module docs, limits, error pages, names
  test [-- ARGS]     install the peers and run every test (ARGS go to `cargo test`)
  bench [NAME]       measure what docs/performance.md shows (steps, engine, decision)
  ci                 what .ci/run does: format, lint, tidy, deny, test, demo
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["tidy"] => tidy::tidy(),
        ["test"] => test::test(&[]),
        ["test", "--", rest @ ..] => test::test(rest),
        ["bench", rest @ ..] => bench::bench(rest),
        ["ci"] => ci::ci(),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
