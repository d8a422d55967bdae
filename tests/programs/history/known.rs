//! Answers that differ from Spark's, each kind with its reason. Anything else that differs fails the test.

/// A kind of difference: a part of the question's path, a part of the difference in words, and why it is there.
struct Known {
    path: &'static str,
    difference: &'static str,
    why: &'static str,
}

const KNOWN: &[Known] = &[
    Known {
        path: "/app-blank-lines",
        difference: "",
        why: "Spark gives a log up at an empty line; ours leaves the line out, reads on and says so",
    },
    Known { path: "/a%2Fb/", difference: "status: want 400", why: "Spark's container refuses an encoded slash" },
    Known { path: "executors", difference: ".totalDuration: want", why: "reckoned against the clock" },
    Known { path: "/sqlTable", difference: "$.summary.averageDuration: want", why: "reckoned against the clock" },
];

/// Why this difference is known; `None` for one that is not.
pub(super) fn of(path: &str, difference: &str) -> Option<&'static str> {
    let fits = |known: &&Known| path.contains(known.path) && difference.contains(known.difference);
    KNOWN.iter().find(fits).map(|known| known.why)
}
