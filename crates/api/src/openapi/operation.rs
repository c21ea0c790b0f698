//! One path of an API, as its document describes it.

use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Query,
    Path,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) place: Place,
    pub(super) is_required: bool,
    pub(super) is_repeated: bool,
}

/// A parameter that may be left out.
pub(super) const fn may(name: &'static str, about: &'static str) -> Param {
    Param {
        name,
        about,
        place: Place::Query,
        is_required: false,
        is_repeated: false,
    }
}

pub(super) const fn must(name: &'static str, about: &'static str) -> Param {
    Param {
        is_required: true,
        ..may(name, about)
    }
}

/// A parameter that may be given many times.
pub(super) const fn many(name: &'static str, about: &'static str) -> Param {
    Param {
        is_repeated: true,
        ..may(name, about)
    }
}

pub(super) const fn in_path(name: &'static str, about: &'static str) -> Param {
    Param {
        place: Place::Path,
        ..must(name, about)
    }
}

/// Which methods are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Methods {
    Get,
    Post,
    /// GET with a query string, or POST with a form; the parameters are the same.
    Form,
    /// POST or PUT, with a query string.
    Action,
    Delete,
}

/// What stands around the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Envelope,
    Bare,
    /// Not JSON; the text is its media type.
    Text(&'static str),
    /// Nothing but the status.
    Empty,
}

pub(super) type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type, for the tables.
pub(super) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) path: &'static str,
    pub(super) methods: Methods,
    pub(super) summary: &'static str,
    pub(super) params: &'static [Param],
    /// A JSON body.
    pub(super) body: Option<MakeSchema>,
    pub(super) form: Form,
    pub(super) answer: MakeSchema,
}

impl Operation {
    pub(super) const fn get(
        path: &'static str,
        summary: &'static str,
        params: &'static [Param],
        answer: MakeSchema,
    ) -> Self {
        Self {
            path,
            methods: Methods::Get,
            summary,
            params,
            body: None,
            form: Form::Envelope,
            answer,
        }
    }

    pub(super) const fn form(
        path: &'static str,
        summary: &'static str,
        params: &'static [Param],
        answer: MakeSchema,
    ) -> Self {
        Self {
            methods: Methods::Form,
            ..Self::get(path, summary, params, answer)
        }
    }

    pub(super) const fn post(
        path: &'static str,
        summary: &'static str,
        body: MakeSchema,
        answer: MakeSchema,
    ) -> Self {
        Self {
            methods: Methods::Post,
            body: Some(body),
            ..Self::get(path, summary, &[], answer)
        }
    }

    pub(super) const fn action(
        path: &'static str,
        summary: &'static str,
        params: &'static [Param],
        answer: MakeSchema,
    ) -> Self {
        Self {
            methods: Methods::Action,
            ..Self::get(path, summary, params, answer)
        }
    }

    pub(super) const fn delete(
        path: &'static str,
        summary: &'static str,
        params: &'static [Param],
        answer: MakeSchema,
    ) -> Self {
        Self {
            methods: Methods::Delete,
            ..Self::get(path, summary, params, answer)
        }
    }

    /// A body that is no JSON, answered with nothing but the status.
    pub(super) const fn write(path: &'static str, summary: &'static str) -> Self {
        Self {
            methods: Methods::Post,
            form: Form::Empty,
            ..Self::get(path, summary, &[], schema::<()>)
        }
    }

    pub(super) const fn within(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// In lower case, as the document has them.
    pub(super) fn methods(&self) -> &'static [&'static str] {
        match self.methods {
            Methods::Get => &["get"],
            Methods::Post => &["post"],
            Methods::Form => &["get", "post"],
            Methods::Action => &["post", "put"],
            Methods::Delete => &["delete"],
        }
    }

    pub(super) fn to_json(self, generator: &mut SchemaGenerator) -> Map<String, Value> {
        let mut item = Map::new();
        for method in self.methods() {
            item.insert((*method).to_owned(), self.one(method, generator));
        }
        item
    }

    fn one(&self, method: &str, generator: &mut SchemaGenerator) -> Value {
        let mut operation = json!({ "summary": self.summary });
        let is_form = method == "post" && self.methods == Methods::Form;
        let parameters = self
            .params
            .iter()
            .filter(|param| param.place == Place::Path || !is_form);
        let parameters: Vec<Value> = parameters.map(Param::described).collect();
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if is_form {
            operation["requestBody"] = self.form_body();
        } else if let Some(body) = self.body {
            let schema = body(generator);
            operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        }
        operation["responses"] = self.responses(generator);
        operation
    }

    fn form_body(&self) -> Value {
        let fields = self
            .params
            .iter()
            .filter(|param| param.place == Place::Query);
        let properties: Map<String, Value> = fields
            .map(|param| (param.name.to_owned(), param.schema()))
            .collect();
        json!({
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": { "type": "object", "properties": properties }
                }
            }
        })
    }

    fn responses(&self, generator: &mut SchemaGenerator) -> Value {
        let good = match self.form {
            Form::Empty => json!({ "description": "done" }),
            Form::Text(media) => json!({
                "description": "the text",
                "content": { media: { "schema": { "type": "string" } } },
            }),
            Form::Bare => {
                let schema = (self.answer)(generator);
                json!({
                    "description": "the answer",
                    "content": { "application/json": { "schema": schema } },
                })
            }
            Form::Envelope => {
                let data = (self.answer)(generator);
                let notes = json!({ "type": "array", "items": { "type": "string" } });
                json!({
                    "description": "the answer",
                    "content": { "application/json": { "schema": {
                        "type": "object",
                        "required": ["status", "data"],
                        "properties": {
                            "status": { "const": "success" },
                            "data": data,
                            "warnings": notes,
                            "infos": notes,
                        },
                    } } },
                })
            }
        };
        json!({ "200": good, "default": { "description": "an error, in the form of the API" } })
    }
}

impl Param {
    fn schema(&self) -> Value {
        if self.is_repeated {
            json!({ "type": "array", "items": { "type": "string" } })
        } else {
            json!({ "type": "string" })
        }
    }

    fn described(&self) -> Value {
        json!({
            "name": self.name,
            "in": match self.place { Place::Query => "query", Place::Path => "path" },
            "required": self.is_required,
            "description": self.about,
            "schema": self.schema(),
        })
    }
}
