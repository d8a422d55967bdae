//! How long a test goes on: a short form in its tier, the long one under `tests/run long`.
//!
//! A test crate of another package takes this file by `#[path = "../../tests/support/length.rs"]`, and names its command in
//! `tests/long`.

/// Whether this is `tests/run long`.
#[expect(clippy::disallowed_methods, reason = "tests/run tells the tests by a variable")]
pub(crate) fn is_long() -> bool {
    std::env::var_os("HEARTH_TESTS").is_some_and(|length| length == "long")
}

/// How many rounds, kills or lines: `short` in the tier, `long` under `tests/run long`.
pub(crate) fn length<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}
