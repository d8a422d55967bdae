//! The peers themselves: that what `tests/setup programs` brought really runs.
