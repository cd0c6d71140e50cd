//! Tasks of the repository: `cargo xtask tidy|test|bench|fuzz|ci`. Only the standard library, so that it compiles in seconds.
//! Not here: anything a user of Marque runs.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the tasks speak to the person at the terminal"
)]

mod bench;
mod ci;
mod fuzz;
mod peers;
mod run;
mod test;
mod tidy;

use std::process::ExitCode;

use fuzz::Length;

const USAGE: &str = "\
usage: cargo xtask <task>

  tidy               check the house: arrows, module docs, limits, error pages, names
  test [-- ARGS]     install the peers and run every test (ARGS go to `cargo test`)
  bench [NAME]       measure what docs/performance.md shows (steps, peers, engine, suspended, decision)
  fuzz [--seconds N | --repeatable] [TARGET...]
                     attack the doors for untrusted text (60 seconds for all of them, or the same inputs each time)
  ci                 what .ci/run does: format, lint, tidy, deny, test, demo, simulation, a repeatable moment of fuzzing
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["tidy"] => tidy::tidy(),
        ["test"] => test::test(&[]),
        ["test", "--", rest @ ..] => test::test(rest),
        ["bench", rest @ ..] => bench::bench(rest),
        ["fuzz", "--seconds", seconds, names @ ..] => match seconds.parse() {
            Ok(seconds) => fuzz::fuzz(Length::Seconds(seconds), names),
            Err(_) => Err(USAGE.to_owned()),
        },
        ["fuzz", "--repeatable", names @ ..] => fuzz::fuzz(Length::Repeatable, names),
        ["fuzz", names @ ..] => fuzz::fuzz(Length::Seconds(60), names),
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
