//! Steps over what a program writes always in the same way. `None` only says that here it is written in another way: whoever asked
//! goes back, and reads it as any JSON.
//!
//! None of them goes beyond a line feed, so that the bytes may be those of many lines.

use super::Scan;

/// The digits that [`Scan::digits_at`] reads at once.
const MOST_DIGITS: usize = 8;
const POWERS: [u64; MOST_DIGITS] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];

impl<'a> Scan<'a> {
    /// All that is left.
    #[inline(always)]
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// How far the bytes have been read.
    #[inline(always)]
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Whether the line ends here, or all does.
    #[inline(always)]
    pub(crate) fn at_line_end(&self) -> bool {
        matches!(self.bytes.get(self.at), None | Some(b'\n'))
    }

    /// Leaves out what is behind this line, for those who read any JSON.
    pub(crate) fn end_with_line(&mut self) {
        if let Some(end) = memchr::memchr(b'\n', self.rest()) {
            self.bytes = &self.bytes[..self.at + end];
        }
    }

    /// Steps over a key, given with quotes and colon, and over the brace or the comma before it: that is `before`, and a comma from
    /// then on.
    #[inline(always)]
    pub(crate) fn key(&mut self, before: &mut u8, key: &[u8]) -> bool {
        let Some((first, rest)) = self.rest().split_first() else { return false };
        let found = *first == *before && rest.starts_with(key);
        if found {
            self.at += 1 + key.len();
            *before = b',';
        }
        found
    }

    /// How many digits come next, up to eight, and what they amount to.
    #[inline(always)]
    fn digits_at(&self, at: usize) -> Option<(usize, u64)> {
        // All at once, in the bytes of a number: of a loop over digits nobody can foretell when it ends.
        let digits = u64::from_le_bytes(*self.bytes.get(at..)?.first_chunk()?) ^ 0x3030_3030_3030_3030;
        let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
        let count = others.trailing_zeros() as usize / 8;
        if count == 0 {
            return None;
        }
        let digits = digits << (64 - 8 * count);
        let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
        let (even, odd) = (pairs & 0x0000_00ff_0000_00ff, (pairs >> 16) & 0x0000_00ff_0000_00ff);
        let high = even.wrapping_mul(0x000f_4240_0000_0064);
        let value = high.wrapping_add(odd.wrapping_mul(0x0000_2710_0000_0001)) >> 32;
        Some((count, value))
    }

    /// Reads a whole number of at most fifteen digits, without sign.
    #[inline(always)]
    pub(crate) fn number(&mut self) -> Option<i64> {
        let (count, value) = self.digits_at(self.at)?;
        self.at += count;
        if count < MOST_DIGITS {
            return Some(value as i64);
        }
        if !matches!(self.bytes.get(self.at), Some(b'0'..=b'9')) {
            return Some(value as i64);
        }
        let (count, low) = self.digits_at(self.at)?;
        self.at += count;
        (count < MOST_DIGITS).then(|| (value * POWERS[count] + low) as i64)
    }

    /// Reads `true` or `false`.
    #[inline(always)]
    pub(crate) fn flag(&mut self) -> Option<bool> {
        if self.eat(b"false") {
            return Some(false);
        }
        self.eat(b"true").then_some(true)
    }

    /// Reads the rest of a string behind its first quote, with the other one. `usual` is what it most likely is, and what it was
    /// afterwards. It must be ASCII, without escapes.
    #[inline(always)]
    pub(crate) fn plain_text(&mut self, usual: &mut &'a str) -> Option<&'a str> {
        let rest = self.rest();
        if !(rest.starts_with(usual.as_bytes()) && rest.get(usual.len()) == Some(&b'"')) {
            let end = rest.iter().position(|byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\'))?;
            *usual = std::str::from_utf8(&rest[..end]).ok().filter(|_| rest[end] == b'"')?;
        }
        self.at += usual.len() + 1;
        Some(usual)
    }
}
