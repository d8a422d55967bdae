use super::*;

/// Grants by name, as a test writes them; asked as `unreachable` it cannot say.
struct List(&'static [(&'static str, &'static str)]);

#[async_trait]
impl Grants for List {
    async fn has(&self, who: &Identity, grant: &Grant) -> Result<bool, Denied> {
        if who.name == "unreachable" {
            return Err(Denied::Unavailable("the API server does not answer".to_owned()));
        }
        Ok(self.0.iter().any(|(name, held)| *name == who.name && *held == grant.to_string()))
    }
}

const DRIVER: &str = "system:serviceaccount:etl:spark";

fn rules() -> Rules {
    Rules::guarded(Arc::new(List(&[
        ("ann", "create pods in namespace etl"),
        ("ops", "create pods in all namespaces"),
        ("spark-history", "get pods/log in all namespaces"),
        (DRIVER, "create pods in namespace etl"),
    ])))
}

/// Who of all callers may.
async fn who_may(act: Act, path: &str) -> Vec<&'static str> {
    let mut may = Vec::new();
    for name in ["", "ann", "ops", "spark-history", DRIVER, "stranger"] {
        let caller = if name.is_empty() { Caller::Anonymous } else { Caller::named(name) };
        match rules().check(&caller, act, path).await {
            Ok(()) => may.push(name),
            Err(Denied::Unauthenticated(_)) => assert_eq!(name, ""),
            Err(Denied::Forbidden(text)) => assert!(text.starts_with(name) && !name.is_empty(), "{text}"),
            Err(other) => panic!("{other:?}"),
        }
    }
    may
}

const ALL: [&str; 6] = ["", "ann", "ops", "spark-history", DRIVER, "stranger"];
const UPLOAD: &str = "/staging/etl/spark-upload-0a1b2c3d-0000-4000-8000-00000000000f";

#[tokio::test]
async fn the_table_holds_for_every_kind_of_path_and_caller() {
    use Act::{List, Look, Read, Write};
    let file = format!("{UPLOAD}/main.jar");
    let every: [(&str, [&[&str]; 4]); 8] = [
        ("/", [&ALL, &["ops"], &ALL, &["ops"]]),
        ("/staging", [&ALL, &["ops"], &["ops"], &["ops"]]),
        ("/staging/etl", [&ALL, &["ann", DRIVER], &["ann", DRIVER], &["ann", DRIVER]]),
        (UPLOAD, [&ALL, &ALL, &ALL, &["ann", DRIVER]]),
        (&file, [&ALL, &ALL, &ALL, &["ann", DRIVER]]),
        ("/staging/etl/other.jar", [&["ann", DRIVER]; 4]),
        (
            "/event-logs/app-1",
            [&ALL[1..], &["ops", "spark-history", DRIVER], &["ops", "spark-history", DRIVER], &["ops", DRIVER]],
        ),
        ("/pod-templates/etl/driver.yaml", [&["ann", DRIVER]; 4]),
    ];
    for (path, who) in every {
        for (act, who) in [Look, Read, List, Write].into_iter().zip(who) {
            assert_eq!(who_may(act, path).await, who, "{act:?} {path}");
        }
    }
}

#[tokio::test]
async fn only_a_random_name_is_a_key() {
    for name in
        ["spark-upload-1", "spark-upload-", "spark-upload-0a1b2c3d-0000-4000-8000-00000000000f.bak", "spark-upload"]
    {
        let path = format!("/staging/etl/{name}/main.jar");
        assert_eq!(who_may(Act::Read, &path).await, ["ann", DRIVER], "{path}");
    }
    // A namespace of that name is a namespace.
    let path = UPLOAD.replace("/etl", "");
    assert!(who_may(Act::List, &path).await.is_empty());
}

#[test]
fn a_log_shows_no_key() {
    let path = format!("{UPLOAD}/main.jar");
    assert_eq!(masked(&path), "/staging/etl/spark-upload-0a1b2c3d-…/main.jar");
    assert_eq!(masked("/staging/etl/spark-upload-x/main.jar"), "/staging/etl/spark-upload-x/main.jar");
}

#[tokio::test]
async fn who_cannot_be_decided_about_may_not() {
    let asked = rules().check(&Caller::named("unreachable"), Act::Write, "/staging/etl/x").await;
    assert!(matches!(asked, Err(Denied::Unavailable(_))), "{asked:?}");
    assert_eq!(Rules::open().check(&Caller::Anonymous, Act::Write, "/staging/etl/x").await, Ok(()));
}
