//! What the REST API answers with: the classes of `org.apache.spark.status.api.v1`, field by field and in Spark's order.
//!
//! As JSON they read as Spark writes them (absent fields left out, dates as text in GMT). The same types are kept in the model, and
//! binary formats store dates as milliseconds.

mod accumulable;
mod application;
mod date;
mod distribution;
mod executor;
mod job;
mod metrics;
mod sql;
mod stage;
mod storage;
mod task;

pub use accumulable::AccumulableInfo;
pub use application::{
    ApplicationAttemptInfo, ApplicationEnvironmentInfo, ApplicationInfo, ExecutorResourceRequest, ResourceProfileInfo,
    RuntimeInfo, TaskResourceRequest, VersionInfo,
};
pub use date::Date;
pub use distribution::{
    ExecutorMetricsDistributions, InputMetricDistributions, OutputMetricDistributions,
    ShufflePushReadMetricDistributions, ShuffleReadMetricDistributions, ShuffleWriteMetricDistributions,
    TaskMetricDistributions,
};
pub use executor::{ExecutorSummary, MemoryMetrics, ProcessSummary, ResourceInformation};
pub use job::{JobData, JobExecutionStatus};
pub use metrics::{EXECUTOR_METRICS, ExecutorMetrics, PeakMetricsDistributions};
pub use sql::{ExecutionData, Metric, Node, SparkPlanGraphEdge};
pub use stage::{ExecutorStageSummary, SpeculationStageSummary, StageData, StageStatus};
pub use storage::{RDDDataDistribution, RDDPartitionInfo, RDDStorageInfo};
pub use task::{
    InputMetrics, OutputMetrics, ShufflePushReadMetrics, ShuffleReadMetrics, ShuffleWriteMetrics, TaskData, TaskMap,
    TaskMetrics,
};
