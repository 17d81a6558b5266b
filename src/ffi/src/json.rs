//! `tojson` as transformers gives it to chat templates: Python's `json.dumps` without escapes for
//! HTML. Source: transformers, `chat_template_utils.py`; Python's json.encoder.

use std::fmt::Write;

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Error, ErrorKind, Value};

use crate::float::float_repr;

const DEPTH_MAX: usize = 128;

struct Layout {
    ascii_only: bool,
    indent: Option<String>,
    item_separator: String,
    key_separator: String,
    sort_keys: bool,
}

/// `tojson(value, ensure_ascii, indent, separators, sort_keys)`
pub fn tojson(value: &Value, positional: Rest<Value>, named: Kwargs) -> Result<Value, Error> {
    let argument = |place: usize, name: &str| -> Result<Option<Value>, Error> {
        let given = match positional.get(place) {
            Some(value) => Some(value.clone()),
            None => named.get(name)?,
        };
        Ok(given.filter(|value: &Value| !value.is_none() && !value.is_undefined()))
    };
    let indent = match argument(1, "indent")? {
        None => None,
        Some(text) if text.kind() == ValueKind::String => Some(text.to_string()),
        Some(spaces) => Some(" ".repeat(usize::try_from(spaces)?.min(64))),
    };
    let mut layout = Layout {
        ascii_only: argument(0, "ensure_ascii")?.is_some_and(|value| value.is_true()),
        item_separator: if indent.is_some() { "," } else { ", " }.into(),
        key_separator: ": ".into(),
        sort_keys: argument(3, "sort_keys")?.is_some_and(|value| value.is_true()),
        indent,
    };
    if let Some(separators) = argument(2, "separators")? {
        layout.item_separator = separators.get_item_by_index(0)?.to_string();
        layout.key_separator = separators.get_item_by_index(1)?.to_string();
    }
    named.assert_all_used()?;
    let mut out = String::new();
    layout.append(&mut out, value, 0)?;
    Ok(Value::from(out))
}

fn refuse(what: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

impl Layout {
    fn append(&self, out: &mut String, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > DEPTH_MAX {
            return Err(refuse("tojson: the value is nested too deeply".into()));
        }
        match value.kind() {
            ValueKind::None => out.push_str("null"),
            ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.append_number(out, value),
            ValueKind::String => self.append_string(out, value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => self.append_list(out, value, depth)?,
            ValueKind::Map => self.append_map(out, value, depth)?,
            kind => return Err(refuse(format!("tojson: {kind} is no JSON"))),
        }
        Ok(())
    }

    fn append_number(&self, out: &mut String, value: &Value) {
        if value.is_integer() {
            out.push_str(&value.to_string());
            return;
        }
        match f64::try_from(value.clone()) {
            Ok(number) if number.is_nan() => out.push_str("NaN"),
            Ok(number) if number.is_infinite() => {
                out.push_str(if number > 0.0 { "Infinity" } else { "-Infinity" })
            }
            Ok(number) => out.push_str(&float_repr(number)),
            Err(_) => out.push_str(&value.to_string()),
        }
    }

    fn append_string(&self, out: &mut String, text: &str) {
        out.push('"');
        for character in text.chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                control if control < ' ' => {
                    let _ = write!(out, "\\u{:04x}", control as u32);
                }
                // DEL is ASCII, and Python leaves it as it is.
                other if self.ascii_only && !other.is_ascii() => {
                    for unit in other.encode_utf16(&mut [0; 2]) {
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                }
                other => out.push(other),
            }
        }
        out.push('"');
    }

    fn append_list(&self, out: &mut String, value: &Value, depth: usize) -> Result<(), Error> {
        out.push('[');
        let mut count = 0;
        for item in value.try_iter()? {
            self.separate(out, count, depth + 1);
            self.append(out, &item, depth + 1)?;
            count += 1;
        }
        self.close(out, count, depth, ']');
        Ok(())
    }

    fn append_map(&self, out: &mut String, value: &Value, depth: usize) -> Result<(), Error> {
        let mut keys: Vec<Value> = value.try_iter()?.collect();
        if self.sort_keys {
            keys.sort();
        }
        out.push('{');
        for (count, key) in keys.iter().enumerate() {
            self.separate(out, count, depth + 1);
            match key.kind() {
                ValueKind::String => self.append_string(out, key.as_str().unwrap_or_default()),
                ValueKind::None | ValueKind::Bool | ValueKind::Number => {
                    out.push('"');
                    self.append(out, key, depth + 1)?;
                    out.push('"');
                }
                kind => return Err(refuse(format!("tojson: {kind} is no key"))),
            }
            out.push_str(&self.key_separator);
            self.append(out, &value.get_item(key)?, depth + 1)?;
        }
        self.close(out, keys.len(), depth, '}');
        Ok(())
    }

    fn separate(&self, out: &mut String, before: usize, depth: usize) {
        if before > 0 {
            out.push_str(&self.item_separator);
        }
        self.break_line(out, depth);
    }

    fn close(&self, out: &mut String, count: usize, depth: usize, bracket: char) {
        if count > 0 {
            self.break_line(out, depth);
        }
        out.push(bracket);
    }

    fn break_line(&self, out: &mut String, depth: usize) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            for _ in 0..depth {
                out.push_str(indent);
            }
        }
    }
}
