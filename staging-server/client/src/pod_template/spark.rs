//! What Spark makes of a template, by its documentation ("Pod template properties") and, where that is silent or behind,
//! by what its submission client and its driver do in each version.

use std::fmt;
use std::str::FromStr;

use super::document::Node;
use super::finding::{Finding, Place, Severity};

/// Which of Spark's pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The driver's pod.
    Driver,
    /// An executor's pod.
    Executor,
}

impl Role {
    /// As in Spark's settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Executor => "executor",
        }
    }
}

/// A version of Spark, of which templates know the first two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u8, u8);

impl Version {
    /// Every one that reads templates and that Hearth knows.
    pub const ALL: [Self; 10] = [
        Self(3, 0),
        Self(3, 1),
        Self(3, 2),
        Self(3, 3),
        Self(3, 4),
        Self(3, 5),
        Self(4, 0),
        Self(4, 1),
        Self(4, 2),
        Self(4, 3),
    ];
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let version = parts.next().flatten().zip(parts.next().flatten()).map(|(major, minor)| Self(major, minor));
        version.filter(|version| Self::ALL.contains(version)).ok_or_else(|| {
            let all = Self::ALL.map(|version| version.to_string()).join(", ");
            format!("no version of Spark that is known to read templates; there are {all}")
        })
    }
}

/// What a template is for.
#[derive(Clone, Debug)]
pub struct Use {
    /// For drivers, for executors, or (when empty) for both.
    pub roles: Vec<Role>,
    /// Which versions of Spark will read it; when empty, all that Hearth knows.
    pub versions: Vec<Version>,
    /// The container that `spark.kubernetes.{driver,executor}.podTemplateContainerName` names; else the first one is
    /// Spark's.
    pub container: Option<String>,
}

/// What Spark does with a field that a template sets.
struct Rule {
    field: &'static str,
    roles: &'static [Role],
    since: Version,
    severity: Severity,
    /// `{role}` stands for the role.
    message: &'static str,
}

const BOTH: &[Role] = &[Role::Driver, Role::Executor];
const DRIVER: &[Role] = &[Role::Driver];
const EXECUTOR: &[Role] = &[Role::Executor];
const ALWAYS: Version = Version(3, 0);

const fn rule(
    field: &'static str,
    roles: &'static [Role],
    since: Version,
    severity: Severity,
    message: &'static str,
) -> Rule {
    Rule { field, roles, since, severity, message }
}

/// Fields of the pod, and (those that begin with `container.`) of the container that Spark runs in.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    rule("metadata.name", DRIVER, ALWAYS, Severity::Warning, "Spark replaces it by spark.kubernetes.driver.pod.name, or a name made of the application's"),
    rule("metadata.name", EXECUTOR, ALWAYS, Severity::Warning, "Spark replaces it by <prefix>-exec-<number>; spark.kubernetes.executor.podNamePrefix sets the prefix"),
    rule("metadata.generateName", BOTH, ALWAYS, Severity::Warning, "Spark sets metadata.name, so this has no effect"),
    rule("metadata.namespace", BOTH, ALWAYS, Severity::Warning, "Spark replaces it by spark.kubernetes.namespace, or its default"),
    rule("metadata.labels", BOTH, ALWAYS, Severity::Note, "Spark keeps them, and adds its own and those of spark.kubernetes.{role}.label.*"),
    rule("metadata.annotations", BOTH, ALWAYS, Severity::Note, "Spark keeps them, and adds those of spark.kubernetes.{role}.annotation.*"),
    rule("metadata.ownerReferences", EXECUTOR, ALWAYS, Severity::Note, "Spark adds the driver's pod as the controller, of which Kubernetes allows one"),
    rule("status", BOTH, ALWAYS, Severity::Warning, "Kubernetes ignores it in a pod that is made"),
    rule("spec.restartPolicy", DRIVER, ALWAYS, Severity::Warning, "Spark replaces it by Never"),
    rule("spec.restartPolicy", EXECUTOR, ALWAYS, Severity::Warning, "Spark replaces it by Never (from 3.3 on by Always, where executors are those of a StatefulSet)"),
    rule("spec.serviceAccount", DRIVER, ALWAYS, Severity::Note, "Spark replaces it where spark.kubernetes.authenticate.driver.serviceAccountName is set"),
    rule("spec.serviceAccountName", DRIVER, ALWAYS, Severity::Note, "Spark replaces it where spark.kubernetes.authenticate.driver.serviceAccountName is set"),
    rule("spec.imagePullSecrets", BOTH, ALWAYS, Severity::Note, "Spark keeps them, and adds those of spark.kubernetes.container.image.pullSecrets"),
    rule("spec.nodeSelector", BOTH, ALWAYS, Severity::Note, "Spark keeps it, and adds spark.kubernetes.node.selector.* (from 3.3 on also spark.kubernetes.{role}.node.selector.*)"),
    rule("spec.volumes", BOTH, ALWAYS, Severity::Note, "Spark keeps them, and adds those of spark.kubernetes.{role}.volumes.* and its own"),
    rule("spec.hostname", EXECUTOR, ALWAYS, Severity::Warning, "Spark replaces it by the pod's name"),
    rule("spec.schedulerName", EXECUTOR, ALWAYS, Severity::Note, "Spark replaces it where spark.kubernetes.executor.scheduler.name is set (from 3.3 on also by spark.kubernetes.scheduler.name)"),
    rule("spec.schedulerName", DRIVER, Version(3, 3), Severity::Note, "Spark replaces it where spark.kubernetes.driver.scheduler.name or spark.kubernetes.scheduler.name is set"),
    rule("spec.terminationGracePeriodSeconds", EXECUTOR, Version(4, 1), Severity::Warning, "Spark replaces it by spark.kubernetes.executor.terminationGracePeriodSeconds, or 30"),
    rule("spec.nodeName", EXECUTOR, ALWAYS, Severity::Warning, "Spark keeps it: all executors then go to this one node, past the scheduler"),
    rule("spec.ephemeralContainers", BOTH, ALWAYS, Severity::Error, "Kubernetes refuses a new pod that has them"),
    rule("container.name", BOTH, ALWAYS, Severity::Note, "Spark keeps it; without one, the container is called spark-kubernetes-{role}"),
    rule("container.image", BOTH, ALWAYS, Severity::Warning, "Spark replaces it by spark.kubernetes.{role}.container.image or spark.kubernetes.container.image, and does not start without one of them"),
    rule("container.imagePullPolicy", BOTH, ALWAYS, Severity::Warning, "Spark replaces it by spark.kubernetes.container.image.pullPolicy, or IfNotPresent"),
    rule("container.command", BOTH, ALWAYS, Severity::Warning, "Spark keeps it: it runs in place of the image's entry point, which is what starts Spark"),
    rule("container.args", BOTH, ALWAYS, Severity::Warning, "Spark puts its own arguments behind them, and the entry point of its images expects its own first"),
    rule("container.env", BOTH, ALWAYS, Severity::Note, "Spark keeps them, and adds its own and those of its settings behind them; of two of one name the last counts"),
    rule("container.ports", DRIVER, ALWAYS, Severity::Note, "Spark adds driver-rpc-port, blockmanager and spark-ui (from 4.1 on spark-connect, too): these names and ports are taken"),
    rule("container.ports", EXECUTOR, ALWAYS, Severity::Note, "Spark adds blockmanager where its port is set: that name and port are taken"),
    rule("container.resources.requests.cpu", BOTH, ALWAYS, Severity::Warning, "Spark replaces it by spark.kubernetes.{role}.request.cores or spark.{role}.cores"),
    rule("container.resources.requests.memory", BOTH, ALWAYS, Severity::Warning, "Spark replaces it by spark.{role}.memory and its overhead"),
    rule("container.resources.limits.memory", BOTH, ALWAYS, Severity::Warning, "Spark replaces it by spark.{role}.memory and its overhead"),
    rule("container.resources.limits.cpu", BOTH, ALWAYS, Severity::Note, "Spark replaces it where spark.kubernetes.{role}.limit.cores is set"),
    rule("container.resources", EXECUTOR, Version(3, 1), Severity::Note, "Spark takes them for the default resource profile only: executors of another one have none of these"),
    rule("container.volumeMounts", BOTH, ALWAYS, Severity::Note, "Spark keeps them, and adds those of spark.kubernetes.{role}.volumes.* and its own"),
    rule("container.lifecycle", EXECUTOR, Version(3, 1), Severity::Warning, "Spark replaces it where spark.decommission.enabled is true"),
];

/// Labels that Spark sets itself.
const LABELS: [&str; 6] = [
    "spark-app-selector",
    "spark-app-name",
    "spark-role",
    "spark-exec-id",
    "spark-exec-resourceprofile-id",
    "spark-version",
];

/// Volumes that Spark adds: one of that name in a template makes the pod one that Kubernetes refuses.
const VOLUMES: [&str; 5] =
    ["spark-conf-volume-driver", "spark-conf-volume-exec", "pod-template-volume", "hadoop-properties", "krb5-file"];

/// Variables that Spark sets behind the template's.
const VARIABLES: [&str; 12] = [
    "SPARK_USER",
    "SPARK_APPLICATION_ID",
    "SPARK_DRIVER_BIND_ADDRESS",
    "SPARK_DRIVER_URL",
    "SPARK_EXECUTOR_CORES",
    "SPARK_EXECUTOR_MEMORY",
    "SPARK_CONF_DIR",
    "SPARK_EXECUTOR_ID",
    "SPARK_RESOURCE_PROFILE_ID",
    "SPARK_LOCAL_DIRS",
    "SPARK_EXECUTOR_POD_IP",
    "SPARK_EXECUTOR_POD_NAME",
];

pub(super) fn check(template: &Node, purpose: &Use) -> Vec<Finding> {
    let container = find_container(template, purpose.container.as_deref());
    let mut checker = Checker { template, purpose, container, findings: Vec::new() };
    RULES.iter().for_each(|rule| checker.rule(rule));
    checker.names();
    checker.container();
    checker.service_account();
    checker.findings
}

/// Which container Spark takes for its own: the named one, else the first.
pub(super) fn find_container(template: &Node, name: Option<&str>) -> Option<usize> {
    let containers = template.get("spec")?.get("containers")?.items();
    let named = |node: &Node| name.is_some() && node.get("name").and_then(Node::as_text) == name;
    containers.iter().position(named).or((!containers.is_empty()).then_some(0))
}

struct Checker<'a> {
    template: &'a Node,
    purpose: &'a Use,
    container: Option<usize>,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    fn add(&mut self, place: Place, field: impl Into<String>, severity: Severity, message: impl Into<String>) {
        self.findings.push(Finding { place, field: field.into(), severity, message: message.into() });
    }

    fn is_for(&self, roles: &[Role], since: Version) -> Vec<Role> {
        let wanted = |role: &Role| self.purpose.roles.is_empty() || self.purpose.roles.contains(role);
        let versions = if self.purpose.versions.is_empty() { &Version::ALL[..] } else { &self.purpose.versions };
        let known = versions.iter().any(|version| *version >= since);
        roles.iter().copied().filter(|role| known && wanted(role)).collect()
    }

    fn rule(&mut self, rule: &Rule) {
        let roles = self.is_for(rule.roles, rule.since);
        let Some((place, field)) = self.at(rule.field) else { return };
        if roles.is_empty() {
            return;
        }
        let role = if let [role] = roles.as_slice() { role.name() } else { "{driver,executor}" };
        let message = rule.message.replace("{role}", role);
        // Where a rule is not for every template and version in question, it says for which it is.
        let one_of_two = roles.len() == 1 && self.purpose.roles.len() != 1;
        let some_versions = rule.since > ALWAYS && self.purpose.versions.len() != 1;
        let of_role = if one_of_two { format!("in {} pods, ", roles[0].name()) } else { String::new() };
        let of_version = if some_versions { format!("from {} on, ", rule.since) } else { String::new() };
        self.add(place, field, rule.severity, format!("{of_role}{of_version}{message}"));
    }

    /// Where a field of a rule stands, and its full name.
    fn at(&self, field: &str) -> Option<(Place, String)> {
        let (mut node, mut name) = match field.strip_prefix("container.") {
            None => (self.template, String::new()),
            Some(_) => {
                let index = self.container?;
                let containers = self.template.get("spec")?.get("containers")?.items();
                (containers.get(index)?, format!("spec.containers[{index}]"))
            }
        };
        let mut place = node.place;
        for part in field.strip_prefix("container.").unwrap_or(field).split('.') {
            let (key, below) = node.entries().iter().find(|(key, _)| key.name == part)?;
            (node, place) = (below, key.place);
            name = if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
        }
        Some((place, name))
    }

    fn names(&mut self) {
        let template: &'a Node = self.template;
        for (key, _) in template.get("metadata").and_then(|node| node.get("labels")).map_or(&[][..], Node::entries) {
            if LABELS.contains(&key.name.as_str()) {
                let field = format!("metadata.labels.{}", key.name);
                self.add(key.place, field, Severity::Warning, "Spark sets this label itself");
            }
        }
        let volumes = template.get("spec").and_then(|node| node.get("volumes")).map_or(&[][..], Node::items);
        for (index, volume) in volumes.iter().enumerate() {
            let name = volume.get("name").and_then(Node::as_text).unwrap_or_default();
            if VOLUMES.contains(&name) || name.starts_with("spark-local-dir-") {
                let message = match name.starts_with("spark-local-dir-") {
                    // Spark looks for these by name.
                    true => "Spark keeps its scratch data on a volume of such a name, in place of one of its own",
                    false => "Spark adds a volume of this name, and Kubernetes refuses a pod with two",
                };
                let is_local = name.starts_with("spark-local-dir-");
                let severity = if is_local { Severity::Note } else { Severity::Error };
                self.add(volume.place, format!("spec.volumes[{index}].name"), severity, message);
            }
        }
    }

    fn container(&mut self) {
        let template: &'a Node = self.template;
        let Some(index) = self.container else { return };
        let containers = template.get("spec").and_then(|spec| spec.get("containers")).map_or(&[][..], Node::items);
        let Some(container) = containers.get(index) else { return };
        for (at, variable) in container.get("env").map_or(&[][..], Node::items).iter().enumerate() {
            let name = variable.get("name").and_then(Node::as_text).unwrap_or_default();
            if VARIABLES.contains(&name) {
                let field = format!("spec.containers[{index}].env[{at}]");
                self.add(variable.place, field, Severity::Warning, format!("Spark sets {name} itself"));
            }
        }
        let name = |node: &Node| node.get("name").and_then(Node::as_text).unwrap_or_default().to_owned();
        if let Some(wanted) = &self.purpose.container
            && name(container) != *wanted
        {
            let message = format!("no container is called {wanted}: Spark takes the first one");
            self.add(container.place, "spec.containers", Severity::Warning, message);
        } else if containers.len() > 1 && self.purpose.container.is_none() {
            let message = "Spark runs in this one, the first of several; podTemplateContainerName can name another";
            self.add(container.place, format!("spec.containers[{index}]"), Severity::Note, message);
        }
    }

    /// Spark looks at the old name of this field to see whether a template has an account for executors.
    fn service_account(&mut self) {
        let roles = self.is_for(EXECUTOR, Version(3, 1));
        let (old, new) = (self.at("spec.serviceAccount"), self.at("spec.serviceAccountName"));
        if let (false, None, Some((place, field))) = (roles.is_empty(), old, new) {
            let message = "in executor pods, from 3.1 on, Spark replaces it by \
                spark.kubernetes.authenticate.executor.serviceAccountName, or the driver's, unless spec.serviceAccount is set as well";
            self.add(place, field, Severity::Warning, message);
        }
    }
}
