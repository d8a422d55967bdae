//! What `tests/setup` brought, and where.

use std::path::{Path, PathBuf};

/// The folder that `tests/setup` fills.
#[expect(clippy::disallowed_methods, reason = "tests/setup and the tests are told by the same variable")]
pub(crate) fn folder() -> PathBuf {
    match std::env::var_os("HEARTH_TEST_CACHE") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/hearth-tests"),
    }
}

/// The version of `name` in `tests/versions`.
pub(crate) fn version(name: &str) -> &'static str {
    let of_name = |line: &'static str| line.strip_prefix(name)?.strip_prefix('=');
    include_str!("../versions").lines().find_map(of_name).unwrap_or_else(|| panic!("tests/versions has no {name}"))
}

/// A path in the cache that must be there for the tests of `tier`.
pub(crate) fn needed(path: impl AsRef<Path>, tier: &str) -> PathBuf {
    let path = folder().join(path);
    assert!(path.exists(), "{} is missing: run `tests/setup {tier}`", path.display());
    path
}

/// A program of the Kubernetes node, or one that is used beside it.
pub(crate) fn node_program(name: &str) -> PathBuf {
    let folder = if ["etcd", "coredns", "helm"].contains(&name) { name } else { "kubernetes" };
    needed(Path::new(folder).join(name), "cluster")
}

/// The folder with the definitions of what Kubeflow's operator for Spark knows.
pub(crate) fn spark_operator() -> PathBuf {
    needed("spark-operator", "cluster")
}

/// The Python of the environment that has the pyspark of this minor version, as `4.3`.
pub(crate) fn python(spark: &str) -> PathBuf {
    needed(environment(spark).join("ok"), "programs").with_file_name("bin/python")
}

/// The Python of the environment that has pyarrow and DuckDB.
pub(crate) fn readers_python() -> PathBuf {
    let environment = format!("readers-{}-{}", version("PYARROW"), version("DUCKDB"));
    needed(Path::new(&environment).join("ok"), "programs").with_file_name("bin/python")
}

/// A program of the environment that has schemathesis and a client of tus.
pub(crate) fn contract_program(name: &str) -> PathBuf {
    let environment = format!("contract-{}-{}", version("SCHEMATHESIS"), version("TUSPY"));
    needed(Path::new(&environment).join("ok"), "programs").with_file_name("bin").join(name)
}

/// `SPARK_HOME` of this minor version, as `4.3`: `bin/spark-submit`, `jars/` with Hadoop's client among them.
pub(crate) fn spark_home(spark: &str) -> PathBuf {
    let lib = needed(environment(spark).join("ok"), "programs").with_file_name("lib");
    let python = std::fs::read_dir(lib).unwrap().map(|entry| entry.unwrap().path());
    let mut homes = python.map(|python| python.join("site-packages/pyspark")).filter(|home| home.is_dir());
    homes.next().expect("an environment of tests/setup holds pyspark")
}

/// A program that looks at the project or at what it tells: `mdbook`, `cargo-deny`, `prometheus`, `promtool`.
pub(crate) fn tool(name: &str) -> PathBuf {
    let folder = if name.starts_with("prom") { "prometheus" } else { "tools" };
    needed(Path::new(folder).join(name), "programs")
}

/// The text of axe, a script that looks a page through for what keeps people out.
pub(crate) fn axe() -> String {
    let file = Path::new(&format!("axe-{}", version("AXE"))).join("axe.min.js");
    std::fs::read_to_string(needed(file, "programs")).unwrap()
}

fn environment(spark: &str) -> PathBuf {
    PathBuf::from(format!("pyspark-{}", version(&format!("SPARK_{}", spark.replace('.', "_")))))
}
