//! The names that Spark gives to pods and containers, from 2.4 to 4.3: `<prefix>-exec-<n>` with a container
//! `spark-kubernetes-executor`, `<name>-driver` with `spark-kubernetes-driver`.

const DRIVER: &str = "driver";

/// `driver`, the executor's number, or nothing known of it but that it is Spark's (the pod's own name then).
pub(crate) fn executor(pod: &str, container: &str) -> Option<String> {
    let number = pod.rsplit_once("-exec-").map(|(_, number)| number);
    let number = number.filter(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    match (number, container) {
        (Some(number), _) => Some(number.to_owned()),
        (None, "spark-kubernetes-driver") => Some(DRIVER.to_owned()),
        (None, "spark-kubernetes-executor") => Some(pod.to_owned()),
        (None, _) => pod.ends_with("-driver").then(|| DRIVER.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::executor;

    #[test]
    fn spark_s_pods_are_known_by_their_names() {
        let known = |pod, container| executor(pod, container);
        assert_eq!(known("pi-7f3a-exec-12", "spark-kubernetes-executor").as_deref(), Some("12"));
        assert_eq!(known("pi-7f3a-exec-12", "proxy").as_deref(), Some("12"));
        assert_eq!(known("pi-7f3a-driver", "spark-kubernetes-driver").as_deref(), Some("driver"));
        assert_eq!(known("pi-7f3a-driver", "fetch").as_deref(), Some("driver"));
        assert_eq!(known("my-job", "spark-kubernetes-driver").as_deref(), Some("driver"));
        assert_eq!(known("my-exec-one", "spark-kubernetes-executor").as_deref(), Some("my-exec-one"));
        for (pod, container) in [("coredns-66f779496c-k2x7d", "coredns"), ("a-exec-", "b"), ("driver", "driver")] {
            assert_eq!(known(pod, container), None);
        }
    }
}
