use super::*;

fn of(role: Role) -> Use {
    Use { roles: vec![role], versions: Vec::new(), container: None }
}

fn both() -> Use {
    Use { roles: Vec::new(), versions: Vec::new(), container: None }
}

fn shown(text: &str, purpose: &Use) -> Vec<String> {
    check(text, purpose).iter().map(ToString::to_string).collect()
}

/// The finding at a place, without the place.
fn at<'a>(found: &'a [String], place: &str) -> Vec<&'a str> {
    found.iter().filter_map(|line| line.strip_prefix(place)?.strip_prefix(": ")).collect()
}

const TEMPLATE: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: mine
  labels: {team: data, spark-role: x}
spec:
  serviceAccountName: sa
  restartPolicy: Always
  terminationGracePeriodSeconds: 5
  nodeSelector:
    disk: ssd
  containers:
  - name: spark
    image: other
    args: [\"x\"]
    resources:
      requests: {cpu: 2, memory: 1Gi}
    env:
    - {name: SPARK_USER, value: me}
  - name: sidecar
    image: envoy
  volumes:
  - name: pod-template-volume
    emptyDir: {}
";

#[test]
fn what_spark_replaces_is_said_where_it_stands() {
    let found = shown(TEMPLATE, &of(Role::Driver));
    assert!(
        at(&found, "4:3")[0]
            .starts_with("warning: metadata.name: Spark replaces it by spark.kubernetes.driver.pod.name")
    );
    assert_eq!(at(&found, "5:24"), ["warning: metadata.labels.spark-role: Spark sets this label itself"]);
    assert_eq!(at(&found, "8:3"), ["warning: spec.restartPolicy: Spark replaces it by Never"]);
    assert!(
        at(&found, "14:5")[0]
            .contains("spec.containers[0].image: Spark replaces it by spark.kubernetes.driver.container.image")
    );
    assert!(at(&found, "15:5")[0].contains("behind them"));
    assert!(
        at(&found, "17:18")[0].contains("requests.cpu: Spark replaces it by spark.kubernetes.driver.request.cores")
    );
    assert!(at(&found, "19:7")[0].contains("Spark sets SPARK_USER itself"));
    assert!(at(&found, "23:5")[0].starts_with("error: spec.volumes[0].name: Spark adds a volume of this name"));
    assert!(found.iter().all(|line| !line.contains("containers[1]")), "others are left alone: {found:#?}");
    assert!(found.iter().all(|line| !line.contains("terminationGracePeriodSeconds")), "{found:#?}");
}

#[test]
fn it_depends_on_the_role_and_the_version() {
    let of_version = |text: &str| Use { versions: vec![text.parse().unwrap()], ..of(Role::Executor) };
    let grace =
        |purpose: &Use| shown(TEMPLATE, purpose).iter().any(|line| line.contains("terminationGracePeriodSeconds"));
    assert!(!grace(&of_version("4.0")) && grace(&of_version("4.1.1")) && grace(&of_version("4.3")));
    let found = shown(TEMPLATE, &both());
    let lines = at(&found, "9:3");
    assert!(lines[0].contains("in executor pods, from 4.1 on, Spark replaces it"), "{lines:?}");
    let account =
        |purpose: &Use| shown(TEMPLATE, purpose).iter().any(|line| line.contains("unless spec.serviceAccount"));
    assert!(!account(&of_version("3.0")) && account(&of_version("3.1")) && !account(&of(Role::Driver)));
    assert!("2.4".parse::<Version>().unwrap_err().contains("3.0, 3.1"));
}

#[test]
fn another_container_can_be_sparks() {
    let purpose = Use { container: Some("sidecar".to_owned()), ..of(Role::Driver) };
    let found = shown(TEMPLATE, &purpose);
    assert!(at(&found, "21:5")[0].contains("spec.containers[1].image: Spark replaces it"));
    assert_eq!(at(&found, "14:5"), [] as [&str; 0]);
    let purpose = Use { container: Some("none".to_owned()), ..of(Role::Driver) };
    assert!(shown(TEMPLATE, &purpose).iter().any(|line| line.contains("no container is called none")));
}

#[test]
fn what_kubernetes_does_not_know_is_told_with_line_and_column() {
    let text = "\
apiVersion: v1
kind: Pod
spec:
  tolerations:
  - key: a
    operater: Exists
  hostnetwork: true
  containers:
  - image: [x]
    ports:
    - containerPort: eighty
  priority: high
  nonsense: 1
";
    let found = shown(text, &both());
    assert_eq!(
        at(&found, "6:5"),
        ["error: spec.tolerations[0].operater: Kubernetes knows no such field and drops it; is it operator?"]
    );
    assert_eq!(
        at(&found, "7:3"),
        ["error: spec.hostnetwork: Kubernetes knows no such field and drops it; is it hostNetwork?"]
    );
    assert!(at(&found, "9:12")[0].starts_with("error: spec.containers[0].image: invalid type: sequence"), "{found:#?}");
    assert!(
        at(&found, "11:22")[0].starts_with("error: spec.containers[0].ports[0].containerPort: invalid type"),
        "{found:#?}"
    );
    assert!(at(&found, "12:13")[0].starts_with("error: spec.priority: invalid type"), "{found:#?}");
    assert_eq!(at(&found, "13:3"), ["error: spec.nonsense: Kubernetes knows no such field and drops it"]);
}

#[test]
fn what_is_no_template_is_told() {
    for (text, says) in [
        ("", "1:1: error: there is nothing in it"),
        ("a: [1\nb: 2", "this is no YAML"),
        ("kind: Pod\nkind: Pod\n", "2:1: error: \"kind\" is here for the second time"),
        ("apiVersion: v1\nkind: Pod\n---\nkind: Pod\n", "4:1: error: a second document"),
        ("apiVersion: apps/v1\nkind: Deployment\n", "1:13: error: apiVersion: a pod template has apiVersion: v1"),
        ("apiVersion: v1\nkind: Pod\nspec: 3\n", "3:7: error: spec: invalid type"),
        ("[]", "invalid type: sequence"),
        ("? {a: b}\n: c", "a name is expected here"),
    ] {
        let found = shown(text, &both());
        assert!(found.iter().any(|line| line.contains(says)), "{text:?}: {found:#?}");
    }
    let bomb = (1..9).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
        let m = n - 1;
        format!("{text}a{n}: &a{n} [*a{m}, *a{m}, *a{m}, *a{m}, *a{m}, *a{m}, *a{m}, *a{m}, *a{m}]\n")
    });
    assert!(shown(&bomb, &both())[0].contains("larger than any template"));
}

fn fetch() -> Fetch {
    Fetch {
        image: "hearth:1".to_owned(),
        folder: "/opt/artifacts".to_owned(),
        arguments: vec!["s3://bucket/a.jar".to_owned()],
        secrets: vec!["s3-credentials".to_owned()],
        container: None,
    }
}

#[test]
fn a_rendered_template_has_the_fetcher_once_and_is_a_pod() {
    let rendered = render(TEMPLATE, &fetch()).unwrap();
    assert_eq!(render(&rendered, &fetch()).unwrap(), rendered, "rendering again changes nothing");
    let errors = |text: &str| check(text, &both()).into_iter().filter(|f| f.severity == Severity::Error).count();
    assert_eq!(errors(&rendered), errors(TEMPLATE), "{rendered}");
    let pod: serde_json::Value = serde_saphyr::from_str(&rendered).unwrap();
    let spec = &pod["spec"];
    assert_eq!(
        spec["initContainers"][0]["args"],
        serde_json::json!(["fetch", "--to", "/opt/artifacts", "s3://bucket/a.jar"])
    );
    assert_eq!(spec["initContainers"][0]["envFrom"][0]["secretRef"]["name"], "s3-credentials");
    assert_eq!(spec["containers"][0]["volumeMounts"][0]["mountPath"], "/opt/artifacts");
    assert_eq!(spec["containers"][1]["volumeMounts"], serde_json::Value::Null);
    assert_eq!(spec["volumes"][1]["name"], "hearth-artifacts");
    assert_eq!(spec["containers"][0]["env"][0]["value"], "me", "what was there is still there");
    assert_eq!(spec["nodeSelector"]["disk"], "ssd");
}

#[test]
fn a_template_can_be_made_from_nothing() {
    let rendered = render("", &fetch()).unwrap();
    assert_eq!(check(&rendered, &both()).iter().filter(|f| f.severity > Severity::Note).count(), 0, "{rendered}");
    assert!(rendered.starts_with("apiVersion: v1\nkind: Pod\nspec:\n"), "{rendered}");
    assert!(render("- a", &fetch()).is_err());
}
