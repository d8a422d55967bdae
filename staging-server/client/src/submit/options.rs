//! Every option of spark-submit, and what becomes of it.

/// What an operator's manifest makes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// It is this setting, whether by itself or by a field of its own.
    Setting(&'static str),
    /// It has a field of the manifest that no setting is.
    Field,
    /// It cannot be expressed, or makes no sense there.
    Refused(&'static str),
    /// It changes nothing for an operator.
    Ignored,
}

/// An option of spark-submit's help.
#[derive(Clone, Copy, Debug)]
pub struct SparkOption {
    /// As in the help.
    pub name: &'static str,
    /// The same, shorter or older.
    pub alias: Option<&'static str>,
    /// Whether a value follows.
    pub has_value: bool,
    /// Whether its value is a list of files, which are uploaded where they are local.
    pub is_files: bool,
    /// What an operator's manifest makes of it.
    pub handling: Handling,
}

const fn value(name: &'static str, handling: Handling) -> SparkOption {
    SparkOption { name, alias: None, has_value: true, is_files: false, handling }
}

const fn files(name: &'static str, setting: &'static str) -> SparkOption {
    SparkOption { name, alias: None, has_value: true, is_files: true, handling: Handling::Setting(setting) }
}

const fn switch(name: &'static str, alias: Option<&'static str>, handling: Handling) -> SparkOption {
    SparkOption { name, alias, has_value: false, is_files: false, handling }
}

const ASKS: Handling =
    Handling::Refused("this asks a spark-submit that is installed: without --via operator it is passed on");
const ONLY_YARN: Handling = Handling::Refused("this is for YARN");

/// All that spark-submit 2.3 to 4.3 know.
pub const OPTIONS: &[SparkOption] = &[
    value("--master", Handling::Setting("spark.master")),
    value(
        "--remote",
        Handling::Refused("an application that connects to a Spark Connect server is not started by an operator"),
    ),
    value("--deploy-mode", Handling::Setting("spark.submit.deployMode")),
    value("--class", Handling::Field),
    value("--name", Handling::Setting("spark.app.name")),
    files("--jars", "spark.jars"),
    value("--packages", Handling::Setting("spark.jars.packages")),
    value("--exclude-packages", Handling::Setting("spark.jars.excludes")),
    value("--repositories", Handling::Setting("spark.jars.repositories")),
    files("--py-files", "spark.submit.pyFiles"),
    files("--files", "spark.files"),
    files("--archives", "spark.archives"),
    SparkOption { name: "--conf", alias: Some("-c"), has_value: true, is_files: false, handling: Handling::Field },
    value("--properties-file", Handling::Field),
    switch(
        "--load-spark-defaults",
        None,
        Handling::Refused("there are no defaults of an installed Spark: name the file by --properties-file"),
    ),
    value("--driver-memory", Handling::Setting("spark.driver.memory")),
    value("--driver-java-options", Handling::Setting("spark.driver.extraJavaOptions")),
    value("--driver-library-path", Handling::Setting("spark.driver.extraLibraryPath")),
    value("--driver-class-path", Handling::Setting("spark.driver.extraClassPath")),
    value("--executor-memory", Handling::Setting("spark.executor.memory")),
    value("--proxy-user", Handling::Field),
    switch("--help", Some("-h"), ASKS),
    switch("--verbose", Some("-v"), Handling::Ignored),
    switch("--version", None, ASKS),
    switch("--usage-error", None, ASKS),
    value("--driver-cores", Handling::Setting("spark.driver.cores")),
    switch(
        "--supervise",
        None,
        Handling::Refused("this is for standalone clusters; an operator restarts by restartPolicy"),
    ),
    value("--kill", ASKS),
    value("--status", ASKS),
    value("--total-executor-cores", Handling::Setting("spark.cores.max")),
    value("--executor-cores", Handling::Setting("spark.executor.cores")),
    value("--num-executors", Handling::Setting("spark.executor.instances")),
    value("--principal", Handling::Setting("spark.kerberos.principal")),
    value(
        "--keytab",
        Handling::Refused(
            "a key table lies on this machine: put it into a Secret, and name it by spark.kerberos.keytab=local:///PATH",
        ),
    ),
    value("--queue", ONLY_YARN),
];

impl SparkOption {
    /// The option of this name or alias.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        OPTIONS.iter().find(|option| option.name == name || option.alias == Some(name))
    }
}
