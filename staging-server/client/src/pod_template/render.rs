//! Adds to a template what brings artifacts before Spark starts.

use super::document::{Node, Value};
use super::finding::{Finding, Severity};
use super::spark::find_container;

const CONTAINER: &str = "hearth-fetch";
const VOLUME: &str = "hearth-artifacts";

/// What is to be fetched, by what, and where to.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The image that has `hearth` as its entry point.
    pub image: String,
    /// Where the volume with the artifacts is mounted, for the fetcher and for Spark.
    pub folder: String,
    /// Arguments of `hearth fetch`, but for the folder.
    pub arguments: Vec<String>,
    /// Names of Secrets whose keys the fetcher has in its environment, such as credentials of a store.
    pub secrets: Vec<String>,
    /// The container that Spark runs in; the first one when it is not given.
    pub container: Option<String>,
}

/// The template with an init container that fetches, a volume that it fetches to, and that volume mounted where Spark
/// runs. What an earlier rendering added is replaced. An empty text is a template that has nothing else.
///
/// # Errors
/// Why the text is no template.
pub fn render(text: &str, fetch: &Fetch) -> Result<String, Finding> {
    let mut template = if text.trim().is_empty() {
        Node::map([("apiVersion", Node::text("v1")), ("kind", Node::text("Pod"))])
    } else {
        Node::parse(text)?
    };
    if !matches!(template.value, Value::Map(_)) {
        let message = "a template is a Pod: a map with apiVersion, kind, metadata and spec".to_owned();
        return Err(Finding { place: template.place, field: String::new(), severity: Severity::Error, message });
    }
    let spec = template.entry("spec", Value::Map(Vec::new()));
    put(
        spec.entry("volumes", Value::List(Vec::new())),
        Node::map([("name", Node::text(VOLUME)), ("emptyDir", Node::map([]))]),
    );
    put(spec.entry("initContainers", Value::List(Vec::new())), init_container(fetch));
    if spec.entry("containers", Value::List(Vec::new())).items().is_empty() {
        // Without one, Spark makes a container of its own, which could not be given the mount.
        let name = fetch.container.clone().unwrap_or_else(|| "spark".to_owned());
        put(spec.entry("containers", Value::List(Vec::new())), Node::map([("name", Node::text(name))]));
    }
    let index = find_container(&template, fetch.container.as_deref()).unwrap_or_default();
    let containers = template.entry("spec", Value::Map(Vec::new())).entry("containers", Value::List(Vec::new()));
    if let Value::List(items) = &mut containers.value
        && let Some(container) = items.get_mut(index)
    {
        put(container.entry("volumeMounts", Value::List(Vec::new())), mount(&fetch.folder));
    }
    crate::yaml(&template).map_err(|error| Finding {
        place: template.place,
        field: String::new(),
        severity: Severity::Error,
        message: error.to_string(),
    })
}

/// Puts an element of a list that Kubernetes tells apart by name: in place of the one of that name, or behind the others.
fn put(list: &mut Node, element: Node) {
    if !matches!(list.value, Value::List(_)) {
        list.value = Value::List(Vec::new());
    }
    let Value::List(items) = &mut list.value else { return };
    let name = element.get("name").cloned();
    match items.iter_mut().find(|item| item.get("name").map(|n| &n.value) == name.as_ref().map(|n| &n.value)) {
        Some(item) => *item = element,
        None => items.push(element),
    }
}

fn mount(folder: &str) -> Node {
    Node::map([("name", Node::text(VOLUME)), ("mountPath", Node::text(folder))])
}

fn init_container(fetch: &Fetch) -> Node {
    let arguments =
        ["fetch", "--to", &fetch.folder].into_iter().map(str::to_owned).chain(fetch.arguments.iter().cloned());
    let quantity = |cpu: &str, memory: &str| Node::map([("cpu", Node::text(cpu)), ("memory", Node::text(memory))]);
    let mut container = Node::map([
        ("name", Node::text(CONTAINER)),
        ("image", Node::text(&fetch.image)),
        ("args", Node::list(arguments.map(Node::text))),
        ("volumeMounts", Node::list([mount(&fetch.folder)])),
        // It takes no more than 64 MiB, whatever it fetches; the rest is for the kernel's own buffers.
        ("resources", Node::map([("requests", quantity("100m", "64Mi")), ("limits", quantity("2", "128Mi"))])),
        (
            "securityContext",
            Node::map([
                ("allowPrivilegeEscalation", Node::new(Value::Bool(false))),
                ("capabilities", Node::map([("drop", Node::list([Node::text("ALL")]))])),
            ]),
        ),
    ]);
    if !fetch.secrets.is_empty() {
        let secret = |name: &String| Node::map([("secretRef", Node::map([("name", Node::text(name))]))]);
        *container.entry("envFrom", Value::Null) = Node::list(fetch.secrets.iter().map(secret));
    }
    container
}
