//! Numbers in an order of somebody else's: in pieces, so that putting one in moves but a few.

use std::cmp::Ordering;

/// What a piece has at most.
const MOST: usize = 1024;

/// Numbers, each once, in an order that every call is told in the same way: how another one stands to the one that is meant.
#[derive(Debug, Default)]
pub(super) struct Order {
    pieces: Vec<Vec<u32>>,
    len: usize,
}

impl Order {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts in a number that is not there.
    pub(super) fn insert(&mut self, number: u32, stands: impl Fn(u32) -> Ordering) {
        let before = |piece: &Vec<u32>| piece.last().is_some_and(|last| stands(*last).is_lt());
        // What comes in order comes behind all the others.
        let behind_all = self.pieces.last().is_none_or(before);
        if behind_all && self.pieces.last().is_none_or(|piece| piece.len() >= MOST) {
            self.pieces.push(Vec::with_capacity(MOST));
        }
        let last = self.pieces.len().saturating_sub(1);
        let at = if behind_all { last } else { self.pieces.partition_point(before).min(last) };
        let piece = &mut self.pieces[at];
        let place = if behind_all { piece.len() } else { piece.partition_point(|other| stands(*other).is_lt()) };
        piece.insert(place, number);
        if piece.len() > MOST {
            let half = piece.split_off(MOST / 2);
            self.pieces.insert(at + 1, half);
        }
        self.len += 1;
    }

    /// Takes a number out, if it is there.
    pub(super) fn remove(&mut self, number: u32, stands: impl Fn(u32) -> Ordering) {
        let at = self.pieces.partition_point(|piece| piece.last().is_some_and(|last| stands(*last).is_lt()));
        let Some(piece) = self.pieces.get_mut(at) else { return };
        let place = piece.partition_point(|other| stands(*other).is_lt());
        if piece.get(place) != Some(&number) {
            return;
        }
        piece.remove(place);
        if piece.is_empty() {
            self.pieces.remove(at);
        }
        self.len -= 1;
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = u32> {
        self.pieces.iter().flatten().copied()
    }

    /// How many come before the first of which `is_before` is not true; none behind that may be so.
    pub(super) fn partition_point(&self, is_before: impl Fn(u32) -> bool) -> usize {
        let at = self.pieces.partition_point(|piece| piece.last().is_some_and(|last| is_before(*last)));
        let whole: usize = self.pieces[..at].iter().map(Vec::len).sum();
        whole + self.pieces.get(at).map_or(0, |piece| piece.partition_point(|number| is_before(*number)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Order;

    proptest! {
        #[test]
        fn an_order_is_one_whatever_comes_and_goes(
            runs in prop::collection::vec((0..5000u32, 1..2000u32, any::<bool>()), 0..12),
            bound in 0..7000u32,
        ) {
            let (mut order, mut all) = (Order::default(), BTreeSet::new());
            for (first, count, comes) in runs {
                for number in first..first + count {
                    if comes && all.insert(number) {
                        order.insert(number, |other| other.cmp(&number));
                    } else if !comes {
                        all.remove(&number);
                        order.remove(number, |other| other.cmp(&number));
                    }
                }
            }
            prop_assert_eq!(order.iter().collect::<Vec<_>>(), all.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(order.iter().rev().nth(3), all.iter().rev().nth(3).copied());
            prop_assert_eq!((order.len(), order.partition_point(|other| other < bound)), (all.len(), all.range(..bound).count()));
        }
    }
}
