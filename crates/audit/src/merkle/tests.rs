//! The tree against the published vectors of Certificate Transparency, and its laws.

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

/// The eight leaves of the reference tests of Certificate Transparency (`merkle_tree_test.cc`).
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
/// The roots of the trees of the first 1, 2, … 8 of them (same source).
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
/// Inclusion proofs (number, size, path; same source).
const INCLUSION: [(u64, u64, &[&str]); 4] = [
    (0, 1, &[]),
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
];
/// Consistency proofs (old, new, path; same source).
const CONSISTENCY: [(u64, u64, &[&str]); 3] = [
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn hash(text: &str) -> Hash {
    unhex(text).try_into().unwrap()
}

fn vectors() -> Vec<Hash> {
    LEAVES.iter().map(|leaf| leaf_hash(&unhex(leaf))).collect()
}

fn numbered(n: u64) -> Vec<Hash> {
    (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

fn root_of(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}

/// The definition of RFC 6962 §2.1, word for word.
fn defined_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let mut k = 1;
            while k * 2 < leaves.len() {
                k *= 2;
            }
            node_hash(&defined_root(&leaves[..k]), &defined_root(&leaves[k..]))
        }
    }
}

fn include(leaves: &[Hash], number: u64, size: u64) -> Vec<Hash> {
    inclusion_proof::<Infallible>(&mut |i| Ok(leaves[usize::try_from(i).unwrap()]), number, size).unwrap()
}

fn consist(leaves: &[Hash], old: u64, new: u64) -> Vec<Hash> {
    consistency_proof::<Infallible>(&mut |i| Ok(leaves[usize::try_from(i).unwrap()]), old, new).unwrap()
}

#[test]
fn the_empty_tree_has_the_hash_of_nothing() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(Frontier::default().root(), hash(empty));
}

#[test]
fn roots_are_those_of_the_published_vectors() {
    let leaves = vectors();
    for (i, root) in ROOTS.iter().enumerate() {
        assert_eq!(root_of(&leaves[..=i]), hash(root), "{} leaves", i + 1);
    }
}

#[test]
fn inclusion_proofs_are_those_of_the_published_vectors() {
    for (number, size, path) in INCLUSION {
        let path: Vec<Hash> = path.iter().map(|text| hash(text)).collect();
        assert_eq!(include(&vectors(), number, size), path, "{number} of {size}");
    }
}

#[test]
fn consistency_proofs_are_those_of_the_published_vectors() {
    for (old, new, path) in CONSISTENCY {
        let path: Vec<Hash> = path.iter().map(|text| hash(text)).collect();
        assert_eq!(consist(&vectors(), old, new), path, "{old} in {new}");
    }
}

#[test]
fn the_frontier_has_the_root_of_the_definition_and_survives_being_stored() {
    let leaves = numbered(130);
    let mut frontier = Frontier::default();
    for n in 0..=leaves.len() {
        assert_eq!(frontier.root(), defined_root(&leaves[..n]), "{n} leaves");
        assert_eq!(Frontier::from_bytes(frontier.size(), &frontier.to_bytes()), Some(frontier.clone()));
        assert_eq!(Frontier::from_bytes(frontier.size() ^ 1, &frontier.to_bytes()), None);
        if let Some(leaf) = leaves.get(n) {
            frontier.push(*leaf);
        }
    }
}

#[test]
fn every_entry_of_every_small_tree_is_proven_and_nothing_else() {
    let leaves = numbered(40);
    for size in 1..=40_u64 {
        let root = root_of(&leaves[..usize::try_from(size).unwrap()]);
        for number in 0..size {
            let proof = include(&leaves, number, size);
            let leaf = &leaves[usize::try_from(number).unwrap()];
            assert!(proves_inclusion(&proof, leaf, number, size, &root), "{number} of {size}");
            assert!(!proves_inclusion(&proof, &leaf_hash(b"other"), number, size, &root));
            for other in (0..=size).filter(|other| *other != number) {
                assert!(
                    !proves_inclusion(&proof, leaf, other, size, &root),
                    "{number} passed for {other} of {size}"
                );
            }
        }
    }
}

#[test]
fn every_pair_of_small_trees_is_proven_consistent() {
    let leaves = numbered(40);
    let roots: Vec<Hash> = (0..=40).map(|n| root_of(&leaves[..n])).collect();
    let root = |n: u64| &roots[usize::try_from(n).unwrap()];
    for new in 0..=40 {
        for old in 0..=new {
            let proof = consist(&leaves, old, new);
            assert!(proves_consistency(&proof, (old, root(old)), (new, root(new))), "{old} in {new}");
            if old > 0 {
                let forged = leaf_hash(b"forged");
                assert!(!proves_consistency(&proof, (old, &forged), (new, root(new))), "{old} in {new}");
                assert!(!proves_consistency(&proof, (old, root(old)), (new, &forged)), "{old} in {new}");
            }
        }
    }
}

proptest! {
    #[test]
    fn a_flipped_bit_of_an_inclusion_proof_proves_nothing(size in 2_u64..200, at: prop::sample::Index, bit: prop::sample::Index) {
        let leaves = numbered(size);
        let number = at.index(leaves.len()) as u64;
        let root = root_of(&leaves);
        let mut proof = include(&leaves, number, size);
        let bit = bit.index(proof.len() * 256);
        proof[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
        prop_assert!(!proves_inclusion(&proof, &leaves[at.index(leaves.len())], number, size, &root));
    }

    #[test]
    fn a_flipped_bit_of_a_consistency_proof_proves_nothing(size in 2_u64..200, at: prop::sample::Index, bit: prop::sample::Index) {
        let leaves = numbered(size);
        let old = 1 + at.index(leaves.len() - 1);
        let (old_root, new_root) = (root_of(&leaves[..old]), root_of(&leaves));
        let mut proof = consist(&leaves, old as u64, size);
        let bit = bit.index(proof.len() * 256);
        proof[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
        prop_assert!(!proves_consistency(&proof, (old as u64, &old_root), (size, &new_root)));
    }

    #[test]
    fn a_proof_with_a_hash_too_many_or_too_few_proves_nothing(size in 2_u64..200, at: prop::sample::Index) {
        let leaves = numbered(size);
        let number = at.index(leaves.len());
        let root = root_of(&leaves);
        let mut proof = include(&leaves, number as u64, size);
        let last = proof.pop();
        prop_assert!(!proves_inclusion(&proof, &leaves[number], number as u64, size, &root));
        proof.extend(last);
        proof.extend(last);
        prop_assert!(!proves_inclusion(&proof, &leaves[number], number as u64, size, &root));
    }
}
