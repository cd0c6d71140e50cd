//! Every kept input is played, and mutations of it, which need no fuzzer; the folders and the list of targets agree.

use std::{fs, panic::catch_unwind, path::PathBuf};

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{TARGETS, Target};

/// The largest kept input, in bytes.
const MAX_SEED: u64 = 8 * 1024;
/// How many mutations of the kept inputs each target is given.
const MUTATIONS: u32 = 300;

fn seeds() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

fn kept(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = seeds().join(target.name);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut kept: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    kept.sort();
    kept.into_iter().map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

#[test]
fn every_target_has_small_seeds_and_every_folder_is_a_targets() {
    for target in TARGETS {
        let kept = kept(target);
        assert!(kept.len() >= 3, "`{}` has {} seeds", target.name, kept.len());
        for (path, bytes) in kept {
            assert!(bytes.len() as u64 <= MAX_SEED, "{path} is large");
        }
    }
    for folder in fs::read_dir(seeds()).unwrap() {
        let name = folder.unwrap().file_name().to_string_lossy().into_owned();
        assert!(crate::target(&name).is_some(), "`{name}` is no target");
    }
}

#[test]
fn every_kept_input_is_survived() {
    let mut fallen = Vec::new();
    for target in TARGETS {
        for (path, bytes) in kept(target) {
            if catch_unwind(|| (target.run)(&bytes)).is_err() {
                fallen.push(path);
            }
        }
    }
    assert!(fallen.is_empty(), "{fallen:#?}");
}

/// What is done to an input.
#[derive(Debug, Clone)]
enum Mutation {
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (at(), "[\\[\\]{}()\"'|.,:&*<>=!?#\\-+\n 0-9a-z]{1,4}")
            .prop_map(|(at, text)| Mutation::Insert(at, text.into_bytes())),
        (at(), 1_usize..8).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (at(), 1_usize..8).prop_map(|(at, count)| Mutation::Repeat(at, count)),
    ]
}

fn mutated(mut bytes: Vec<u8>, mutations: Vec<Mutation>) -> Vec<u8> {
    for mutation in mutations {
        let all = bytes.len();
        let place = |at: prop::sample::Index| at.index(all + 1);
        let piece = |at: usize, count: usize| at..(at + count).min(all);
        match mutation {
            Mutation::Replace(at, byte) => bytes.get_mut(place(at)).into_iter().for_each(|old| *old = byte),
            Mutation::Insert(at, text) => {
                let at = place(at);
                bytes.splice(at..at, text);
            }
            Mutation::Remove(at, count) => {
                bytes.drain(piece(place(at), count));
            }
            Mutation::Repeat(at, count) => {
                let piece = bytes[piece(place(at), count)].to_vec();
                let at = place(at);
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

#[test]
fn mutations_of_kept_inputs_are_survived() {
    for target in TARGETS {
        let kept: Vec<Vec<u8>> = kept(target).into_iter().map(|(_, bytes)| bytes).collect();
        // the same in each run: what chance finds is the fuzzer's business
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let config = Config { cases: MUTATIONS, failure_persistence: None, ..Config::default() };
        let input = (prop::sample::select(kept), prop::collection::vec(mutation(), 1..5))
            .prop_map(|(bytes, mutations)| mutated(bytes, mutations));
        let fell = TestRunner::new_with_rng(config, rng).run(&input, |bytes| {
            (target.run)(&bytes);
            Ok(())
        });
        if let Err(proptest::test_runner::TestError::Fail(why, bytes)) = fell {
            panic!("`{}` fell over {:?}: {why}", target.name, String::from_utf8_lossy(&bytes));
        }
    }
}
