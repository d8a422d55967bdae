//! Which crate may use which.
