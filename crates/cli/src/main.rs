//! The program `marque`. Not here: everything but the first three steps (see the library beside).

use std::process::ExitCode;

fn main() -> ExitCode {
    // a step's supervisor and sandbox are this same program: they must turn off here, before anything else runs
    backend::reexec();
    cli::main()
}
