//! The orders in which Java and Scala go through their collections, where an answer shows them.

use std::cmp::Ordering;

/// Compares as Java's strings do: by UTF-16 units.
pub fn java_cmp(left: &str, right: &str) -> Ordering {
    if left.is_ascii() && right.is_ascii() {
        return left.cmp(right);
    }
    left.encode_utf16().cmp(right.encode_utf16())
}

/// The hash code of a Java string.
pub fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// The hash of a long, as Scala's `##` takes it.
pub fn scala_long_hash(value: i64) -> i32 {
    match i32::try_from(value) {
        Ok(small) => small,
        Err(_) => (value ^ (value as u64 >> 32) as i64) as i32,
    }
}

/// The order in which Scala's mutable `HashMap` goes through keys with these hashes, which were put in one after another; gives their
/// places.
pub fn mutable_map_order(hashes: &[i32]) -> Vec<usize> {
    let mut size = 16usize;
    while hashes.len() as f64 >= size as f64 * 0.75 {
        size *= 2;
    }
    let improved = |at: usize| {
        let hash = hashes[at];
        hash ^ (hash as u32 >> 16) as i32
    };
    let mut order: Vec<_> = (0..hashes.len()).collect();
    // Within a bucket the chain is sorted by hash, and equal ones stay in order.
    order.sort_by_key(|at| (improved(*at) as usize & (size - 1), improved(*at)));
    order
}

/// The order in which Scala's immutable sets and maps go through keys with these hashes, which were put in one after another; gives
/// their places.
pub fn immutable_order(hashes: &[i32]) -> Vec<usize> {
    let places: Vec<_> = (0..hashes.len()).collect();
    if hashes.len() <= 4 {
        return places;
    }
    let improved: Vec<_> = hashes.iter().map(|hash| improve(*hash)).collect();
    let mut order = Vec::with_capacity(hashes.len());
    trie(&improved, &places, 0, &mut order);
    order
}

fn improve(hash: i32) -> u32 {
    let mut h = (hash as u32).wrapping_add(!((hash as u32) << 9));
    h ^= h >> 14;
    h = h.wrapping_add(h << 4);
    h ^ (h >> 10)
}

/// A node of the trie: first the keys that it holds itself, then its sub-nodes.
fn trie(hashes: &[u32], places: &[usize], shift: u32, order: &mut Vec<usize>) {
    if shift > 30 {
        order.extend(places);
        return;
    }
    let mut slots: [Vec<usize>; 32] = Default::default();
    for place in places {
        slots[(hashes[*place] >> shift & 31) as usize].push(*place);
    }
    order.extend(slots.iter().filter(|slot| slot.len() == 1).flatten());
    for slot in slots.iter().filter(|slot| slot.len() > 1) {
        trie(hashes, slot, shift + 5, order);
    }
}
