//! What failed, once for each signature, in whichever stages it did.

use std::collections::HashMap;

use history_server::api::v1::types::StageStatus;
use history_server::model::Stage;

use crate::app::App;
use crate::cell::{Cell, TextLink};
use crate::error::Error;
use crate::pages::tasks;
use crate::params::Params;
use crate::table::{Column, Table, TableSpec};
use crate::task::Tasks;

/// Signatures that are told apart.
const MAX_GROUPS: usize = 100;
/// Stages of which the tasks are looked through, the first that have failed ones, and how many tasks those may have: of others
/// the stage's own reason is told.
const MAX_STAGES: usize = 50;
const MAX_TASKS: i32 = 200_000;
/// How many stages a row leads to.
const SHOWN: usize = 5;

const NO_REASON: &str = "no reason in the event log";

/// Failures of which the same is said but for numbers.
struct Group<'a> {
    /// What one of them says.
    text: String,
    failed_tasks: i64,
    stages: Vec<&'a Stage>,
}

#[derive(Default)]
struct Groups<'a> {
    places: HashMap<String, usize>,
    all: Vec<Group<'a>>,
}

impl<'a> Groups<'a> {
    fn add(&mut self, text: &str, failed_tasks: i64, stage: &'a Stage) {
        let signature = tasks::error_kind(text);
        let place = match self.places.get(&signature) {
            Some(place) => *place,
            None if self.all.len() < MAX_GROUPS => {
                self.places.insert(signature, self.all.len());
                self.all.push(Group { text: text.to_owned(), failed_tasks: 0, stages: Vec::new() });
                self.all.len() - 1
            }
            None => return,
        };
        if let Some(group) = self.all.get_mut(place) {
            group.failed_tasks += failed_tasks;
            if !group.stages.iter().any(|known| std::ptr::eq(*known, stage)) {
                group.stages.push(stage);
            }
        }
    }
}

/// Why tasks failed, in stages that failed and in those that went on; `None` where nothing did.
pub(super) async fn table(app: &App, params: &Params) -> Result<Option<Table>, Error> {
    let groups = groups(app).await?;
    if groups.is_empty() {
        return Ok(None);
    }
    let link = |stage: &&Stage| TextLink {
        text: stage.data.stage_id.to_string(),
        href: app.links.stage(stage.data.stage_id.into(), stage.data.attempt_id.into()),
    };
    let columns = vec![
        Column::new("Failed Tasks", |group: &Group<'_>| Cell::number(group.failed_tasks))
            .number()
            .by(|group| group.failed_tasks),
        Column::new("Stages", |group: &Group<'_>| Cell::number(i64::try_from(group.stages.len()).unwrap_or(i64::MAX)))
            .number()
            .by(|group| group.stages.len()),
        Column::new("Reason", |group: &Group<'_>| Cell::long(&group.text)).prose().hint("In full: of one of them"),
        Column::new("Where", move |group: &Group<'_>| Cell::Links(group.stages.iter().take(SHOWN).map(link).collect())),
    ];
    let spec = TableSpec { tag: "failures", title: "Failures", columns, sort: ("Failed Tasks", true), empty: "" };
    Ok(Some(spec.draw(groups, params)))
}

async fn groups(app: &App) -> Result<Vec<Group<'_>>, Error> {
    let (mut groups, mut looked_through) = (Groups::default(), 0);
    for stage in &app.model().stages {
        let mut told = false;
        if stage.data.num_failed_tasks > 0 && stage.data.num_tasks <= MAX_TASKS && looked_through < MAX_STAGES {
            looked_through += 1;
            if let Some(stage_tasks) = app.stage_tasks(stage).await? {
                let failures = tasks::failures(Tasks::new(&stage_tasks).with_status(&["FAILED"]));
                told = !failures.is_empty();
                for (number, task) in failures {
                    groups.add(task.error().unwrap_or(NO_REASON), number, stage);
                }
            }
        }
        if !told && stage.data.status == StageStatus::Failed {
            let text = stage.data.failure_reason.as_deref().unwrap_or(NO_REASON);
            groups.add(text, stage.data.num_failed_tasks.into(), stage);
        }
    }
    Ok(groups.all)
}
