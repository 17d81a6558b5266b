//! JSON Schemas: what of them llguidance enforces, and what has to go.

use std::time::{Duration, Instant};

use llguidance::{GrammarBuilder, JsonCompileOptions};
use serde_json::{json, Map, Value};

use crate::boundary::{answer, with_deep_stack, Text, View};
use crate::grammar::{in_short, limits};

/// Between two parts of a text there is nothing, a space, or a new line with its indentation: what
/// models were trained to write, and no more of it than that. Without a bound some write on for
/// ever.
const WHITESPACE: &str = r"\x20|\n\x20{0,20}";

/// Keywords that say what a value may be and that llguidance does not know.
const UNSUPPORTED: [&str; 17] = [
    "$dynamicRef",
    "$recursiveRef",
    "contains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
    "x-guidance",
];
/// Names for what nobody refers to where the keywords above are gone.
const WITHOUT_EFFECT: [&str; 2] = ["$dynamicAnchor", "$recursiveAnchor"];
const FORMATS: [&str; 11] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "unknown",
    "uri",
    "uuid",
];
/// Keywords that are known, but not in each combination.
const UNCERTAIN: [&str; 12] = [
    "oneOf",
    "pattern",
    "patternProperties",
    "minProperties",
    "maxProperties",
    "multipleOf",
    "allOf",
    "anyOf",
    "format",
    "minLength",
    "maxLength",
    "additionalProperties",
];
const COUNTS: [&str; 2] = ["minProperties", "maxProperties"];
/// The values of these are schemas by name, and those below are schemas or lists of them.
const BY_NAME: [&str; 4] = ["$defs", "definitions", "patternProperties", "properties"];
const SCHEMAS: [&str; 7] =
    ["additionalItems", "additionalProperties", "allOf", "anyOf", "items", "oneOf", "prefixItems"];
/// Work grows with the square of these, for the masks too: half a thousand costs a millisecond.
const BOUNDS: [(&str, usize); 2] = [("properties", 500), ("patternProperties", 32)];
/// How long a schema is compiled part by part in search of what is wrong with it.
const SEARCH_MAX: Duration = Duration::from_millis(500);
/// Callers' schemas come from JSON of at most 32 levels.
const DEPTH_MAX: usize = 64;

#[derive(Debug, PartialEq)]
struct Finding {
    path: Vec<String>, // of the schema that the keyword stands in
    keyword: String,
}

impl Finding {
    fn pointer(&self) -> String {
        let escaped = |step: &String| step.replace('~', "~0").replace('/', "~1");
        let steps: Vec<String> = self.path.iter().map(escaped).collect();
        if steps.is_empty() {
            "#".into()
        } else {
            format!("#/{}", steps.join("/"))
        }
    }
}

fn options() -> JsonCompileOptions {
    JsonCompileOptions { whitespace_pattern: Some(WHITESPACE.into()), ..Default::default() }
}

fn parse(text: &str) -> Result<Value, String> {
    let schema = parse_any(text)?;
    keep_bounds(&schema)?;
    Ok(schema)
}

fn keep_bounds(value: &Value) -> Result<(), String> {
    for (keyword, most) in BOUNDS {
        let count = value.get(keyword).and_then(Value::as_object).map_or(0, Map::len);
        if count > most {
            return Err(format!("a schema may have {most} {keyword} at most (one has {count})"));
        }
    }
    match value {
        Value::Object(members) => members.values().try_for_each(keep_bounds),
        Value::Array(items) => items.iter().try_for_each(keep_bounds),
        _ => Ok(()),
    }
}

/// The same for the schemas that a Lark grammar holds.
pub fn keep_bounds_within(lark: &str) -> Result<(), String> {
    const MARK: &str = "%json";
    let mut rest = lark;
    while let Some(at) = rest.find(MARK) {
        rest = &rest[at + MARK.len()..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        if let Some(Ok(schema)) = values.next() {
            keep_bounds(&schema)?;
            rest = &rest[values.byte_offset()..];
        }
    }
    Ok(())
}

fn parse_any(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text).map_err(|error| format!("the schema is no JSON: {error}"))? {
        Value::Bool(true) => Ok(json!({})),
        schema @ Value::Object(_) => Ok(schema),
        _ => Err("a schema has to be an object".into()),
    }
}

/// The schema as llguidance wants it, with the project's own choices.
pub fn as_grammar(text: &str) -> Result<Value, String> {
    let mut schema = parse(text)?;
    options().apply_to(&mut schema);
    Ok(schema)
}

fn compile(schema: &Value) -> Result<(), String> {
    let builder = GrammarBuilder::new(None, limits());
    options().json_to_llg(builder, schema.clone()).map(|_| ()).map_err(in_short)
}

/// Takes out what is not enforced, and says what that was.
fn reduce(text: &str) -> Result<(Value, Vec<Finding>), String> {
    let mut schema = parse(text)?;
    let mut findings = Vec::new();
    take_out(&mut schema, &mut Vec::new(), &mut findings)?;
    let until = Instant::now() + SEARCH_MAX;
    while let Err(reason) = compile(&schema) {
        let found = if is_about_support(&reason) { culprit(&schema, until) } else { None };
        let Some(found) = found else {
            return Err(format!("the schema cannot be followed: {reason}"));
        };
        found.iter().for_each(|one| weaken(&mut schema, one));
        findings.extend(found);
    }
    Ok((schema, findings))
}

/// A schema that nothing satisfies, or that is none, is the caller's mistake.
fn is_about_support(reason: &str) -> bool {
    let mistakes =
        ["Unsatisfiable", "must be", "Expected", "Invalid type", "not found", "too large"];
    !mistakes.iter().any(|mistake| reason.contains(mistake))
}

fn take_out(
    schema: &mut Value,
    path: &mut Vec<String>,
    findings: &mut Vec<Finding>,
) -> Result<(), String> {
    if path.len() > DEPTH_MAX {
        return Err("the schema is nested too deeply".into());
    }
    if let Some(keywords) = schema.as_object_mut() {
        let is_text = may_be_text(keywords.get("type"));
        keywords.retain(|keyword, value| {
            if is_enforced(keyword, value) {
                return true;
            }
            if has_effect(keyword, value) && (is_text || keyword != "format") {
                findings.push(Finding { path: path.clone(), keyword: keyword.clone() });
            }
            false
        });
    }
    for steps in children(schema) {
        let Some(child) = at_mut(schema, &steps) else { continue };
        let depth = path.len();
        path.extend(steps);
        take_out(child, path, findings)?;
        path.truncate(depth);
    }
    Ok(())
}

/// Formats of numbers, such as int32, say nothing of the text.
fn may_be_text(types: Option<&Value>) -> bool {
    match types {
        None => true,
        Some(Value::Array(types)) => types.contains(&json!("string")),
        Some(name) => name == "string",
    }
}

fn is_enforced(keyword: &str, value: &Value) -> bool {
    match keyword {
        "format" => value.as_str().is_none_or(|name| FORMATS.contains(&name)),
        "$ref" => value.as_str().is_none_or(|target| target.starts_with('#')),
        _ => !UNSUPPORTED.contains(&keyword) && !WITHOUT_EFFECT.contains(&keyword),
    }
}

fn has_effect(keyword: &str, value: &Value) -> bool {
    let inert = WITHOUT_EFFECT.contains(&keyword) || keyword == "x-guidance";
    !inert && (keyword != "uniqueItems" || *value != json!(false))
}

/// The schemas right below a schema, each with the steps that lead to it.
fn children(schema: &Value) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        let by_name = BY_NAME.contains(&keyword.as_str());
        let steps = |step: String| vec![keyword.clone(), step];
        match value {
            Value::Object(named) if by_name => found.extend(named.keys().cloned().map(steps)),
            Value::Object(_) if SCHEMAS.contains(&keyword.as_str()) => {
                found.push(vec![keyword.clone()])
            }
            Value::Array(items) if SCHEMAS.contains(&keyword.as_str()) => {
                found.extend((0..items.len()).map(|at| steps(at.to_string())))
            }
            _ => {}
        }
    }
    found
}

fn at<'a>(schema: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(schema, |here, step| match here {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => here.get(step),
    })
}

fn at_mut<'a>(schema: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(schema, |here, step| match here {
        Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => here.get_mut(step),
    })
}

/// What can be compiled by itself of the schema at a path: with the definitions it may refer to.
fn alone(schema: &Value, path: &[String]) -> Option<Value> {
    let mut part = at(schema, path)?.as_object()?.clone();
    for name in ["$schema", "$defs", "definitions"] {
        match schema.get(name) {
            Some(value) if !path.is_empty() => part.insert(name.into(), value.clone()),
            _ => None,
        };
    }
    Some(Value::Object(part))
}

/// The keyword that keeps a schema from being compiled, or two of them: in the innermost schema that
/// fails, those without which it does not.
fn culprit(schema: &Value, until: Instant) -> Option<Vec<Finding>> {
    let mut path = Vec::new();
    'inwards: loop {
        for steps in children(at(schema, &path)?) {
            let inner = [path.clone(), steps].concat();
            let Some(part) = alone(schema, &inner) else { continue };
            if fails(&part, until)? {
                path = inner;
                continue 'inwards;
            }
        }
        break;
    }
    let here = at(schema, &path)?;
    for keywords in UNCERTAIN.iter().map(std::slice::from_ref).chain([&COUNTS[..]]) {
        if keywords.iter().any(|keyword| here.get(keyword).is_none()) {
            continue;
        }
        let finding = |keyword: &&str| Finding { path: path.clone(), keyword: keyword.to_string() };
        let found: Vec<Finding> = keywords.iter().map(finding).collect();
        let mut weaker = schema.clone();
        found.iter().for_each(|one| weaken(&mut weaker, one));
        if !fails(&alone(&weaker, &path)?, until)? {
            return Some(found);
        }
    }
    None
}

/// None where the time is over.
fn fails(schema: &Value, until: Instant) -> Option<bool> {
    (Instant::now() < until).then(|| compile(schema).is_err())
}

fn weaken(schema: &mut Value, found: &Finding) {
    let Some(Value::Object(keywords)) = at_mut(schema, &found.path) else { return };
    // One of several is one at least; a schema that has both keeps what can be enforced.
    match (found.keyword.as_str(), keywords.shift_remove(&found.keyword)) {
        ("oneOf", Some(options)) if !keywords.contains_key("anyOf") => {
            keywords.insert("anyOf".into(), options);
        }
        _ => {}
    }
}

/// What llguidance takes these formats for is wider than what validators do: seconds of 60, local
/// parts of any length. A text that follows one of these patterns is valid everywhere.
fn narrow_pattern(format: &str) -> Option<String> {
    const TIME: &str = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?\
                        ([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
    const DATE: &str = "[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])\
                        |(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))";
    const NAME: &str = "[A-Za-z0-9_+-]{1,20}(\\.[A-Za-z0-9_+-]{1,12}){0,3}";
    const HOST: &str = "([A-Za-z0-9]{1,30}\\.){1,3}[A-Za-z]{2,12}";
    match format {
        "time" => Some(format!("^{TIME}$")),
        "date-time" => Some(format!("^{DATE}[Tt]{TIME}$")),
        "email" => Some(format!("^{NAME}@{HOST}$")),
        _ => None,
    }
}

fn narrow_formats(schema: &mut Value) {
    if let Some(keywords) = schema.as_object_mut() {
        let format = keywords.get("format").and_then(Value::as_str);
        if let Some(pattern) = format.and_then(narrow_pattern) {
            if may_be_text(keywords.get("type")) && !keywords.contains_key("pattern") {
                keywords.shift_remove("format");
                keywords.insert("pattern".into(), pattern.into());
            }
        }
    }
    for steps in children(schema) {
        at_mut(schema, &steps).into_iter().for_each(narrow_formats);
    }
}

fn report(text: &str) -> Result<String, String> {
    let (mut schema, findings) = reduce(text)?;
    narrow_formats(&mut schema);
    let unsupported: Vec<Value> = findings
        .iter()
        .map(|found| json!({"keyword": found.keyword, "path": found.pointer()}))
        .collect();
    let mut report = Map::new();
    report.insert("schema".into(), Value::String(schema.to_string()));
    report.insert("unsupported".into(), Value::Array(unsupported));
    Ok(Value::Object(report).to_string())
}

#[no_mangle]
pub unsafe extern "C" fn rbee_schema_check(schema: View, out: *mut Text) -> i32 {
    answer(out, || {
        let schema = schema.text()?;
        with_deep_stack(|| report(schema))
    })
}
