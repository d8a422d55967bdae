//! Every request of every operation fails, one after the other, or is done and its answer lost: what was answered well holds, what
//! was not is as before or as wanted, and whoever asks again gets on.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use staging_server::Config;
use storage::{Failure, Faults, Store};

use crate::client::{Answer, Server};

/// What lies below a path: of a file its content, owner and permission, of a folder its permission.
type View = BTreeMap<String, String>;

async fn view(server: &Server, path: &str, seen: &mut View) {
    let status = server.get(path, "GETFILESTATUS").await;
    if status.status == StatusCode::NOT_FOUND {
        return;
    }
    let status = status.json()["FileStatus"].clone();
    let about = format!("{} {} {}", status["type"], status["permission"], status["owner"]);
    if status["type"] == "FILE" {
        let content = server.read(path).await;
        seen.insert(path.to_owned(), format!("{about} {}", String::from_utf8_lossy(&content)));
        return;
    }
    seen.insert(path.to_owned(), about);
    for name in server.names(path).await {
        Box::pin(view(server, &format!("{path}/{}", name.trim_end_matches('/')), seen)).await;
    }
}

/// An operation on what [`prepared`] has made.
struct Operation {
    method: &'static str,
    path: &'static str,
    op: &'static str,
    body: &'static str,
    /// Whether it is several things to the store, each of which is done or not: a folder with all in it, several files.
    in_parts: bool,
}

const fn operation(method: &'static str, path: &'static str, op: &'static str) -> Operation {
    Operation { method, path, op, body: "", in_parts: false }
}

const fn in_parts(method: &'static str, path: &'static str, op: &'static str) -> Operation {
    Operation { method, path, op, body: "", in_parts: true }
}

const fn with_body(method: &'static str, path: &'static str, op: &'static str) -> Operation {
    Operation { method, path, op, body: " and more", in_parts: false }
}

impl Operation {
    async fn run(&self, server: &Server) -> Answer {
        match self.body {
            "" => self.ask(server).await,
            body => server.write(self.method, self.path, self.op, body).await,
        }
    }

    async fn ask(&self, server: &Server) -> Answer {
        server.ask(self.method, &format!("/webhdfs/v1{}?op={}", self.path, self.op), &[], Body::empty()).await
    }
}

async fn prepared() -> Store {
    let store = Store::in_memory();
    let server = Server::over(store.clone(), Config::default());
    for (path, content) in [("d/f", "first"), ("d/g", "second"), ("e/deep/h", "third"), ("alone/f", "fourth")] {
        server.create(&format!("/staging/ns/{path}"), content).await;
    }
    server.put("/staging/ns/empty", "MKDIRS").await;
    store
}

async fn seen_in(store: &Store) -> View {
    let mut seen = View::new();
    view(&Server::over(store.clone(), Config::default()), "/staging/ns", &mut seen).await;
    seen
}

const CHANGES: [Operation; 20] = [
    with_body("PUT", "/staging/ns/d/new", "CREATE"),
    with_body("PUT", "/staging/ns/d/f", "CREATE&overwrite=true"),
    Operation { in_parts: true, ..with_body("PUT", "/staging/ns/x/y/new", "CREATE") },
    with_body("POST", "/staging/ns/d/f", "APPEND"),
    operation("PUT", "/staging/ns/d/f", "RENAME&destination=/staging/ns/d/i"),
    operation("PUT", "/staging/ns/alone/f", "RENAME&destination=/staging/ns/d/i"),
    operation("PUT", "/staging/ns/d/f", "RENAME&destination=/staging/ns/empty"),
    operation("PUT", "/staging/ns/d/f", "RENAME&renameoptions=NONE&destination=/staging/ns/d/i"),
    operation("PUT", "/staging/ns/d/f", "RENAME&renameoptions=OVERWRITE&destination=/staging/ns/d/g"),
    operation("DELETE", "/staging/ns/d/f", "DELETE"),
    operation("DELETE", "/staging/ns/alone/f", "DELETE"),
    operation("DELETE", "/staging/ns/empty", "DELETE"),
    operation("POST", "/staging/ns/d/f", "TRUNCATE&newlength=2"),
    operation("PUT", "/staging/ns/d/f", "SETPERMISSION&permission=600"),
    operation("PUT", "/staging/ns/d/f", "SETOWNER&owner=bob"),
    operation("PUT", "/staging/ns/d", "SETPERMISSION&permission=700"),
    in_parts("PUT", "/staging/ns/a/b/c", "MKDIRS"),
    in_parts("PUT", "/staging/ns/e", "RENAME&destination=/staging/ns/i"),
    in_parts("DELETE", "/staging/ns/e", "DELETE&recursive=true"),
    in_parts("POST", "/staging/ns/d/f", "CONCAT&sources=/staging/ns/d/g"),
];

/// Each thing is as it was or as it is to be, or is on its way: a file under both names, or a folder that is made or left.
fn is_part_of_the_way(now: &View, old: &View, new: &View) -> bool {
    // A folder that loses its mark before the things in it is still one.
    let is_as = |view: &View, path: &String, about: &String| match about.contains("FILE") {
        true => view.get(path) == Some(about),
        false => view.get(path).is_some_and(|about| about.contains("DIRECTORY")),
    };
    let fits = |(path, about): (&String, &String)| is_as(old, path, about) || is_as(new, path, about);
    let is_whole =
        |(path, _): (&String, &String)| now.contains_key(path) || !old.contains_key(path) || !new.contains_key(path);
    let contents = |view: &View| -> Vec<String> {
        let files = view.values().filter_map(|about| about.strip_prefix("\"FILE\" "));
        files.map(ToOwned::to_owned).collect()
    };
    // What is to stay somewhere is somewhere.
    let kept = contents(new).into_iter().filter(|content| contents(old).contains(content));
    now.iter().all(fits) && old.iter().all(is_whole) && kept.into_iter().all(|content| contents(now).contains(&content))
}

#[tokio::test]
async fn every_request_of_every_change_may_fail() {
    fail_each_request(Failure::Refused).await;
}

#[tokio::test]
async fn every_answer_to_every_change_may_be_lost() {
    fail_each_request(Failure::AnswerLost).await;
}

async fn fail_each_request(how: Failure) {
    for operation in &CHANGES {
        let old = seen_in(&prepared().await).await;
        let store = prepared().await;
        let done = operation.run(&Server::over(store.clone(), Config::default())).await;
        assert!(done.status.is_success(), "{} {}: {:?}", operation.path, operation.op, done.body);
        let new = seen_in(&store).await;
        assert!(old != new, "{} changes nothing", operation.op);
        let mut failed = 0;
        for number in 0.. {
            let (store, faults) = (prepared().await, Arc::new(Faults::default()));
            let server = Server::over(store.with_faults(&faults), Config::default());
            faults.fail_after(number, how);
            let answer = operation.run(&server).await;
            let is_over = faults.requests() <= number;
            let now = seen_in(&store).await;
            let what =
                format!("{} {} {how:?} {number}: {} {:?}", operation.path, operation.op, answer.status, answer.body);
            // The older rename, which says no by an answer.
            let is_no = answer.body == r#"{"boolean":false}"#;
            if answer.status.is_success() && !is_no {
                assert_eq!(now, new, "{what}");
            } else {
                failed += 1;
                assert!(answer.status.is_server_error(), "{what}");
                let is_whole = now == old || now == new;
                assert!(is_whole || operation.in_parts && is_part_of_the_way(&now, &old, &new), "{what}\n{now:#?}");
                // A second time, part of a folder would be moved into the folder that has the other part.
                let is_repeatable =
                    !operation.in_parts || !["CONCAT", "RENAME"].iter().any(|op| operation.op.starts_with(op));
                if now == old || now != new && is_repeatable {
                    let again = operation.run(&Server::over(store.clone(), Config::default())).await;
                    assert_eq!(seen_in(&store).await, new, "{what}, then {:?}", again.body);
                }
            }
            if !answer.status.is_success() {
                is_nothing_stuck(&store, &what).await;
            }
            if is_over {
                break;
            }
        }
        assert!(failed > 1, "{}", operation.op);
    }
}

/// A server that dies in the middle of a rename leaves the file at both names; whoever asks again gets on.
#[tokio::test]
async fn a_rename_whose_server_died_is_ended_by_whoever_asks_again() {
    for operation in CHANGES.iter().filter(|operation| operation.op.starts_with("RENAME") && !operation.in_parts) {
        let store = prepared().await;
        operation.run(&Server::over(store.clone(), Config::default())).await;
        let new = seen_in(&store).await;
        for number in 0.. {
            let (store, faults) = (prepared().await, Arc::new(Faults::default()));
            let dying = Server::over(store.with_faults(&faults), Config::default());
            faults.fail_after(number, Failure::Hangs);
            let hung = async {
                while faults.requests() <= number {
                    tokio::task::yield_now().await;
                }
            };
            let answer = tokio::select! {
                answer = operation.run(&dying) => Some(answer),
                () = hung => None,
            };
            // Of a folder that has lost its last file, nothing may be left.
            let files = |view: View| view.into_iter().filter(|(_, about)| about.contains("FILE")).collect::<View>();
            let what = format!("{} {} {number}", operation.path, operation.op);
            if files(seen_in(&store).await) != files(new.clone()) {
                let again = operation.run(&Server::over(store.clone(), Config::default())).await;
                assert!(again.status.is_success() && again.body != r#"{"boolean":false}"#, "{what}: {:?}", again.body);
            }
            assert_eq!(files(seen_in(&store).await), files(new.clone()), "{what}");
            if answer.is_some() {
                break;
            }
        }
    }
}

/// Every name can be written, moved and removed.
async fn is_nothing_stuck(store: &Store, what: &str) {
    let server = Server::over(store.clone(), Config::default());
    for name in ["d/f", "d/i"] {
        let path = format!("/staging/ns/{name}");
        assert_eq!(server.create(&path, "again").await.status, StatusCode::CREATED, "{what}: {name}");
        assert_eq!(server.read(&path).await, "again", "{what}: {name}");
        let moved = server.put(&path, "RENAME&destination=/staging/ns/moved").await;
        assert_eq!(moved.body, r#"{"boolean":true}"#, "{what}: {name}");
        let removed = server.delete("/staging/ns/moved", "DELETE").await;
        assert_eq!(removed.body, r#"{"boolean":true}"#, "{what}: {name}");
    }
}

/// A store that fails is told as that, and never as something that is not there.
#[tokio::test]
async fn every_request_of_every_look_may_fail() {
    for (path, op) in [
        ("/staging/ns/d/f", "OPEN"),
        ("/staging/ns/d/f", "GETFILESTATUS"),
        ("/staging/ns/d", "GETFILESTATUS"),
        ("/staging/ns/d/missing", "GETFILESTATUS"),
        ("/staging/ns", "LISTSTATUS"),
        ("/staging/ns", "LISTSTATUS_BATCH"),
        ("/staging/ns", "GETCONTENTSUMMARY"),
        ("/staging/ns/d/f", "CHECKACCESS&fsaction=r--"),
        ("/staging/ns/d/f", "GETFILEBLOCKLOCATIONS"),
    ] {
        let right = Server::over(prepared().await, Config::default()).get(path, op).await;
        let counted = |answer: &Answer| answer.body.len();
        for how in [Failure::Refused, Failure::AnswerLost] {
            let mut failed = 0;
            for number in 0.. {
                let (store, faults) = (prepared().await, Arc::new(Faults::default()));
                faults.fail_after(number, how);
                let answer = Server::over(store.with_faults(&faults), Config::default()).get(path, op).await;
                let is_right = answer.status == right.status && counted(&answer) == counted(&right);
                let what = format!("{path} {op} {how:?} {number}: {} {:?}", answer.status, answer.body);
                assert!(is_right || answer.status == StatusCode::SERVICE_UNAVAILABLE, "{what}");
                failed += u32::from(!is_right);
                if faults.requests() <= number {
                    break;
                }
            }
            assert!(failed > 0, "{path} {op}: nothing failed");
        }
    }
}
