//! Which program this is.

/// The version of all of Hearth.
pub(crate) const NUMBER: &str = env!("CARGO_PKG_VERSION");
/// The commit that was checked out when the program was built (`build.rs`), or `unknown`.
pub(crate) const COMMIT: &str = env!("HEARTH_COMMIT");
/// As `hearth --version` says it.
pub(crate) const LONG: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("HEARTH_COMMIT"), ")");
