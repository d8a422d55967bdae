//! What the resource staging protocol keeps of an upload besides its content.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use storage::Sha256Digest;

/// Whose an upload is, and what it is read with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bundle {
    pub(crate) owner: Owner,
    /// The secret's digest: whoever reads the store learns no secret.
    pub(crate) secret_sha256: Sha256Digest,
}

/// The pods that an upload is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) namespace: String,
    /// What all of them have; `None` where nothing was said.
    pub(crate) labels: Option<BTreeMap<String, String>>,
}

/// The members of a `resourcesOwner`; any other is a mistake.
const MEMBERS: [&str; 3] = ["ownerNamespace", "ownerLabels", "ownerType"];

impl Owner {
    /// Reads the JSON that the submission client of Spark 2.2's Kubernetes fork sends, as leniently as its server did: numbers and
    /// booleans are read as text, and of equal members the last counts.
    ///
    /// # Errors
    /// What is wrong, in words for the client.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let Value::Object(members) = value else { return Err("it is no JSON object".to_owned()) };
        if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            return Err(format!("it has no member {unknown:?}: there are {}", MEMBERS.join(", ")));
        }
        match members.get("ownerType") {
            None | Some(Value::Null) => {}
            Some(Value::String(kind)) if kind == "Pod" => {}
            Some(other) => return Err(format!("ownerType {other}: there is only \"Pod\"")),
        }
        let namespace = members.get("ownerNamespace").and_then(as_text);
        let namespace = namespace.ok_or("ownerNamespace has to be the name of a Kubernetes namespace")?;
        let labels = match members.get("ownerLabels") {
            None | Some(Value::Null) => None,
            Some(Value::Object(labels)) => Some(read_labels(labels)?),
            Some(_) => return Err("ownerLabels has to be an object of texts".to_owned()),
        };
        Ok(Self { namespace, labels })
    }
}

fn read_labels(labels: &serde_json::Map<String, Value>) -> Result<BTreeMap<String, String>, String> {
    let pairs = labels.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
        let value = as_text(value).ok_or_else(|| format!("ownerLabels: {name:?} has to be a text"))?;
        Ok((name.clone(), value))
    });
    pairs.collect()
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_read_as_jackson_read_it() {
        let read = |text: &str| Owner::parse(text.as_bytes());
        let owner = read(
            r#"{"ownerNamespace":"ns1","ownerLabels":{"spark-role":"driver","n":1,"b":true,"gone":null},"ownerType":"Pod"}"#,
        );
        let labels = [("b", "true"), ("n", "1"), ("spark-role", "driver")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(owner, Ok(Owner { namespace: "ns1".to_owned(), labels: Some(labels.into()) }));
        for fine in [
            r#"{"ownerNamespace":"a","ownerNamespace":"ns1"}"#,
            r#"{"ownerNamespace":"ns1","ownerLabels":null,"ownerType":null}"#,
        ] {
            assert_eq!(read(fine), Ok(Owner { namespace: "ns1".to_owned(), labels: None }), "{fine}");
        }
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"ownerNamespace":null}"#,
            r#"{"ownerNamespace":"n","ownerLabels":[]}"#,
            r#"{"ownerNamespace":"n","ownerType":"pod"}"#,
            r#"{"ownerNamespace":"n","ownerType":1}"#,
            r#"{"ownerNamespace":"n","more":1}"#,
            r#"{"ownerNamespace":"n","ownerLabels":{"a":[]}}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
