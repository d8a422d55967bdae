use std::collections::BTreeMap;

use encoding_rs::UTF_8;
use java_properties::PropertiesIter;

/// The settings of a property file as Spark reads it (`Utils.getPropertiesFromFile`): of `java.util.Properties`' syntax, in UTF-8, those
/// that begin with `spark.`, without blanks around their values.
///
/// # Errors
/// What is wrong with it.
pub fn spark_properties(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    PropertiesIter::new_with_encoding(text.as_bytes(), UTF_8)
        .read_into(|name, value| {
            found.insert(name, value.trim().to_owned());
        })
        .map_err(|e| format!("it is no Java property file: {e}"))?;
    found.retain(|name, _| name.starts_with("spark."));
    Ok(found)
}
