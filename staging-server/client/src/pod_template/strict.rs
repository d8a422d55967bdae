//! Reads a document as Kubernetes' Pod, and notes what a Pod does not have: which fields there are, the types themselves
//! say.

use std::cell::RefCell;
use std::fmt;

use k8s_openapi::api::core::v1::Pod;
use serde::Deserialize as _;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer as _, MapAccess, SeqAccess, Visitor};

use super::document::{Key, Node, Value};
use super::finding::{Finding, Place, Severity};

/// Of wrong values, that many are told at once.
const MOST: usize = 50;

/// Every unknown field, and every value that is of another kind than the field.
pub(super) fn check(node: &Node) -> Vec<Finding> {
    let mut wrong: Vec<Finding> = head(node);
    loop {
        let found = RefCell::new(Vec::new());
        let skipped: Vec<Place> = wrong.iter().map(|finding| finding.place).collect();
        let context = Context { found: &found, skipped: &skipped };
        let read = Pod::deserialize(Reader { node, path: String::new(), context: &context });
        let unknown = found.into_inner();
        match read {
            // What is wrong is left out the next time, to see what else is.
            Err(error) if wrong.len() < MOST && !skipped.contains(&error.place) => wrong.push(Finding {
                place: error.place,
                field: error.field,
                severity: Severity::Error,
                message: error.message,
            }),
            _ => return unknown.into_iter().chain(wrong).collect(),
        }
    }
}

/// What makes it a Pod at all.
fn head(node: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, wanted) in [("apiVersion", "v1"), ("kind", "Pod")] {
        let (place, severity) = match node.get(name) {
            Some(value) if value.as_text() == Some(wanted) => continue,
            Some(value) => (value.place, Severity::Error),
            None if matches!(node.value, Value::Map(_)) => (node.place, Severity::Warning),
            None => continue,
        };
        let message = format!("a pod template has {name}: {wanted}");
        findings.push(Finding { place, field: name.to_owned(), severity, message });
    }
    findings
}

struct Context<'a> {
    found: &'a RefCell<Vec<Finding>>,
    skipped: &'a [Place],
}

impl Context<'_> {
    fn note_unknown(&self, key: &Key, path: &str, known: &[&str]) {
        let similar = known.iter().find(|name| name.eq_ignore_ascii_case(&key.name));
        let similar = similar.or_else(|| known.iter().find(|name| is_close(name, &key.name)));
        let hint = similar.map(|name| format!("; is it {name}?")).unwrap_or_default();
        self.found.borrow_mut().push(Finding {
            place: key.place,
            field: join(path, &key.name),
            severity: Severity::Error,
            message: format!("Kubernetes knows no such field and drops it{hint}"),
        });
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether one letter was left out, put in, or is another.
fn is_close(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[same..], &b[same..]);
    let rest = |bytes: &[u8]| bytes.get(1..).map(<[u8]>::to_vec).unwrap_or_default();
    rest(a) == rest(b) || rest(a) == b || a == rest(b)
}

#[derive(Debug)]
struct Error {
    place: Place,
    field: String,
    message: String,
    /// Whether the innermost value has been named.
    is_placed: bool,
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { place: Place::default(), field: String::new(), message: message.to_string(), is_placed: false }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

struct Reader<'a> {
    node: &'a Node,
    path: String,
    context: &'a Context<'a>,
}

/// An error, with where it is unless a value further in has said so.
fn placed(error: Error, place: Place, path: &str) -> Error {
    if error.is_placed { error } else { Error { place, field: path.to_owned(), is_placed: true, ..error } }
}

impl<'a> Deserializer<'a> for Reader<'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self { node, path, context } = self;
        match &node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(value) => visitor.visit_str(value),
            Value::List(items) => visitor.visit_seq(Items { path: &path, context, items, at: 0 }),
            Value::Map(entries) => visitor.visit_map(Entries { path: &path, context, entries, value: None }),
        }
        .map_err(|error| placed(error, node.place, &path))
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.node.value == Value::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        let (place, path) = (self.node.place, self.path.clone());
        visitor.visit_newtype_struct(self).map_err(|error| placed(error, place, &path))
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        for (key, _) in self.node.entries() {
            if !fields.contains(&key.name.as_str()) {
                self.context.note_unknown(key, &self.path, fields);
            }
        }
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

struct Items<'p, 'a> {
    path: &'p str,
    context: &'a Context<'a>,
    items: &'a [Node],
    at: usize,
}

impl<'a> SeqAccess<'a> for Items<'_, 'a> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        while let Some(node) = self.items.get(self.at) {
            let path = format!("{}[{}]", self.path, self.at);
            self.at += 1;
            if !self.context.skipped.contains(&node.place) {
                return seed.deserialize(Reader { node, path, context: self.context }).map(Some);
            }
        }
        Ok(None)
    }
}

struct Entries<'p, 'a> {
    path: &'p str,
    context: &'a Context<'a>,
    entries: &'a [(Key, Node)],
    value: Option<(&'a Key, &'a Node)>,
}

impl<'a> MapAccess<'a> for Entries<'_, 'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        while let Some(((key, node), rest)) = self.entries.split_first() {
            self.entries = rest;
            if !self.context.skipped.contains(&node.place) {
                self.value = Some((key, node));
                return seed.deserialize(key.name.as_str().into_deserializer()).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((key, node)) = self.value.take() else {
            return Err(de::Error::custom("a value without a name"));
        };
        let path = join(self.path, &key.name);
        seed.deserialize(Reader { node, path, context: self.context })
    }
}
