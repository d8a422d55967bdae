//! YAML whose every part knows where it stands.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::finding::{Finding, Place, Severity};

/// Aliases multiply: a document may become no larger than this.
const MAX_NODES: usize = 100_000;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) place: Place,
    pub(super) name: String,
}

impl Node {
    /// Reads the one document of a text.
    pub(super) fn parse(text: &str) -> Result<Self, Finding> {
        let mut reader = Reader { events: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
        reader.document()
    }

    pub(super) fn new(value: Value) -> Self {
        Self { place: Place::default(), value }
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::new(Value::Text(text.into()))
    }

    /// A map of these, in this order.
    pub(super) fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        let key = |name: &str| Key { place: Place::default(), name: name.to_owned() };
        Self::new(Value::Map(entries.into_iter().map(|(name, node)| (key(name), node)).collect()))
    }

    pub(super) fn list(nodes: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Value::List(nodes.into_iter().collect()))
    }

    pub(super) fn entries(&self) -> &[(Key, Self)] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    pub(super) fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.entries().iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    /// What is at `name`, made an empty map or list if there is nothing.
    pub(super) fn entry(&mut self, name: &str, empty: Value) -> &mut Self {
        let entries = self.entries_mut();
        let at = entries.iter().position(|(key, _)| key.name == name).unwrap_or_else(|| {
            entries.push((Key { place: Place::default(), name: name.to_owned() }, Self::new(Value::Null)));
            entries.len() - 1
        });
        let node = &mut entries[at].1;
        if node.value == Value::Null {
            node.value = empty;
        }
        node
    }

    /// Its entries, once it has been made a map if it is none.
    fn entries_mut(&mut self) -> &mut Vec<(Key, Self)> {
        if !matches!(self.value, Value::Map(_)) {
            self.value = Value::Map(Vec::new());
        }
        match &mut self.value {
            Value::Map(entries) => entries,
            _ => unreachable!("it has just been made a map"),
        }
    }
}

/// In the order of the text, so that what was read is written as it was.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(value) => serializer.serialize_str(value),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, node)| map.serialize_entry(&key.name, node))?;
                map.end()
            }
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Place), Finding> {
        loop {
            match self.events.next_event() {
                Some(Ok((event, span))) => match event {
                    Event::StreamStart
                    | Event::StreamEnd
                    | Event::DocumentStart(..)
                    | Event::DocumentEnd
                    | Event::Alias(_)
                    | Event::Scalar(..)
                    | Event::SequenceStart(..)
                    | Event::SequenceEnd
                    | Event::MappingStart(..)
                    | Event::MappingEnd => return Ok((event, place(span))),
                    // Comments, and whatever else says nothing of the content.
                    _ => {}
                },
                Some(Err(error)) => {
                    let place = Place { line: error.marker().line(), column: error.marker().col() + 1 };
                    return Err(wrong(place, format!("this is no YAML: {}", error.info())));
                }
                None => return Ok((Event::StreamEnd, Place::default())),
            }
        }
    }

    fn document(&mut self) -> Result<Node, Finding> {
        let mut found = None;
        loop {
            let (event, place) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                Event::StreamEnd => {
                    let first = Place { line: 1, column: 1 };
                    return found.ok_or_else(|| wrong(first, "there is nothing in it: a template is one Pod"));
                }
                _ if found.is_some() => {
                    return Err(wrong(place, "a second document begins here: a template is one Pod"));
                }
                event => found = Some(self.node(event, place)?),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, place: Place) -> Result<Node, Finding> {
        self.count(1, place)?;
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let value = if style == ScalarStyle::Plain { plain(&text) } else { Value::Text(text.into_owned()) };
                (anchor, value)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, place) => items.push(self.node(event, place)?),
                    }
                }
                (anchor, Value::List(items))
            }
            Event::MappingStart(_, anchor, _) => (anchor, Value::Map(self.entries()?)),
            Event::Alias(id) => {
                let node = self.anchors.get(&id).cloned().ok_or_else(|| wrong(place, "this refers to itself"))?;
                self.count(size(&node), place)?;
                return Ok(Node { place, ..node });
            }
            _ => return Err(wrong(place, "this cannot be in a template")),
        };
        let node = Node { place, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn entries(&mut self) -> Result<Vec<(Key, Node)>, Finding> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        loop {
            let (event, place) = self.next()?;
            let name = match event {
                Event::MappingEnd => return Ok(entries),
                Event::Scalar(name, ..) => name.into_owned(),
                _ => return Err(wrong(place, "a name is expected here, not a list or a map")),
            };
            if entries.iter().any(|(key, _)| key.name == name) {
                return Err(wrong(place, format!("{name:?} is here for the second time")));
            }
            let (event, value_place) = self.next()?;
            entries.push((Key { place, name }, self.node(event, value_place)?));
        }
    }

    fn count(&mut self, nodes: usize, place: Place) -> Result<(), Finding> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES { Err(wrong(place, "this is larger than any template")) } else { Ok(()) }
    }
}

fn size(node: &Node) -> usize {
    1 + node.items().iter().map(size).sum::<usize>() + node.entries().iter().map(|(_, node)| size(node)).sum::<usize>()
}

/// What a scalar without quotes is, by YAML's core schema.
fn plain(text: &str) -> Value {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let numeric =
        digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && digits.contains(|c: char| c.is_ascii_digit());
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let radix = |prefix, radix| digits.strip_prefix(prefix).and_then(|digits| i64::from_str_radix(digits, radix).ok());
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)).or_else(|| text.parse().ok()) {
        return Value::Integer(number);
    }
    match text.parse::<f64>() {
        Ok(number) if numeric => Value::Float(number),
        _ => Value::Text(text.to_owned()),
    }
}

fn place(span: Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

fn wrong(place: Place, message: impl Into<String>) -> Finding {
    Finding { place, field: String::new(), severity: Severity::Error, message: message.into() }
}
