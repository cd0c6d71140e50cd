//! The program that the tests open stages with: it attends a container and does nothing else.
//! Not here: anything a test checks.

fn main() {
    if std::env::args().nth(1).as_deref() == Some(container::ATTEND_ARGUMENT) {
        std::process::exit(container::attend());
    }
}
