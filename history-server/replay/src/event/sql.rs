//! The events of SQL executions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::core::Int;
use super::scan::{Malformed, Result, Scan};
use history_model::plan::SqlMetric;

/// An operator of a physical plan, with those under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) name: String,
    /// The operator in words.
    pub(crate) text: String,
    pub(crate) children: Vec<Self>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) metrics: Vec<SqlMetric>,
}

/// A query was started.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExecutionStart {
    pub(crate) id: i64,
    pub(crate) root_id: Option<i64>,
    pub(crate) query_id: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) details: Option<String>,
    pub(crate) plan_text: Option<String>,
    pub(crate) plan: Plan,
    pub(crate) time: i64,
    pub(crate) modified_configs: BTreeMap<String, String>,
    pub(crate) job_tags: Vec<String>,
    pub(crate) job_group: Option<String>,
}

/// Adaptive execution changed the plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct AdaptiveUpdate {
    pub(crate) id: i64,
    pub(crate) plan_text: Option<String>,
    pub(crate) plan: Plan,
}

/// A query ended.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ExecutionEnd {
    pub(crate) execution_id: Int,
    pub(crate) time: Int,
    pub(crate) error_message: Option<String>,
}

/// Adaptive execution added metrics.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct MetricUpdates {
    pub(crate) execution_id: Int,
    pub(crate) sql_plan_metrics: Vec<SqlMetric>,
}

/// The driver measured something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DriverUpdates {
    pub(crate) execution_id: Int,
    pub(crate) accum_updates: Vec<(Int, Int)>,
}

fn owned(text: Option<Cow<'_, str>>) -> Option<String> {
    text.map(Cow::into_owned)
}

impl ExecutionStart {
    pub(crate) fn read(line: &[u8]) -> Result<Self> {
        const KEYS: [&[u8]; 11] = [
            b"\"executionId\":",
            b"\"rootExecutionId\":",
            b"\"description\":",
            b"\"details\":",
            b"\"physicalPlanDescription\":",
            b"\"sparkPlanInfo\":",
            b"\"time\":",
            b"\"modifiedConfigs\":",
            b"\"jobTags\":",
            b"\"jobGroupId\":",
            b"\"queryId\":",
        ];
        let mut start = Self::default();
        let mut scan = Scan::new(line);
        scan.object(&KEYS, |scan, key| {
            match key {
                0 => start.id = scan.optional_int()?.unwrap_or(0),
                1 => start.root_id = scan.optional_int()?,
                2 => start.description = owned(scan.optional_string()?),
                3 => start.details = owned(scan.optional_string()?),
                4 => start.plan_text = owned(scan.optional_string()?),
                5 => start.plan = Plan::read(scan)?,
                6 => start.time = scan.optional_int()?.unwrap_or(0),
                7 => start.modified_configs = configs(scan)?,
                8 => start.job_tags = tags(scan)?,
                9 => start.job_group = owned(scan.optional_string()?),
                _ => start.query_id = owned(scan.optional_string()?),
            }
            Ok(())
        })?;
        if scan.at_end() { Ok(start) } else { Err(Malformed) }
    }
}

impl AdaptiveUpdate {
    pub(crate) fn read(line: &[u8]) -> Result<Self> {
        const KEYS: [&[u8]; 3] = [b"\"executionId\":", b"\"physicalPlanDescription\":", b"\"sparkPlanInfo\":"];
        let mut update = Self::default();
        let mut scan = Scan::new(line);
        scan.object(&KEYS, |scan, key| {
            match key {
                0 => update.id = scan.optional_int()?.unwrap_or(0),
                1 => update.plan_text = owned(scan.optional_string()?),
                _ => update.plan = Plan::read(scan)?,
            }
            Ok(())
        })?;
        if scan.at_end() { Ok(update) } else { Err(Malformed) }
    }
}

fn tags(scan: &mut Scan<'_>) -> Result<Vec<String>> {
    let mut tags = Vec::new();
    if !scan.null() {
        scan.array(|scan| scan.optional_string().map(|tag| tags.extend(owned(tag))))?;
    }
    Ok(tags)
}

fn configs(scan: &mut Scan<'_>) -> Result<BTreeMap<String, String>> {
    let raw = scan.raw_value()?;
    let configs: Option<BTreeMap<String, Option<String>>> =
        serde_json::from_str(&String::from_utf8_lossy(raw)).map_err(|_| Malformed)?;
    Ok(configs.unwrap_or_default().into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

/// What a source says of itself. It is nothing to fail for.
fn metadata(scan: &mut Scan<'_>) -> Result<BTreeMap<String, String>> {
    let raw = scan.raw_value()?;
    let empty = raw == b"{}" || raw == b"null";
    let read = || serde_json::from_str(&String::from_utf8_lossy(raw)).unwrap_or_default();
    Ok(if empty { BTreeMap::new() } else { read() })
}

impl Plan {
    fn read(scan: &mut Scan<'_>) -> Result<Self> {
        // The first pass bounds the depth, so that the second one may recurse.
        let raw = scan.raw_value()?;
        if raw == b"null" { Ok(Self::default()) } else { Self::read_node(&mut Scan::new(raw)) }
    }

    fn read_node(scan: &mut Scan<'_>) -> Result<Self> {
        const KEYS: [&[u8]; 5] =
            [b"\"nodeName\":", b"\"simpleString\":", b"\"children\":", b"\"metadata\":", b"\"metrics\":"];
        let mut plan = Self::default();
        scan.object(&KEYS, |scan, key| {
            match key {
                0 => plan.name = scan.optional_string()?.unwrap_or_default().into_owned(),
                1 => plan.text = scan.optional_string()?.unwrap_or_default().into_owned(),
                2 if scan.null() => {}
                2 => scan.array(|scan| Self::read_node(scan).map(|child| plan.children.push(child)))?,
                3 => plan.metadata = metadata(scan)?,
                _ => plan.metrics = metrics(scan)?,
            }
            Ok(())
        })?;
        Ok(plan)
    }
}

fn metrics(scan: &mut Scan<'_>) -> Result<Vec<SqlMetric>> {
    const KEYS: [&[u8]; 3] = [b"\"name\":", b"\"accumulatorId\":", b"\"metricType\":"];
    let mut metrics = Vec::new();
    if scan.null() {
        return Ok(metrics);
    }
    scan.array(|scan| {
        let mut metric = SqlMetric::default();
        scan.object(&KEYS, |scan, key| {
            match key {
                0 => metric.name = scan.optional_string()?.unwrap_or_default().into_owned(),
                1 => metric.accumulator_id = scan.int()?,
                _ => metric.metric_type = scan.optional_string()?.unwrap_or_default().into_owned(),
            }
            Ok(())
        })?;
        metrics.push(metric);
        Ok(())
    })?;
    Ok(metrics)
}
