//! Event timelines: when executors were there, and when jobs and stages ran.

use history_server::api::v1::types::{ExecutorSummary, JobExecutionStatus, StageStatus};
use history_server::model::{Job, Stage};

use super::Drawn;
use crate::app::App;
use crate::description::Description;
use crate::draw::timeline::{Bar, Lane, Timeline};
use crate::format;

const LEGEND: [(&str, &str); 5] = [
    ("good", "succeeded"),
    ("bad", "failed"),
    ("busy", "running"),
    ("executor", "executor"),
    ("removed", "executor that was removed"),
];

/// Executors and jobs, over the time of the application.
pub(crate) fn of_jobs(app: &App, jobs: &[&Job]) -> Option<Drawn> {
    let lanes = vec![executor_lane(app, app.first_moment(), app.last_moment()), job_lane(app, jobs)];
    drawn(app.first_moment(), app.last_moment(), lanes)
}

/// Executors alone.
pub(crate) fn of_executors(app: &App) -> Option<Drawn> {
    let lane = executor_lane(app, app.first_moment(), app.last_moment());
    drawn(app.first_moment(), app.last_moment(), vec![lane])
}

/// The jobs of a query, over its time.
pub(crate) fn of_query(app: &App, jobs: &[&Job], (start, end): (i64, i64)) -> Option<Drawn> {
    drawn(start, end, vec![job_lane(app, jobs)])
}

/// Executors and stages, over the time of a job.
pub(crate) fn of_stages(app: &App, stages: &[&Stage], (start, end): (i64, i64)) -> Option<Drawn> {
    let bars = stages.iter().filter_map(|stage| stage_bar(app, stage)).collect();
    let lanes = vec![executor_lane(app, start, end), Lane { label: "Stages".to_owned(), bars }];
    drawn(start, end, lanes)
}

fn drawn(start: i64, end: i64, lanes: Vec<Lane>) -> Option<Drawn> {
    let classes: Vec<&str> = lanes.iter().flat_map(|lane| lane.bars.iter().map(|bar| bar.class)).collect();
    let legend: Vec<_> = LEGEND.into_iter().filter(|(class, _)| classes.contains(class)).collect();
    // What the clocks of two machines disagree on is drawn as well.
    let end = end.max(start.saturating_add(1));
    let picture = Timeline { name: "What happened when".to_owned(), start, end, lanes }.draw()?;
    Some(Drawn::new("timeline", "Event timeline", picture).legend(&legend))
}

/// Executors that were there between two moments.
fn executor_lane(app: &App, start: i64, end: i64) -> Lane {
    let there = |one: &&ExecutorSummary| {
        one.id != "driver" && one.add_time.0 <= end && one.remove_time.is_none_or(|removed| removed.0 >= start)
    };
    let bar = |one: &ExecutorSummary| {
        let host = one.host_port.as_deref().unwrap_or_default();
        let mut hint = format!("Executor {} on {host}\nadded {}", one.id, time(one.add_time.0));
        if let Some(removed) = one.remove_time {
            hint.push_str(&format!("\nremoved {}", time(removed.0)));
        }
        if let Some(reason) = &one.remove_reason {
            hint.push_str(&format!(": {}", format::first_line(reason, 300)));
        }
        Bar {
            start: one.add_time.0.max(start),
            end: one.remove_time.map_or(end, |removed| removed.0.min(end)),
            class: if one.remove_time.is_some() { "removed" } else { "executor" },
            text: format!("Executor {}", one.id),
            hint,
            href: app.links.tab("executors"),
        }
    };
    let bars = app.model().executors.iter().filter(there).map(bar).collect();
    Lane { label: "Executors".to_owned(), bars }
}

fn job_lane(app: &App, jobs: &[&Job]) -> Lane {
    Lane { label: "Jobs".to_owned(), bars: jobs.iter().filter_map(|job| job_bar(app, job)).collect() }
}

fn job_bar(app: &App, job: &Job) -> Option<Bar> {
    let data = &job.data;
    let start = data.submission_time?.0;
    let (class, word) = match data.status {
        JobExecutionStatus::Succeeded => ("good", "succeeded"),
        JobExecutionStatus::Failed => ("bad", "failed"),
        JobExecutionStatus::Running | JobExecutionStatus::Unknown => ("busy", "running"),
    };
    let described = Description::new(data.description.as_deref().unwrap_or_default(), "").plain();
    let text = if described.is_empty() { &data.name } else { &described };
    let long = format::duration(app.elapsed(data.submission_time, data.completion_time)?);
    Some(Bar {
        start,
        end: data.completion_time.map_or_else(|| app.last_moment(), |end| end.0),
        class,
        text: format!("{} {}", data.job_id, format::first_line(text, 80)),
        hint: format!(
            "Job {}: {}\n{word}, submitted {}, {long}",
            data.job_id,
            format::first_line(text, 300),
            time(start)
        ),
        href: app.links.job(data.job_id.into()),
    })
}

fn stage_bar(app: &App, stage: &Stage) -> Option<Bar> {
    let data = &stage.data;
    let start = data.submission_time?.0;
    let (class, word) = match data.status {
        StageStatus::Complete => ("good", "succeeded"),
        StageStatus::Failed => ("bad", "failed"),
        StageStatus::Active | StageStatus::Pending | StageStatus::Skipped => ("busy", "running"),
    };
    let name = data.name.clone().unwrap_or_default();
    let long = format::duration(app.elapsed(data.submission_time, data.completion_time)?);
    let tasks = format::plural(data.num_tasks.into(), "task");
    Some(Bar {
        start,
        end: data.completion_time.map_or_else(|| app.last_moment(), |end| end.0),
        class,
        text: format!("{} {name}", data.stage_id),
        hint: format!(
            "Stage {}.{}: {name}\n{word}, submitted {}, {long}, {tasks}",
            data.stage_id,
            data.attempt_id,
            time(start)
        ),
        href: app.links.stage(data.stage_id.into(), data.attempt_id.into()),
    })
}

fn time(at: i64) -> String {
    format::time(history_server::api::v1::types::Date(at)).unwrap_or_default()
}
