//! The pages, one module each: its view, made from the model, and its handler.

pub(crate) mod applications;
pub(crate) mod connect;
pub(crate) mod distribution;
pub(crate) mod environment;
pub(crate) mod executors;
pub(crate) mod jobs;
pub(crate) mod loading;
pub(crate) mod log;
pub(crate) mod overview;
pub(crate) mod pictures;
pub(crate) mod plain;
pub(crate) mod pool;
pub(crate) mod sql;
pub(crate) mod sqlserver;
pub(crate) mod stage;
pub(crate) mod stages;
pub(crate) mod storage;
pub(crate) mod streaming;
pub(crate) mod tasks;
