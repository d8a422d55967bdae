//! Spark's REST API over the model.

pub mod v1;
