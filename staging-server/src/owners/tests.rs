use super::*;
use crate::bundle::Bundle;
use crate::resources::{Owned, State};
use crate::status::Attributes;

fn driver(name: &str, text: &str) -> Driver {
    let labels = BTreeMap::from([("spark-role".to_owned(), "driver".to_owned()), ("app".to_owned(), name.to_owned())]);
    Driver { namespace: "etl".to_owned(), name: name.to_owned(), labels, texts: vec![text.to_owned()] }
}

fn resource() -> Resource {
    Resource::new(Attributes::folder(), State::Uploading, None)
}

#[test]
fn an_upload_is_owned_by_whoever_names_it_or_its_folder_or_has_its_labels() {
    let owners =
        Owners::of(vec![driver("pi", "x http://h/staging/etl/spark-upload-1/a.jar http://h/staging/etl/folder")]);
    let path = |text: &str| ObjectPath::parse(text).unwrap();
    let owner = |name: &str, resource: &Resource| owners.owner_of(&path(name), resource);
    assert_eq!(owner("etl/spark-upload-1/a.jar", &resource()), Some("etl/pi".to_owned()));
    assert_eq!(owner("etl/folder/deep/f", &resource()), Some("etl/pi".to_owned()));
    for other in ["etl/spark-upload-1/b.jar", "etl/folders", "etl", "other/folder/f"] {
        assert_eq!(owner(other, &resource()), None, "{other}");
    }
    let known = Resource { owned: Some(Owned { by: "etl/pi".to_owned(), gone: None }), ..resource() };
    assert_eq!(owner("etl/other", &known), Some("etl/pi".to_owned()));
    for (namespace, label, owned) in
        [("etl", Some("pi"), true), ("etl", Some("other"), false), ("x", Some("pi"), false), ("etl", None, false)]
    {
        let labels = label.map(|label| BTreeMap::from([("app".to_owned(), label.to_owned())])).unwrap_or_default();
        let owner_of = Owner { namespace: namespace.to_owned(), labels: Some(labels) };
        let bundle = Some(Bundle { owner: owner_of, secret_sha256: storage::Sha256Digest::of(b"") });
        let found = owner(".hearth-bundles/1", &Resource { bundle, ..resource() });
        assert_eq!(found.is_some(), owned, "{namespace} {label:?}");
    }
}

#[test]
fn what_a_driver_names_is_new_once() {
    let (mut known, first) = (HashSet::new(), driver("one", "/staging/etl/a"));
    let names = |owners: &Owners, known: &mut HashSet<String>| owners.news(known).len();
    // Its ConfigMap is not there yet.
    assert_eq!(names(&Owners::of(vec![driver("one", "")]), &mut known), 0);
    assert_eq!(names(&Owners::of(vec![first.clone()]), &mut known), 1);
    assert_eq!(names(&Owners::of(vec![first.clone(), driver("two", "/staging/etl/b")]), &mut known), 1);
    assert_eq!(names(&Owners::of(vec![first]), &mut known), 0);
    assert_eq!(names(&Owners::of(vec![driver("two", "/staging/etl/b")]), &mut known), 1);
}
