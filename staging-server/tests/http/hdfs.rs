//! What HDFS answers, answered alike: `request | status and exception, or body`.

use axum::body::Body;
use serde_json::Value;

use crate::client::Server;

/// Asks for `METHOD path?query`, follows a redirect with `data` as clients do, and tells the end in few words.
async fn told(server: &Server, request: &str, data: &'static str) -> String {
    let (method, target) = request.split_once(' ').unwrap();
    let target = match target.split_once('?') {
        Some((path, query)) => format!("/webhdfs/v1/staging/ns/{path}?{query}"),
        None => format!("/webhdfs/v1/staging/ns/{target}"),
    };
    let user = if target.contains("user.name") { "" } else { "&user.name=alice" };
    let target = format!("{target}{user}").replace("{d}", "/staging/ns");
    let mut answer = server.ask(method, &target, &[], Body::empty()).await;
    if answer.status == 307 {
        let there =
            answer.headers["location"].to_str().unwrap().strip_prefix("http://hearth:10000").unwrap().to_owned();
        answer = server.ask(method, &there, &[], data).await;
    }
    let body: Value = match serde_json::from_slice(&answer.body) {
        Ok(body) => body,
        Err(_) => {
            return format!("{} {}", answer.status.as_u16(), String::from_utf8_lossy(&answer.body)).trim().to_owned();
        }
    };
    let status = |status: &Value| {
        let [kind, owner, permission] =
            ["type", "owner", "permission"].map(|key| status[key].as_str().unwrap().to_owned());
        format!(
            "{}{} {owner} {permission} {}",
            status["pathSuffix"].as_str().unwrap(),
            kind.to_lowercase(),
            status["length"]
        )
    };
    let text = if let Some(name) = body["RemoteException"]["exception"].as_str() {
        assert!(!body["RemoteException"]["message"].as_str().unwrap().is_empty());
        name.to_owned()
    } else if body["FileStatus"].is_object() {
        status(&body["FileStatus"])
    } else if let Some(all) = body["FileStatuses"]["FileStatus"].as_array() {
        all.iter().map(|one| one["pathSuffix"].as_str().unwrap()).collect::<Vec<_>>().join(",")
    } else if body["boolean"].is_boolean() {
        body["boolean"].to_string()
    } else {
        body.to_string()
    };
    format!("{} {text}", answer.status.as_u16()).trim().to_owned()
}

/// Each case begins with an empty namespace; in it, a line is a request, what is sent, and what comes.
async fn check(cases: &[&[(&str, &'static str, &str)]]) {
    for case in cases {
        let server = Server::new();
        for (request, data, expected) in *case {
            let got = told(&server, request, data).await;
            assert_eq!(&got, expected, "{request} in {case:#?}");
        }
    }
}

#[tokio::test]
async fn create_with_flags() {
    check(&[
        &[
            ("PUT f?op=CREATE&createflag=overwrite", "new", "404 FileNotFoundException"),
            ("GET f?op=OPEN", "", "404 FileNotFoundException"),
        ],
        &[("PUT f?op=CREATE&createflag=append", "new", "404 FileNotFoundException")],
        &[("PUT f?op=CREATE&createflag=create,nonsense", "new", "400 IllegalArgumentException")],
        &[
            ("PUT f?op=CREATE&createflag=create", "old", "201"),
            ("PUT f?op=CREATE&createflag=create", "new", "403 FileAlreadyExistsException"),
            ("PUT f?op=CREATE&createflag=append", "new", "403 FileAlreadyExistsException"),
            ("GET f?op=OPEN", "", "200 old"),
            ("PUT f?op=CREATE&createflag=overwrite", "new", "201"),
            ("PUT f?op=CREATE&createflag=create&overwrite=true", "newer", "201"),
            ("GET f?op=OPEN", "", "200 newer"),
        ],
    ])
    .await;
}

#[tokio::test]
async fn create_makes_the_folders_above_it_or_does_not() {
    check(&[
        &[
            ("PUT a/f?op=CREATE&createparent=false", "x", "404 FileNotFoundException"),
            ("GET a?op=GETFILESTATUS", "", "404 FileNotFoundException"),
            ("PUT a/f?op=CREATE&createparent=maybe", "x", "400 IllegalArgumentException"),
            ("PUT a?op=MKDIRS", "", "200 true"),
            ("PUT a/f?op=CREATE&createparent=false", "x", "201"),
        ],
        &[
            ("PUT a?op=MKDIRS&permission=777", "", "200 true"),
            ("PUT a/b/c/f?op=CREATE&permission=600&user.name=bob", "x", "201"),
            ("GET a?op=GETFILESTATUS", "", "200 directory alice 777 0"),
            ("GET a/b?op=GETFILESTATUS", "", "200 directory bob 777 0"),
            ("GET a/b/c?op=GETFILESTATUS", "", "200 directory bob 777 0"),
            ("GET a/b/c/f?op=GETFILESTATUS", "", "200 file bob 600 1"),
        ],
        &[
            ("PUT a/b?op=MKDIRS&permission=700", "", "200 true"),
            ("GET a?op=GETFILESTATUS", "", "200 directory alice 700 0"),
        ],
    ])
    .await;
}

#[tokio::test]
async fn values_are_read_as_hdfs_reads_them() {
    check(&[&[
        ("PUT f?op=CREATE&permission=%2B755", "hello", "201"),
        ("GET f?op=GETFILESTATUS", "", "200 file alice 755 5"),
        ("PUT f?op=CREATE&overwrite=true&permission=1777", "hello", "201"),
        ("GET f?op=GETFILESTATUS", "", "200 file alice 777 5"),
        ("PUT f?op=SETPERMISSION&permission=0640", "", "200"),
        ("GET f?op=GETFILESTATUS", "", "200 file alice 640 5"),
        ("PUT f?op=SETPERMISSION", "", "200"),
        ("GET f?op=GETFILESTATUS", "", "200 file alice 755 5"),
        ("PUT f?op=SETPERMISSION&permission=2000", "", "400 IllegalArgumentException"),
        ("PUT f?op=SETOWNER", "", "400 IllegalArgumentException"),
        ("PUT f?op=SETTIMES&modificationtime=-2", "", "400 IllegalArgumentException"),
        ("PUT f?op=SETREPLICATION&replication=-1", "", "400 IllegalArgumentException"),
        ("PUT x?op=SETREPLICATION&replication=2", "", "200 false"),
        ("PUT f?op=SETREPLICATION&replication=2", "", "200 true"),
        ("PUT g?op=CREATE&replication=0", "", "400 IllegalArgumentException"),
        ("PUT g?op=CREATE&blocksize=0", "", "400 IllegalArgumentException"),
        ("PUT g?op=CREATE&buffersize=0", "", "400 IllegalArgumentException"),
        ("PUT g?op=CREATE&unmaskedpermission=abc", "", "400 IllegalArgumentException"),
        ("GET f?op=GETFILESTATUS&offset=abc", "", "400 IllegalArgumentException"),
        ("GET f?op=OPEN&length=null", "", "200 hello"),
        ("GET f?op=OPEN&offset=9223372036854775808", "", "400 IllegalArgumentException"),
        ("GET f?op=OPEN&offset=6", "", "403 IOException"),
        ("GET f?op=CHECKACCESS&fsaction=r--", "", "200"),
        ("GET f?op=CHECKACCESS", "", "400 IllegalArgumentException"),
        ("GET f?op=CHECKACCESS&fsaction=RWX", "", "400 IllegalArgumentException"),
        ("GET f?op=GETFILESTATUS&user.name=1bob", "", "400 IllegalArgumentException"),
        ("GET f?op=GETFILESTATUS&user.name=a%20b", "", "400 IllegalArgumentException"),
        ("GET f?op=GETFILESTATUS&user.name=bob$", "", "200 file alice 755 5"),
        ("GET f?op=NULL", "", "400 UnsupportedOperationException"),
        ("DELETE f?op=OPEN", "", "400 IllegalArgumentException"),
        ("PUT nobodys?op=CREATE&user.name=", "x", "201"),
        ("GET nobodys?op=GETFILESTATUS", "", "200 file dr.who 644 1"),
    ]])
    .await;
}

#[tokio::test]
async fn the_older_rename_says_yes_or_no() {
    check(&[&[
        ("PUT x?op=RENAME&destination={d}/y", "", "200 false"),
        ("PUT f?op=CREATE", "1", "201"),
        ("PUT g?op=CREATE", "2", "201"),
        ("PUT f?op=RENAME&destination={d}/g", "", "200 false"),
        ("PUT f?op=RENAME&destination={d}/f", "", "200 true"),
        ("PUT f?op=RENAME&destination={d}/a/b", "", "200 false"),
        ("PUT f?op=RENAME&destination={d}/g/h", "", "403 ParentNotDirectoryException"),
        ("PUT f?op=RENAME&destination=g", "", "400 IllegalArgumentException"),
        ("PUT f?op=RENAME&destination={d}/a:b", "", "400 InvalidPathException"),
        ("PUT a?op=MKDIRS", "", "200 true"),
        ("PUT a?op=RENAME&destination={d}/a", "", "200 false"),
        ("PUT a?op=RENAME&destination={d}/a/b", "", "200 false"),
        ("PUT a?op=RENAME&destination={d}/g", "", "200 false"),
        ("PUT f?op=RENAME&destination={d}/a", "", "200 true"),
        ("GET a/f?op=OPEN", "", "200 1"),
        ("PUT f?op=CREATE", "3", "201"),
        ("PUT f?op=RENAME&destination={d}/a", "", "200 false"),
        ("PUT f?op=RENAME&destination={d}//a/../h", "", "200 true"),
        ("GET h?op=OPEN", "", "200 3"),
    ]])
    .await;
}

#[tokio::test]
async fn the_newer_rename_says_what_stands_against_it() {
    for option in ["NONE", "overwrite", "TO_TRASH"] {
        let (replaced, kept) = match option {
            "overwrite" => ("200", "200 1"),
            _ => ("403 FileAlreadyExistsException", "200 2"),
        };
        let to = |from: &str, to: &str| format!("PUT {from}?op=RENAME&renameoptions={option}&destination={to}");
        let server = Server::new();
        for (request, data, expected) in [
            (to("x", "{d}/y"), "", "404 FileNotFoundException"),
            ("PUT f?op=CREATE".to_owned(), "1", "201"),
            ("PUT a/x?op=CREATE".to_owned(), "x", "201"),
            ("PUT b?op=MKDIRS".to_owned(), "", "200 true"),
            ("PUT c/y?op=CREATE".to_owned(), "y", "201"),
            (to("f", "{d}/b"), "", "403 IOException"),
            (to("a", "{d}/f"), "", "403 IOException"),
            (to("a", "{d}/a/z"), "", "403 IOException"),
            (to("a", "{d}/a"), "", "403 FileAlreadyExistsException"),
            (to("f", "/"), "", "403 IOException"),
            (to("f", "{d}/n/o"), "", "404 FileNotFoundException"),
            (to("f", "{d}/f/o"), "", "403 IOException"),
            (
                to("a", "{d}/c"),
                "",
                if option == "overwrite" { "403 IOException" } else { "403 FileAlreadyExistsException" },
            ),
            (to("a", "{d}/b"), "", replaced),
            ("PUT g?op=CREATE".to_owned(), "2", "201"),
            (to("f", "{d}/g"), "", replaced),
            ("GET g?op=OPEN".to_owned(), "", kept),
        ] {
            let got = told(&server, &request, data).await;
            assert_eq!(got, expected, "{request}");
        }
        // The source is what the target was, not in it.
        let there = if option == "overwrite" { "200 x" } else { "200" };
        assert_eq!(told(&server, "GET b?op=LISTSTATUS", "").await, there, "{option}");
    }
    let server = Server::new();
    let bad = told(&server, "PUT x?op=RENAME&renameoptions=BAD&destination={d}/y", "").await;
    assert_eq!(bad, "400 IllegalArgumentException");
}

#[tokio::test]
async fn odd_paths_are_looked_for_and_not_made() {
    check(&[&[
        ("PUT a/f?op=CREATE", "x", "201"),
        ("GET a//f?op=GETFILESTATUS", "", "200 file alice 644 1"),
        ("GET a%2Ff?op=GETFILESTATUS", "", "200 file alice 644 1"),
        ("GET a/../a/f?op=GETFILESTATUS", "", "404 FileNotFoundException"),
        ("GET a/./f?op=GETFILESTATUS", "", "404 FileNotFoundException"),
        ("GET a/..?op=LISTSTATUS", "", "404 FileNotFoundException"),
        ("DELETE a/../a?op=DELETE&recursive=true", "", "200 false"),
        ("GET a:b?op=GETFILESTATUS", "", "404 FileNotFoundException"),
        ("GET a/f/x?op=GETFILESTATUS", "", "404 FileNotFoundException"),
        ("GET a/f/x?op=LISTSTATUS", "", "403 AccessControlException"),
        ("GET a/f/x?op=GETCONTENTSUMMARY", "", "403 AccessControlException"),
        ("DELETE a/f/x?op=DELETE", "", "403 AccessControlException"),
        ("POST a?op=APPEND", "x", "403 FileAlreadyExistsException"),
        ("PUT a%0A%01b?op=CREATE", "odd", "201"),
        ("PUT a%250Ab?op=CREATE", "even", "201"),
        ("GET a%0A%01b?op=OPEN", "", "200 odd"),
        ("GET ?op=LISTSTATUS", "", "200 a,a\n\u{1}b,a%0Ab"),
        ("PUT a%0A%01b?op=RENAME&destination={d}/a%2509", "", "200 true"),
        ("GET a%2509?op=OPEN", "", "200 odd"),
        ("PUT ?op=CREATE", "x", "403 FileAlreadyExistsException"),
    ]])
    .await;
}

#[tokio::test]
async fn files_are_cut_and_put_together() {
    check(&[&[
        ("PUT f?op=CREATE&permission=600", "0123456789", "201"),
        ("POST f?op=TRUNCATE&newlength=11", "", "400 HadoopIllegalArgumentException"),
        ("POST f?op=TRUNCATE", "", "400 IllegalArgumentException"),
        ("POST f?op=TRUNCATE&newlength=-1", "", "400 IllegalArgumentException"),
        ("POST x?op=TRUNCATE&newlength=0", "", "404 FileNotFoundException"),
        ("POST f?op=TRUNCATE&newlength=4", "", "200 true"),
        ("GET f?op=OPEN", "", "200 0123"),
        ("GET f?op=GETFILESTATUS", "", "200 file alice 600 4"),
        ("PUT g?op=CREATE", "45", "201"),
        ("PUT h?op=CREATE", "67", "201"),
        ("PUT empty?op=CREATE", "", "201"),
        ("PUT d/i?op=CREATE", "89", "201"),
        ("POST f?op=CONCAT&sources={d}/f", "", "400 HadoopIllegalArgumentException"),
        ("POST f?op=CONCAT&sources={d}/g,{d}/g", "", "400 HadoopIllegalArgumentException"),
        ("POST f?op=CONCAT&sources={d}/d/i", "", "400 HadoopIllegalArgumentException"),
        ("POST f?op=CONCAT&sources={d}/empty", "", "400 HadoopIllegalArgumentException"),
        ("POST f?op=CONCAT&sources={d}/none", "", "404 FileNotFoundException"),
        ("POST f?op=CONCAT&sources=g", "", "403 IOException"),
        ("POST f?op=CONCAT", "", "400 IllegalArgumentException"),
        ("POST f?op=CONCAT&sources={d}/g,{d}/h", "", "200"),
        ("GET f?op=OPEN", "", "200 01234567"),
        ("GET ?op=LISTSTATUS", "", "200 d,empty,f"),
    ]])
    .await;
}

#[tokio::test]
async fn a_place_to_read_at_is_told_once() {
    let server = Server::new();
    server.create("/staging/ns/f", "0123456789").await;
    let answer = server.get("/staging/ns/f", "OPEN&noredirect=true&offset=3&length=4").await.json();
    let there = answer["Location"].as_str().unwrap().strip_prefix("http://hearth:10000").unwrap().to_owned();
    assert_eq!(server.ask("GET", &there, &[], Body::empty()).await.body, "3456");
    let head = server.ask("HEAD", "/webhdfs/v1/staging/ns/f?op=GETFILESTATUS", &[], Body::empty()).await;
    assert_eq!(head.status, 200);
    assert_eq!(server.ask("HEAD", "/webhdfs/v1/staging/ns/f?op=OPEN", &[], Body::empty()).await.status, 307);
    assert_eq!(server.ask("OPTIONS", "/webhdfs/v1/staging/ns/f", &[], Body::empty()).await.status, 200);
}
