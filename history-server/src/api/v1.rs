//! Version 1 of Spark's REST API, as Spark 4.3 answers it.

pub mod types;
