//! Which pods an application ran in, from the Spark properties in its log.
//!
//! On Kubernetes these properties are always there, from Spark 3.0 on: the scheduler fills in the prefix of the pods'
//! names when the user has not. Executor pods are called `<prefix>-exec-<id>`.

use history_model::types::ApplicationEnvironmentInfo;

/// A pod by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The pods of one attempt of an application; empty where it did not run on Kubernetes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    namespace: String,
    executor_prefix: Option<String>,
    driver: Option<String>,
}

impl Pods {
    /// What the logged environment says.
    #[must_use]
    pub fn of(environment: Option<&ApplicationEnvironmentInfo>) -> Self {
        let property = |key: &str| {
            let mut properties = environment.into_iter().flat_map(|environment| &environment.spark_properties);
            properties.find(|(name, _)| name == key).map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        Self {
            namespace: property("spark.kubernetes.namespace").unwrap_or_else(|| "default".to_owned()),
            executor_prefix: property("spark.kubernetes.executor.podNamePrefix"),
            driver: property("spark.kubernetes.driver.pod.name"),
        }
    }

    /// The driver's pod, in cluster mode.
    #[must_use]
    pub fn driver_pod(&self) -> Option<PodName> {
        Some(PodName { namespace: self.namespace.clone(), name: self.driver.clone()? })
    }

    /// The pod of an executor; of the driver for the id `driver`.
    #[must_use]
    pub fn executor_pod(&self, executor_id: &str) -> Option<PodName> {
        if executor_id == "driver" {
            return self.driver_pod();
        }
        let name = format!("{}-exec-{executor_id}", self.executor_prefix.as_deref()?);
        Some(PodName { namespace: self.namespace.clone(), name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(properties: &[(&str, &str)]) -> ApplicationEnvironmentInfo {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        ApplicationEnvironmentInfo {
            spark_properties: properties.iter().map(owned).collect(),
            ..ApplicationEnvironmentInfo::default()
        }
    }

    #[test]
    fn pods_follow_from_properties() {
        let pods = Pods::of(Some(&environment(&[
            ("spark.kubernetes.namespace", "jobs"),
            ("spark.kubernetes.executor.podNamePrefix", "pi-1234"),
            ("spark.kubernetes.driver.pod.name", "pi-1234-driver"),
        ])));
        let name = |name: &str| Some(PodName { namespace: "jobs".into(), name: name.into() });
        assert_eq!(pods.executor_pod("7"), name("pi-1234-exec-7"));
        assert_eq!(pods.executor_pod("driver"), name("pi-1234-driver"));
        assert_eq!(Pods::of(Some(&environment(&[]))).executor_pod("7"), None);
        assert_eq!(Pods::of(None).driver_pod(), None);
    }
}
