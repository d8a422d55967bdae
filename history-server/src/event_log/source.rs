use storage::Store;

/// A folder or prefix in which event logs lie, as Spark lays them out.
#[derive(Clone, Debug)]
pub struct LogSource {
    /// Where they are.
    pub store: Store,
    /// What people call the place; the REST API's `logSourceName`.
    pub name: String,
    /// The place as a URL; the REST API's `logSourceFullPath`.
    pub full_path: String,
}

impl LogSource {
    /// The logs directly in `store`. Without a name the place is called by its URL.
    #[must_use]
    pub fn new(store: Store, name: Option<String>) -> Self {
        let full_path = match store.url().as_folder() {
            // As Spark's configuration writes a folder.
            Some(folder) => format!("file://{}", std::path::absolute(&folder).unwrap_or(folder).display()),
            None => store.url().to_string(),
        };
        let full_path = full_path.trim_end_matches('/').to_owned();
        Self { name: name.unwrap_or_else(|| full_path.clone()), store, full_path }
    }
}
