//! The Merkle tree over the log's entries: takes leaf hashes, gives the root, proofs that an entry is in it and proofs that
//! an older log is the beginning of a newer one; and checks such proofs.
//! Not here: signing a root (see `checkpoint`), keeping leaves (`store`).
//! Source: RFC 6962 §2.1, verification as in RFC 9162 §2.1.3.2 and §2.1.4.2.

use aws_lc_rs::digest::{Context, SHA256, digest};

/// A SHA-256 value.
pub type Hash = [u8; 32];

const LEAF: u8 = 0;
const NODE: u8 = 1;

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    to_hash(context.finish().as_ref())
}

fn to_hash(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(bytes) {
        *to = *from;
    }
    hash
}

/// Returns the hash of an entry's bytes as a leaf. Source: RFC 6962 §2.1.
pub fn leaf_hash(body: &[u8]) -> Hash {
    sha256(&[&[LEAF], body])
}

/// Returns the hash of an inner node. Source: RFC 6962 §2.1.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[NODE], left, right])
}

/// Returns the root of the empty tree: the SHA-256 of nothing.
pub fn empty_root() -> Hash {
    to_hash(digest(&SHA256, &[]).as_ref())
}

/// The roots of the complete subtrees that cover the log so far, the largest first: all that is needed to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Returns the number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }
    /// Adds the next leaf, in time logarithmic in the number of leaves at worst and constant on average.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        let mut size = self.size;
        while size & 1 == 1 {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(&left, &node);
            }
            size >>= 1;
        }
        self.peaks.push(node);
        self.size += 1;
    }
    /// Returns the root of the tree.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
    /// Returns the peaks, the largest first, 32 bytes each.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.peaks.concat()
    }
    /// Returns the frontier of `size` leaves with these peaks; none if their number does not fit the size.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (peaks, rest) = bytes.as_chunks::<32>();
        let fits = rest.is_empty() && u32::try_from(peaks.len()) == Ok(size.count_ones());
        fits.then(|| Self { size, peaks: peaks.to_vec() })
    }
}

/// Returns the largest power of two smaller than `n`; `n` is 2 at least.
const fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

fn subtree<E>(leaf: &mut impl FnMut(u64) -> Result<Hash, E>, start: u64, end: u64) -> Result<Hash, E> {
    let mut frontier = Frontier::default();
    for number in start..end {
        frontier.push(leaf(number)?);
    }
    Ok(frontier.root())
}

/// Returns the proof that leaf `number` is in the tree of the first `size` leaves: the hashes beside its way to the root,
/// the lowest first. Empty if `number` is not below `size`.
///
/// # Errors
/// Whatever `leaf` returns. Source: RFC 6962 §2.1.1.
pub fn inclusion_proof<E>(
    leaf: &mut impl FnMut(u64) -> Result<Hash, E>,
    number: u64,
    size: u64,
) -> Result<Vec<Hash>, E> {
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    while number < size && end - start > 1 {
        let middle = start + split(end - start);
        if number < middle {
            path.push(subtree(leaf, middle, end)?);
            end = middle;
        } else {
            path.push(subtree(leaf, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Whether `proof` shows that the leaf with hash `leaf` is number `number` of the tree of `size` leaves with this root.
/// Source: RFC 9162 §2.1.3.2.
pub fn proves_inclusion(proof: &[Hash], leaf: &Hash, number: u64, size: u64, root: &Hash) -> bool {
    if number >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (number, size - 1, *leaf);
    for beside in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(beside, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Returns the proof that the tree of the first `old` leaves is the beginning of the tree of the first `new` leaves.
/// Empty if `old` is 0 or not below `new`.
///
/// # Errors
/// Whatever `leaf` returns. Source: RFC 6962 §2.1.2.
pub fn consistency_proof<E>(
    leaf: &mut impl FnMut(u64) -> Result<Hash, E>,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, E> {
    let mut path = Vec::new();
    if old == 0 || old >= new {
        return Ok(path);
    }
    let (mut start, mut end, mut known) = (0, new, true);
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(subtree(leaf, middle, end)?);
            end = middle;
        } else {
            path.push(subtree(leaf, start, middle)?);
            start = middle;
            known = false;
        }
    }
    if !known {
        path.push(subtree(leaf, start, end)?);
    }
    path.reverse();
    Ok(path)
}

/// Whether `proof` shows that the tree of `old.0` leaves with root `old.1` is the beginning of the tree of `new.0` leaves
/// with root `new.1`. Source: RFC 9162 §2.1.4.2.
pub fn proves_consistency(proof: &[Hash], old: (u64, &Hash), new: (u64, &Hash)) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    let whole = old_size.is_power_of_two();
    let mut rest = proof.iter();
    let first = if whole { Some(old_root) } else { rest.next() };
    let Some(first) = first else { return false };
    let shift = (old_size - 1).trailing_ones();
    let (mut at, mut last) = ((old_size - 1) >> shift, (new_size - 1) >> shift);
    let (mut old_hash, mut new_hash) = (*first, *first);
    for beside in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_hash = node_hash(beside, &old_hash);
            new_hash = node_hash(beside, &new_hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

#[cfg(test)]
mod tests;
