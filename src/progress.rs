//! How far transfers have come, for people: a bar for each where standard error is a terminal, nothing otherwise. Lines that are to stay
//! are written above the bars.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

const OF_KNOWN_LENGTH: &str = "{bar:24} {bytes:>10} of {total_bytes:<10} {bytes_per_sec:>12}  {wide_msg}";
const OF_UNKNOWN_LENGTH: &str = "{spinner:24} {bytes:>10} {bytes_per_sec:>26}  {wide_msg}";

/// The bars of what is under way, each by the place of its artifact in a list.
#[derive(Default)]
pub(crate) struct Bars {
    all: MultiProgress,
    under_way: Mutex<HashMap<usize, ProgressBar>>,
}

impl Bars {
    /// A transfer has begun, or begins again.
    pub(crate) fn begin(&self, index: usize, name: &str, total_bytes: Option<u64>) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = under_way.entry(index).or_insert_with(|| self.all.add(ProgressBar::new(0)));
        let template = if total_bytes.is_some() { OF_KNOWN_LENGTH } else { OF_UNKNOWN_LENGTH };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        bar.set_length(total_bytes.unwrap_or_default());
        bar.set_message(name.to_owned());
    }

    /// So many bytes of it have been transferred by now.
    pub(crate) fn advance(&self, index: usize, bytes: u64) {
        if let Some(bar) = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).get(&index) {
            bar.set_position(bytes);
        }
    }

    /// It is over, and its bar goes.
    pub(crate) fn end(&self, index: usize) {
        if let Some(bar) = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&index) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    /// Writes a line that stays. Nothing can be done where lines cannot be written.
    pub(crate) fn line(&self, mut to: impl Write, text: &str) {
        self.all.suspend(|| {
            let _ = writeln!(to, "{text}");
        });
    }
}
