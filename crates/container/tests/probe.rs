//! The program that the tests open stages with: it attends a container and removes networks. A container can be used as
//! soon as a command that the test names ends with 0 in it.
//! Not here: anything a test checks.

use std::time::Duration;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some(container::ATTEND_ARGUMENT) => std::process::exit(container::attend(prove)),
        Some(container::NETWORK_ARGUMENT) => std::process::exit(container::remove_network()),
        _ => {}
    }
}

fn prove(running: &container::Running) -> bool {
    let argv: Vec<String> = serde_json::from_value(running.probes.clone()).unwrap_or_default();
    while !running.is_over() {
        if running.exec(&argv, Duration::from_secs(5)) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}
