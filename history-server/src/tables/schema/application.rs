//! What an application is, how it was configured, and what else happened in it.

use super::super::content::Content;
use super::super::place::{self, OTHER_EVENTS};
use super::super::sheet::{Owner, Sheet};
use crate::redaction::Redaction;
use history_model::Application;
use history_model::other_events::OtherEvent;
use history_model::problems::StopReason;
use history_model::types::ApplicationEnvironmentInfo;

pub(super) fn applications<'a>(owner: &Owner<'a>, content: &'a [&'a Content<'a>], task_count: usize) -> Sheet<'a> {
    let attempt = |content: &&'a Content<'a>| content.model.attempt.as_ref();
    let runtime = |content: &&'a Content<'a>| content.model.environment.as_ref().map(|all| &all.runtime);
    let problems = |content: &&'a Content<'a>| &content.model.problems;
    let count = |of: fn(&'a Application) -> usize| move |content: &&'a Content<'a>| of(content.model) as i64;
    owner
        .table(content)
        .maybe_text("name", move |row| attempt(row).map(|attempt| attempt.name.as_str()))
        .maybe_text("spark_user", move |row| attempt(row).map(|attempt| attempt.user.as_str()))
        .maybe_text("app_spark_version", move |row| attempt(row).map(|attempt| attempt.spark_version.as_str()))
        .maybe_time("start_time", move |row| attempt(row).map(|attempt| attempt.start_time))
        .maybe_time("end_time", move |row| attempt(row).and_then(|attempt| attempt.end_time))
        .maybe_int64("duration", move |row| {
            attempt(row).and_then(|attempt| Some(attempt.end_time?.wrapping_sub(attempt.start_time)))
        })
        .maybe_int32("exit_code", move |row| attempt(row).and_then(|attempt| attempt.exit_code))
        .maybe_text("java_version", move |row| runtime(row).and_then(|runtime| runtime.java_version.as_deref()))
        .maybe_text("scala_version", move |row| runtime(row).and_then(|runtime| runtime.scala_version.as_deref()))
        .text("event_log", |row| &row.identity.log)
        .int64("num_jobs", count(|model| model.jobs.len()))
        .int64("num_stages", count(|model| model.stages.len()))
        .int64("num_tasks", move |_| task_count as i64)
        .int64("num_executors", count(|model| model.executors.len()))
        .int64("num_sql_executions", count(|model| model.sql.len()))
        .int64("bad_lines", move |row| problems(row).bad_lines as i64)
        .int64("long_lines", move |row| problems(row).long_lines as i64)
        .flag("truncated", move |row| problems(row).truncated)
        .maybe_int64("stopped_at_line", move |row| problems(row).stopped.map(|stopped| stopped.line as i64))
        .maybe_text("stopped_for", move |row| {
            problems(row).stopped.map(|stopped| match stopped.reason {
                StopReason::Fault => "FAULT",
                StopReason::Memory => "MEMORY",
            })
        })
        .int64("num_other_events", move |row| row.other_events.len() as i64)
        .int64("num_other_events_left_out", move |row| problems(row).other_events_left_out as i64)
        .named("applications")
}

/// A property, and which part of the environment it is of.
pub(in super::super) struct Property {
    section: &'static str,
    name: String,
    value: String,
}

/// The environment as it may be shown.
pub(super) fn properties(model: &Application, redaction: &Redaction) -> Vec<Property> {
    let Some(ApplicationEnvironmentInfo {
        runtime,
        spark_properties,
        hadoop_properties,
        system_properties,
        metrics_properties,
        classpath_entries,
        resource_profiles: _,
    }) = &model.environment
    else {
        return Vec::new();
    };
    let runtime = [
        ("javaVersion", &runtime.java_version),
        ("javaHome", &runtime.java_home),
        ("scalaVersion", &runtime.scala_version),
    ];
    let runtime = runtime.into_iter().filter_map(|(name, value)| {
        Some(Property { section: "runtime", name: name.to_owned(), value: value.clone()? })
    });
    let sections = [
        ("sparkProperties", spark_properties),
        ("hadoopProperties", hadoop_properties),
        ("systemProperties", system_properties),
        ("metricsProperties", metrics_properties),
    ];
    let named = sections.into_iter().flat_map(|(section, all)| {
        all.iter().map(move |(name, value)| {
            let value = redaction.shown(name, value.clone());
            Property { section, name: name.clone(), value }
        })
    });
    let classpath = classpath_entries.iter().map(|(path, from)| {
        let name = redaction.shown_location(path.clone());
        Property { section: "classpathEntries", name, value: from.clone() }
    });
    runtime.chain(named).chain(classpath).collect()
}

pub(super) fn environment<'a>(owner: &Owner<'a>, properties: &'a [Property]) -> Sheet<'a> {
    owner
        .table(properties)
        .text("section", |property| property.section)
        .text("name", |property| &property.name)
        .text("value", |property| &property.value)
        .named("environment")
}

/// A resource that a profile asks for.
pub(in super::super) struct ResourceRequest<'a> {
    profile_id: i32,
    kind: &'static str,
    resource_name: &'a str,
    amount: f64,
    discovery_script: Option<&'a str>,
    vendor: Option<&'a str>,
}

pub(super) fn resource_requests(model: &Application) -> Vec<ResourceRequest<'_>> {
    let mut rows = Vec::new();
    let some = |text: &'_ String| !text.is_empty();
    for profile in &model.resource_profiles {
        let of_executor = profile.executor_resources.iter().map(|(name, request)| ResourceRequest {
            profile_id: profile.id,
            kind: "executor",
            resource_name: name,
            amount: request.amount as f64,
            discovery_script: Some(&request.discovery_script).filter(|text| some(text)).map(String::as_str),
            vendor: Some(&request.vendor).filter(|text| some(text)).map(String::as_str),
        });
        let of_task = profile.task_resources.iter().map(|(name, request)| ResourceRequest {
            profile_id: profile.id,
            kind: "task",
            resource_name: name,
            amount: request.amount,
            discovery_script: None,
            vendor: None,
        });
        rows.extend(of_executor.chain(of_task));
    }
    rows
}

pub(super) fn resource_profiles<'a>(owner: &Owner<'a>, requests: &'a [ResourceRequest<'a>]) -> Sheet<'a> {
    owner
        .table(requests)
        .int32("resource_profile_id", |request| request.profile_id)
        .text("kind", |request| request.kind)
        .text("resource_name", |request| request.resource_name)
        .double("amount", |request| request.amount)
        .maybe_text("discovery_script", |request| request.discovery_script)
        .maybe_text("vendor", |request| request.vendor)
        .named("resource_profiles")
}

pub(super) fn processes<'a>(owner: &Owner<'a>, model: &'a Application) -> Sheet<'a> {
    owner
        .table(&model.processes)
        .text("process_id", |process| &process.id)
        .maybe_text("host_port", |process| process.host_port.as_deref())
        .flag("is_active", |process| process.is_active)
        .int32("total_cores", |process| process.total_cores)
        .time("add_time", |process| process.add_time.0)
        .maybe_time("remove_time", |process| process.remove_time.map(|at| at.0))
        .named_texts("process_logs", |process| &process.process_logs)
        .named("processes")
}

pub(super) fn other_events<'a>(owner: &Owner<'a>, events: &'a [OtherEvent]) -> Sheet<'a> {
    owner
        .table(events)
        .int64("line", |event| event.line as i64)
        .text("name", |event| &event.name)
        .text("json", |event| &event.json)
        .named(OTHER_EVENTS)
        .in_places(place::ends(std::iter::once(0..events.len())))
}
