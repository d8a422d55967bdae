//! The application itself, its environment, profiles and processes.

use crate::event::core::{
    ApplicationEnd, ApplicationStart, EnvironmentUpdate, MiscellaneousProcessAdded, Properties, ResourceProfileAdded,
    entries, property,
};
use history_model::order::java_cmp;
use history_model::types::{ApplicationEnvironmentInfo, Date, ProcessSummary, ResourceProfileInfo, RuntimeInfo};
use history_model::{Application, Attempt};

use crate::cpus::Cpus;
use crate::state::State;

impl State {
    pub(crate) fn application_start(&mut self, event: ApplicationStart) {
        // Spark does not support applications without ids.
        let Some(id) = event.id else { return };
        self.attempt = Some(Attempt {
            app_id: id.0,
            attempt_id: event.attempt_id.map(|id| id.0),
            name: event.name.unwrap_or_default(),
            user: event.user.unwrap_or_default(),
            spark_version: self.spark_version.clone(),
            start_time: event.time.0,
            end_time: None,
            exit_code: None,
        });
        let Some(logs) = event.driver_logs else { return };
        let driver = self.tables.strings.intern("driver");
        if let Some(driver) = self.live_executors.get_mut(&driver) {
            driver.summary.executor_logs = entries(logs).collect();
            driver.summary.attributes = event.driver_attributes.into_iter().flat_map(entries).collect();
            let first = driver.first_write();
            self.executor_written("driver", true, first);
        }
    }

    pub(crate) fn application_end(&mut self, event: &ApplicationEnd) {
        if let Some(attempt) = &mut self.attempt {
            attempt.end_time = Some(event.time.0);
            attempt.exit_code = event.exit_code.as_i32();
        }
    }

    pub(crate) fn environment_update(&mut self, event: EnvironmentUpdate) {
        let mut jvm = event.jvm;
        let mut named = |name| jvm.remove(name).flatten();
        let runtime = RuntimeInfo {
            java_version: named("Java Version"),
            java_home: named("Java Home"),
            scala_version: named("Scala Version"),
        };
        let list = |properties: Properties| entries(properties).collect::<Vec<_>>();
        if let Some(cpus) = property(Some(&event.spark), "spark.task.cpus").and_then(Cpus::parse) {
            self.cpus_per_task = cpus;
        }
        self.environment = Some(ApplicationEnvironmentInfo {
            runtime,
            spark_properties: list(event.spark),
            hadoop_properties: list(event.hadoop.unwrap_or_default()),
            system_properties: list(event.system),
            metrics_properties: list(event.metrics.unwrap_or_default()),
            classpath_entries: list(event.classpath),
            resource_profiles: Vec::new(),
        });
    }

    pub(crate) fn resource_profile_added(&mut self, event: ResourceProfileAdded) {
        let id = event.id.as_i32();
        let profile = ResourceProfileInfo {
            id,
            executor_resources: event.executor.into_iter().map(|(name, request)| (name, request.into())).collect(),
            task_resources: event.task.into_iter().map(|(name, request)| (name, request.into())).collect(),
        };
        self.profiles.insert(id, profile);
    }

    pub(crate) fn process_added(&mut self, event: MiscellaneousProcessAdded) {
        let id = event.process_id.unwrap_or_default();
        let process = self.processes.entry(id.clone()).or_insert_with(|| ProcessSummary {
            id,
            add_time: Date(event.time.0),
            ..ProcessSummary::default()
        });
        process.process_logs = entries(event.info.log_url_info).collect();
        process.host_port = event.info.host_port;
        process.is_active = true;
        process.total_cores = event.info.cores.as_i32();
    }

    /// Writes down what is still alive, and gives the model.
    pub(crate) fn finish(mut self, last_updated: i64) -> Application {
        self.end_retention();
        self.finish_tasks(last_updated);
        self.finish_stages();
        self.finish_jobs();
        self.finish_executors();
        self.sql.finish();
        let mut executors: Vec<_> = self.executors.into_values().collect();
        executors.sort_by(|left, right| java_cmp(&left.id, &right.id));
        let mut processes: Vec<_> = self.processes.into_values().collect();
        processes.sort_by(|left, right| java_cmp(&left.id, &right.id));
        let (streaming, connect, thrift) = self.services.finish();
        let (strings, live) = (&self.tables.strings, &self.live_executors);
        let view = |id: &str| strings.code(id).and_then(|code| live.get(&code)?.view.as_ref());
        let rdds = self.rdds.into_values().map(|rdd| rdd.into_info(view)).collect();
        Application {
            attempt: self.attempt,
            environment: self.environment,
            resource_profiles: self.profiles.into_values().collect(),
            jobs: self.jobs.into_values().collect(),
            stages: self.stages.into_values().collect(),
            executors,
            executor_events: self.executor_events,
            other_events: self.other_events.all,
            processes,
            rdds,
            stream_blocks: self.stream_blocks.into_values().collect(),
            sql: self.sql.into_executions(),
            streaming,
            connect,
            thrift,
            rdd_graphs: self.rdd_graphs,
            tasks: self.tables,
            problems: history_model::problems::Problems::default(),
        }
    }
}
