//! Which columns a window has room for: those of least rank give way until the others fit.

use crate::cell::Cell;

/// How wide a table has to be for a column to be shown unasked. One that is hidden is shown when the reader asks for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// In any window.
    #[default]
    Always,
    /// Where a tablet is held upright.
    Medium,
    /// Where a window has 1,280 pixels.
    Wide,
    /// Where it has 1,600.
    Wider,
    /// Where it has 1,920.
    Widest,
    /// Only when asked for.
    Asked,
}

impl Rank {
    /// The class of its cells in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Always => "",
            Self::Medium => "w1",
            Self::Wide => "w2",
            Self::Wider => "w3",
            Self::Widest => "w4",
            Self::Asked => "w5",
        }
    }
}

/// How wide a table may be for all of its columns up to a rank to be shown, in pixels: as the style sheet has it.
const ROOM: [(Rank, usize, Rank); 4] = [
    (Rank::Medium, 760, Rank::Wide),
    (Rank::Wide, 1200, Rank::Wider),
    (Rank::Wider, 1500, Rank::Widest),
    (Rank::Widest, 1820, Rank::Asked),
];

/// A letter, and what is beside the text of a cell.
const LETTER: usize = 8;
const PADDING: usize = 20;

/// Room that prose, a bar and a box have at least.
const PROSE: usize = 195;
const DRAWN: usize = 125;

/// A title of two lines is so wide.
const LONG_TITLE: usize = 143;

/// What a column takes.
pub(super) struct Width {
    pub(super) rank: Rank,
    pub(super) pixels: usize,
}

impl Width {
    /// Of a title, which stands on one line unless it is `long`, and has a mark when it `sorts`.
    pub(super) fn new(rank: Rank, title: &str, long: bool, sorts: bool) -> Self {
        let marked = title.chars().count() + if sorts { 2 } else { 0 };
        Self { rank, pixels: PADDING + if long { LONG_TITLE } else { marked * LETTER } }
    }

    /// Has room for a cell of a column with this class.
    pub(super) fn hold(&mut self, cell: &Cell, class: &str) {
        let words = |text: &str| text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
        let text = |text: &str| match class {
            "num" | "tight" => text.chars().count() * LETTER,
            "text" => PROSE,
            _ => words(text) * LETTER,
        };
        let pixels = match cell {
            Cell::Text(one) | Cell::Wrong(one) => text(one),
            Cell::Hint { text: one, .. } | Cell::Anchor { text: one, .. } => text(one),
            Cell::Link { text: one, sub, .. } => text(one).max(text(sub)),
            Cell::Time { text, .. } => text.chars().count() * LETTER,
            Cell::Badge(badge) => (badge.label.len() + 2) * LETTER,
            Cell::Logs(logs) => logs.links.iter().map(|link| (link.text.chars().count() + 1) * LETTER).sum(),
            Cell::Links(links) => links.iter().map(|link| words(&link.text) * LETTER).max().unwrap_or(0),
            Cell::Lines(lines) => lines.iter().map(|line| text(line)).max().unwrap_or(0),
            Cell::Bar(_) | Cell::Spread(_) => DRAWN,
            Cell::Described(_) | Cell::Long { .. } | Cell::Measured(_) => PROSE,
        };
        self.pixels = self.pixels.max(pixels + PADDING);
    }
}

/// The ranks with which all columns fit wherever they are shown: of those that do not, the last gives way. The first
/// column and those that are always shown stay.
pub(super) fn ranks(widths: &[Width]) -> Vec<Rank> {
    let mut ranks: Vec<Rank> = widths.iter().map(|width| width.rank).collect();
    for (upto, room, next) in ROOM {
        let shown = |ranks: &[Rank]| -> usize {
            ranks.iter().zip(widths).filter(|(rank, _)| **rank <= upto).map(|(_, width)| width.pixels).sum()
        };
        while shown(&ranks) > room {
            let gives_way = (1..ranks.len()).filter(|index| (Rank::Medium..=upto).contains(&ranks[*index]));
            let Some(last) = gives_way.max_by_key(|index| (ranks[*index], *index)) else { break };
            ranks[last] = next;
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RANKS: [Rank; 6] = [Rank::Always, Rank::Medium, Rank::Wide, Rank::Wider, Rank::Widest, Rank::Asked];

    fn width(rank: Rank, pixels: usize) -> Width {
        Width { rank, pixels }
    }

    #[test]
    fn the_last_of_the_least_rank_gives_way() {
        use Rank::{Always, Medium, Wide, Wider};
        let columns = [width(Always, 300), width(Wide, 300), width(Medium, 300), width(Wide, 300), width(Always, 150)];
        assert_eq!(ranks(&columns), [Always, Wide, Medium, Wider, Always]);
        let narrow = [width(Always, 300), width(Wide, 100), width(Medium, 100)];
        assert_eq!(ranks(&narrow), [Always, Wide, Medium]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_shown_fits_or_may_not_give_way(columns in prop::collection::vec((0_usize..6, 20_usize..400), 0..30)) {
            let widths: Vec<Width> = columns.iter().map(|(rank, pixels)| width(RANKS[*rank], *pixels)).collect();
            let ranks = ranks(&widths);
            for (upto, room, _) in ROOM {
                let shown: Vec<usize> = (0..ranks.len()).filter(|index| ranks[*index] <= upto).collect();
                let pixels: usize = shown.iter().map(|index| widths[*index].pixels).sum();
                let fixed = |index: &usize| *index == 0 || ranks[*index] == Rank::Always;
                prop_assert!(pixels <= room || shown.iter().all(fixed));
            }
            prop_assert!(ranks.iter().zip(&widths).all(|(rank, width)| *rank >= width.rank));
        }
    }
}
