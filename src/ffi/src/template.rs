//! Chat templates, by minijinja made as much like Python's jinja2 as transformers sets it up.

use std::cell::RefCell;
use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value};

use crate::boundary::{answer, destroy, Text, View};
use crate::float::float_repr;
use crate::json::tojson;

const NAME: &str = "chat template";
/// Instructions of one rendering: seconds at most, and hundreds of thousands of messages.
const FUEL: u64 = 20_000_000;
const OUTPUT_BYTES_MAX: usize = 64 << 20;

thread_local! {
    static RAISED: RefCell<Option<String>> = const { RefCell::new(None) };
}

pub struct Template {
    environment: Environment<'static>,
}

impl Template {
    fn compile(source: &str, bos: &str, eos: &str) -> Result<Template, String> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| error.to_string())?);
        environment.set_fuel(Some(FUEL));
        environment.set_formatter(write_as_python);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_filter("tojson", tojson);
        environment.add_filter("length", length);
        environment.add_filter("count", length);
        environment.add_filter("int", int);
        environment.add_filter("float", float);
        environment.add_test("iterable", is_iterable);
        environment.add_test("sequence", is_sequence);
        environment.add_test("callable", is_callable);
        environment.add_function("raise_exception", raise_exception);
        // Globals: what a request says of them wins.
        environment.add_global("tools", ());
        environment.add_global("documents", ());
        for (name, text) in [("bos_token", bos), ("eos_token", eos)] {
            if !text.is_empty() {
                environment.add_global(name, text);
            }
        }
        environment
            .add_template_owned(NAME, with_plain_blocks(source))
            .map_err(|error| error.to_string())?;
        Ok(Template { environment })
    }

    fn render(&self, context: &str, now: i64) -> Result<String, String> {
        let mut context: std::collections::BTreeMap<String, Value> =
            serde_json::from_str(context).map_err(|error| error.to_string())?;
        let strftime = move |format: &str| strftime(format, now);
        context.insert("strftime_now".into(), Value::from_function(strftime));
        let template = self.environment.get_template(NAME).map_err(|error| error.to_string())?;
        RAISED.take();
        let mut out = Bounded(Vec::new());
        template.render_captured_to(Value::from_pairs(context), &mut out).map_err(why)?;
        String::from_utf8(out.0).map_err(|error| error.to_string())
    }
}

fn why(error: Error) -> String {
    match RAISED.take() {
        Some(said) => said,
        None if error.kind() == ErrorKind::WriteFailure => "its text is too long".into(),
        None => error.to_string(),
    }
}

struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > OUTPUT_BYTES_MAX - self.0.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_as_python(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_number() && !value.is_integer() {
        if let Ok(number) = f64::try_from(value.clone()) {
            return Ok(out.write_str(&float_repr(number))?);
        }
    }
    minijinja::escape_formatter(out, state, value)
}

/// What is not defined has a length in jinja2: none.
fn length(value: &Value) -> Result<usize, Error> {
    match value.is_undefined() {
        true => Ok(0),
        false => minijinja::filters::length(value),
    }
}

/// What is no number becomes the default in jinja2.
fn int(
    state: &State,
    value: &Value,
    default: Option<Value>,
    base: Option<u32>,
    named: Kwargs,
) -> Result<Value, Error> {
    let otherwise = default.clone().or(named.get("default")?);
    minijinja::filters::int(state, value, default, base, named)
        .or_else(|_| Ok(otherwise.unwrap_or_else(|| 0.into())))
}

fn float(
    state: &State,
    value: &Value,
    default: Option<Value>,
    named: Kwargs,
) -> Result<Value, Error> {
    let otherwise = default.clone().or(named.get("default")?);
    minijinja::filters::float(state, value, default, named)
        .or_else(|_| Ok(otherwise.unwrap_or_else(|| 0.0.into())))
}

/// None can be looped over in minijinja, which templates then ask the length of.
fn is_iterable(value: &Value) -> bool {
    !value.is_none() && value.try_iter().is_ok()
}

/// What Python takes the length and an item of: texts and dictionaries too.
fn is_sequence(value: &Value) -> bool {
    value.is_undefined() || value.len().is_some()
}

fn is_callable(value: &Value) -> bool {
    value.is_undefined() || value.kind() == ValueKind::Plain
}

fn raise_exception(message: String) -> Result<Value, Error> {
    RAISED.set(Some(message.clone()));
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// Local time, as Python's `datetime.now().strftime`.
fn strftime(format: &str, now: i64) -> Result<String, Error> {
    let refused = || Error::new(ErrorKind::InvalidOperation, "strftime_now: not such a format");
    let format = std::ffi::CString::new(format).map_err(|_| refused())?;
    let mut text = [0u8; 512];
    // SAFETY: all pointers are to live objects of the right kind; the length is that of `text`.
    let size = unsafe {
        let mut parts: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&now, &mut parts).is_null() {
            return Err(refused());
        }
        libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), &parts)
    };
    String::from_utf8(text[..size].to_vec()).map_err(|_| refused())
}

/// Some templates mark what the model itself said, for training: `{% generation %}`. It is a block
/// with a scope of its own, and so is `with`.
fn with_plain_blocks(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find(['{']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match rest.as_bytes().get(1) {
            Some(b'#') => rest.find("#}").map_or(rest.len(), |end| end + 2),
            Some(b'{') => tag_length(rest, "}}"),
            Some(b'%') => tag_length(rest, "%}"),
            _ => 1,
        };
        let (tag, after) = rest.split_at(length);
        let inner = tag.trim_start_matches(['{', '%', '-', '+']);
        let inner = inner.trim_end_matches(['}', '%', '-', '+']).trim();
        match (tag.starts_with("{%"), inner) {
            (true, "generation") => out.push_str(&tag.replacen("generation", "with", 1)),
            (true, "endgeneration") => out.push_str(&tag.replacen("endgeneration", "endwith", 1)),
            _ => out.push_str(tag),
        }
        rest = after;
    }
    out + rest
}

/// Bytes of a tag that ends in `end`, which may also stand in a string in it.
fn tag_length(text: &str, end: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(2) {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, _) if text.as_bytes()[at..].starts_with(end.as_bytes()) => {
                return at + end.len()
            }
            (None, _) => {}
        }
    }
    text.len()
}

#[no_mangle]
pub unsafe extern "C" fn rbee_template_compile(
    source: View,
    bos: View,
    eos: View,
    template: *mut *mut Template,
    error: *mut Text,
) -> i32 {
    template.write(std::ptr::null_mut());
    answer(error, || {
        let compiled = Template::compile(source.text()?, bos.text()?, eos.text()?)?;
        template.write(Box::into_raw(Box::new(compiled)));
        Ok(String::new())
    })
}

#[no_mangle]
pub unsafe extern "C" fn rbee_template_render(
    template: *const Template,
    context: View,
    now: i64,
    out: *mut Text,
) -> i32 {
    answer(out, || (*template).render(context.text()?, now))
}

#[no_mangle]
pub unsafe extern "C" fn rbee_template_free(template: *mut Template) {
    destroy(template);
}
