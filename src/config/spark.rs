//! The settings of Spark's own history server, for those who put Hearth in its place and change nothing else.
//!
//! As `HistoryServerArguments` and Spark's launcher read them (4.2): `-Dspark.…` of `SPARK_HISTORY_OPTS` before those of
//! `SPARK_DAEMON_JAVA_OPTS`, those before a properties file, which `--properties-file` names, or is `spark-defaults.conf` in
//! `SPARK_CONF_DIR` or in `SPARK_HOME/conf`. `spark.hadoop.…` goes before `core-site.xml` in `HADOOP_CONF_DIR`. What Hearth's
//! own flags, variables and file say goes before all of these.

mod finding;
mod found;
mod hadoop;
mod java;
mod keys;
mod report;
mod translate;

use std::path::Path;

pub(super) use finding::Spark;
pub(super) use report::report;

use found::{Environment, Found};

/// Reads all of Spark's settings. A file that is named, but cannot be read, is a mistake.
pub(super) fn read(properties_file: Option<&Path>, environment: Environment<'_>) -> Spark {
    translate::translate(Found::look(properties_file, environment), environment)
}

#[cfg(test)]
mod tests;
