//! Looks through any text as a pod template, and renders it.

use staging_client::pod_template::{Fetch, Severity, Use, check, render};

/// Whatever the text is: looking through it ends, every finding has a place, and what can be rendered can be read again.
pub(crate) fn read(text: &str) {
    let purpose = Use { roles: Vec::new(), versions: Vec::new(), container: None };
    for finding in check(text, &purpose) {
        let lines = text.lines().count() + 1;
        assert!(finding.place.line >= 1 && finding.place.line <= lines, "{finding}");
    }
    let fetch = Fetch {
        image: "image".to_owned(),
        folder: "/to".to_owned(),
        arguments: vec!["http://h/x".to_owned()],
        secrets: Vec::new(),
        container: None,
    };
    if let Ok(rendered) = render(text, &fetch) {
        let unreadable =
            check(&rendered, &purpose).into_iter().find(|f| f.field.is_empty() && f.severity == Severity::Error);
        assert!(unreadable.is_none(), "{unreadable:?}: {rendered}");
    }
}
