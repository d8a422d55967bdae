//! The near side of the staging server: what runs where jobs are submitted and where pods start.
//!
//! [`fetch`] brings artifacts into a folder before a pod's containers start; [`pod_template`] looks through templates for
//! Spark's pods, and adds the fetcher to them; [`stage`] uploads files; [`submit`] understands spark-submit's command line.
//!
//! This crate knows no server of Hearth's but by its protocols, prints nothing and reads no environment: the commands of
//! the root package do. It refuses to trust what it fetches: an archive writes nothing outside its folder.

mod access;
mod failure;
pub mod fetch;
pub mod pod_template;
mod properties;
mod site;
pub mod stage;
pub mod submit;
mod wire;

pub use access::{Access, Secret};
pub use failure::Failure;
pub use properties::spark_properties;
pub use site::{Reply, Site};

/// A value as YAML, with a line end behind it. A text without line ends stays on one line, however long: people copy URLs.
///
/// # Errors
/// When it has something that YAML cannot say.
pub fn yaml(value: &impl serde::Serialize) -> Result<String, Failure> {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    let text = serde_saphyr::to_string_with_options(value, options);
    let text = text.map_err(|error| Failure::lasting(error.to_string()))?;
    Ok(format!("{}\n", text.trim_end_matches('\n')))
}
