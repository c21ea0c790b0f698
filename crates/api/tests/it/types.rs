//! The web UI's types and its table of pages are made of what the server says. `UPDATE=1 cargo test -p api`
//! writes them anew; otherwise this fails if they differ.

use std::fmt::Write as _;
use std::path::Path;

use api::ui::PAGES;
use serde_json::{Map, Value};

const HEAD: &str = "// Made of the server's OpenAPI documents by `UPDATE=1 cargo test -p api`; not edited by hand.\n";

#[track_caller]
fn check(name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../ui/src/api")
        .join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is not what the server says; write it with: UPDATE=1 cargo test -p api",
        path.display()
    );
}

#[test]
fn types_of_the_ui_are_those_of_the_documents() {
    let mut names = Map::new();
    let mut text = HEAD.to_owned();
    let (mut operations, mut posts) = (String::new(), String::new());
    for (root, document) in api::openapi::documents() {
        for (name, schema) in object(&document["components"]["schemas"]) {
            // Documents share types; the same name must mean the same.
            if let Some(known) = names.insert(name.clone(), schema.clone()) {
                assert_eq!(&known, schema, "two documents have a type {name}");
                continue;
            }
            write_about(&mut text, schema, "");
            writeln!(text, "export type {name} = {};", type_of(schema, "")).unwrap();
            text.push('\n');
        }
        for (path, item) in object(&document["paths"]) {
            assert!(path.starts_with(root));
            write_operation(&mut operations, path, item);
            write_post(&mut posts, path, item);
        }
    }
    text.push_str("/** Paths that are read with GET: their parameters, and what stands in `data` or is the whole body. */\n");
    text.push_str("export interface Gets {\n");
    text.push_str(&operations);
    text.push_str("}\n\n/** Paths that take a JSON body. */\nexport interface Posts {\n");
    text.push_str(&posts);
    text.push_str("}\n");
    check("types.gen.ts", &text);
}

#[test]
fn pages_of_the_ui_are_those_that_are_served() {
    let mut text = HEAD.replace("OpenAPI documents", "table of pages");
    text.push_str("/** Paths that open the UI, with the page that each shows. */\n");
    text.push_str("export const pages = [\n");
    for page in PAGES {
        writeln!(
            text,
            "  {{ path: {:?}, shows: {:?} }},",
            page.path, page.shows
        )
        .unwrap();
    }
    text.push_str("] as const;\n");
    check("pages.gen.ts", &text);
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

fn write_about(text: &mut String, schema: &Value, indent: &str) {
    if let Some(about) = schema["description"].as_str() {
        let about = about.replace('\n', " ");
        writeln!(text, "{indent}/** {about} */").unwrap();
    }
}

/// What stands in `data`, or is the whole body; nothing if the answer is not JSON.
fn answer_of(operation: &Value) -> Option<&Value> {
    let content = &operation["responses"]["200"]["content"]["application/json"];
    let schema = content.get("schema")?;
    let is_envelope = schema["properties"]["status"]["const"] == "success";
    Some(if is_envelope {
        &schema["properties"]["data"]
    } else {
        schema
    })
}

fn write_post(text: &mut String, path: &str, item: &Value) {
    let operation = &item["post"];
    let body = &operation["requestBody"]["content"]["application/json"];
    let Some(body) = body.get("schema") else {
        return;
    };
    let answer = answer_of(operation).map_or("null".to_owned(), |schema| type_of(schema, "  "));
    let body = type_of(body, "  ");
    writeln!(text, "  {path:?}: {{ body: {body}; answer: {answer} }};").unwrap();
}

fn write_operation(text: &mut String, path: &str, item: &Value) {
    let Some(operation) = item.get("get") else {
        return;
    };
    let Some(answer) = answer_of(operation) else {
        return;
    };
    let parameters = operation["parameters"].as_array();
    let parameters = parameters.into_iter().flatten().map(|parameter| {
        let name = parameter["name"].as_str().unwrap();
        let mark = if parameter["required"] == true {
            ""
        } else {
            "?"
        };
        format!("{}{mark}: {}", key(name), type_of(&parameter["schema"], ""))
    });
    let parameters: Vec<String> = parameters.collect();
    let parameters = if parameters.is_empty() {
        "Record<string, never>".to_owned()
    } else {
        format!("{{ {} }}", parameters.join("; "))
    };
    writeln!(
        text,
        "  {:?}: {{ params: {parameters}; answer: {} }};",
        path,
        type_of(answer, "  ")
    )
    .unwrap();
}

fn key(name: &str) -> String {
    let is_plain = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if is_plain {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}

fn joined(schemas: &Value, separator: &str, indent: &str) -> String {
    let types: Vec<String> = schemas
        .as_array()
        .expect("a list of schemas")
        .iter()
        .map(|schema| type_of(schema, indent))
        .collect();
    format!("({})", types.join(separator))
}

/// A schema in TypeScript. What it does not know is an error, so that nothing becomes `unknown` in silence.
fn type_of(schema: &Value, indent: &str) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if schema == &Value::Bool(true) {
        return "unknown".to_owned();
    }
    if let Some(constant) = schema.get("const") {
        return constant.to_string();
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        return values.join(" | ");
    }
    let is_object = schema.get("properties").is_some() || schema["type"] == "object";
    for (key, separator) in [("oneOf", " | "), ("anyOf", " | "), ("allOf", " & ")] {
        if let Some(schemas) = schema.get(key) {
            let joined = joined(schemas, separator, indent);
            return if schema.get("properties").is_some() {
                format!("{} & {joined}", object_type(schema, indent))
            } else {
                joined
            };
        }
    }
    if is_object {
        return object_type(schema, indent);
    }
    match &schema["type"] {
        Value::Array(types) => {
            let types: Vec<String> = types
                .iter()
                .map(|one| {
                    let mut schema = schema.clone();
                    schema["type"] = one.clone();
                    type_of(&schema, indent)
                })
                .collect();
            types.join(" | ")
        }
        Value::String(one) => match one.as_str() {
            "string" => "string".to_owned(),
            "integer" | "number" => "number".to_owned(),
            "boolean" => "boolean".to_owned(),
            "null" => "null".to_owned(),
            "array" => array_type(schema, indent),
            other => panic!("no type for {other} in {schema}"),
        },
        _ if schema == &serde_json::json!({}) => "unknown".to_owned(),
        _ => panic!("no type for {schema}"),
    }
}

fn array_type(schema: &Value, indent: &str) -> String {
    if let Some(items) = schema["prefixItems"].as_array() {
        let items: Vec<String> = items.iter().map(|item| type_of(item, indent)).collect();
        return format!("[{}]", items.join(", "));
    }
    let item = type_of(&schema["items"], indent);
    if item.contains(' ') {
        format!("Array<{item}>")
    } else {
        format!("{item}[]")
    }
}

fn object_type(schema: &Value, indent: &str) -> String {
    let Some(properties) = schema["properties"].as_object() else {
        let values = schema.get("additionalProperties");
        let values = values.map_or("unknown".to_owned(), |values| type_of(values, indent));
        return format!("Record<string, {values}>");
    };
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let inner = format!("{indent}  ");
    let mut text = String::from("{\n");
    for (name, property) in properties {
        write_about(&mut text, property, &inner);
        let mark = if required.contains(&name.as_str()) {
            ""
        } else {
            "?"
        };
        writeln!(
            text,
            "{inner}{}{mark}: {};",
            key(name),
            type_of(property, &inner)
        )
        .unwrap();
    }
    text.push_str(indent);
    text.push('}');
    text
}
