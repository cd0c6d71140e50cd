//! libFuzzer's program for all targets: `FUZZ_TARGET` names the one that is attacked, libFuzzer's own arguments follow.
//! Not here: the targets (see the library).
#![no_main]
#![expect(clippy::expect_used, reason = "a fuzzer that does not know its target must not go on")]

use std::sync::LazyLock;

static RUN: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    fuzz::target(&name).expect("FUZZ_TARGET names a target").run
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| RUN(bytes));
