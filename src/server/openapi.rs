//! The description of every call, as an OpenAPI 3.1 document. Its page is made of the same list.

use super::App;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// Anybody.
    None,
    /// A key of scope `gateway`.
    Gateway,
    /// A key of scope `feedback`, or the token of an answer.
    Feedback,
    /// A key of scope `read` or `admin`, or a person who is no annotator.
    Read,
    /// A key of scope `admin`, or a person who writes prompts.
    Write,
    /// A key of scope `admin`, or an admin.
    Admin,
    /// A person who is signed in.
    Person,
}

impl Needs {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::None => "anybody",
            Self::Gateway => "a key of scope gateway",
            Self::Feedback => "a key of scope feedback, or the token of an answer",
            Self::Read => "a key of scope read or admin, or a person (no annotator)",
            Self::Write => "a key of scope admin, or a product manager or admin",
            Self::Admin => "a key of scope admin, or an admin",
            Self::Person => "a person who is signed in",
        }
    }
}

/// One call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// `get`, `post`, `put`, `delete`, or `any`.
    pub method: String,
    /// With `{names}`.
    pub path: String,
    /// The heading it stands under.
    pub tag: String,
    /// One sentence.
    pub summary: String,
    /// Who may make it.
    pub needs: Needs,
    /// More than the sentence.
    #[serde(default)]
    pub note: String,
    /// The status when all is well.
    #[serde(default = "ok")]
    pub status: u16,
    /// Statuses when it is not.
    #[serde(default)]
    pub errors: Vec<u16>,
    /// An example of the body, JSON.
    pub body: Option<String>,
    /// An example of the answer, JSON.
    pub answer: Option<String>,
    /// Parameters behind the `?`, with what they mean.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
}

fn ok() -> u16 {
    200
}

#[derive(Deserialize)]
struct Listed {
    operations: Vec<Operation>,
}

/// Every call there is. A list that does not hold would be found by the tests; a server shows an empty one.
pub static OPERATIONS: LazyLock<Vec<Operation>> =
    LazyLock::new(|| toml::from_str::<Listed>(include_str!("openapi/operations.toml")).map(|listed| listed.operations).unwrap_or_default());

impl Operation {
    /// The names in the path.
    pub fn names(&self) -> Vec<&str> {
        self.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    /// A line for a terminal that makes this call.
    pub fn curl(&self, base: &str) -> String {
        let method = if self.method == "any" { "post" } else { &self.method };
        let mut line = if method == "get" { "curl ".to_owned() } else { format!("curl -X {} ", method.to_uppercase()) };
        let _ = write!(line, "{base}{}", self.path);
        if self.needs != Needs::None {
            line.push_str(" \\\n  -H \"Authorization: Bearer $HYPERCARE_KEY\"");
        }
        if let Some(body) = &self.body {
            let _ = write!(line, " \\\n  -H 'Content-Type: application/json' \\\n  -d '{}'", body.replace('\'', "'\\''"));
        }
        line
    }

    fn id(&self, method: &str) -> String {
        let words = self.path.split(['/', '{', '}', '_', '.']).filter(|word| !word.is_empty());
        words.fold(method.to_owned(), |id, word| format!("{id}_{word}"))
    }

    fn describe(&self, method: &str) -> Value {
        let mut parameters: Vec<Value> = self
            .names()
            .into_iter()
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
            .collect();
        let in_query = |(name, words): (&String, &String)| json!({ "name": name, "in": "query", "description": words, "schema": { "type": "string" } });
        parameters.extend(self.query.iter().map(in_query));
        let mut responses = Map::new();
        let mut good = json!({ "description": "All is well." });
        if let Some(answer) = self.answer.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            good["content"] = json!({ "application/json": { "schema": schema_of(&answer), "example": answer } });
        }
        responses.insert(self.status.to_string(), good);
        for status in &self.errors {
            responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/Error{status}") }));
        }
        let description = if self.note.is_empty() {
            format!("Needs {}.", self.needs.words())
        } else {
            format!("{} Needs {}.", self.note, self.needs.words())
        };
        let mut out = json!({
            "operationId": self.id(method), "tags": [self.tag], "summary": self.summary, "description": description,
            "parameters": parameters, "responses": responses,
            "security": match self.needs {
                Needs::None => json!([]),
                Needs::Gateway | Needs::Feedback => json!([{ "bearer": [] }, { "apiKey": [] }]),
                Needs::Person => json!([{ "session": [] }]),
                _ => json!([{ "bearer": [] }, { "apiKey": [] }, { "session": [] }]),
            },
        });
        if let Some(body) = self.body.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            out["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": schema_of(&body), "example": body } } });
        }
        out
    }
}

/// The shape of an example: its fields and their types. More fields may be there than an example shows.
fn schema_of(example: &Value) -> Value {
    match example {
        Value::Null => json!({}),
        Value::Bool(_) => json!({ "type": "boolean" }),
        Value::Number(_) => json!({ "type": "number" }),
        Value::String(_) => json!({ "type": "string" }),
        Value::Array(items) => json!({ "type": "array", "items": items.first().map_or_else(|| json!({}), schema_of) }),
        Value::Object(fields) => {
            let properties: Map<String, Value> = fields.iter().map(|(name, value)| (name.clone(), schema_of(value))).collect();
            json!({ "type": "object", "properties": properties })
        }
    }
}

fn error_words(status: u16) -> &'static str {
    match status {
        400 => "The body or a header does not hold; `param` names it.",
        401 => "Nobody is signed in, or the key is unknown.",
        403 => "Known, but not allowed.",
        404 => "There is no such thing, or this key may not know of it.",
        409 => "Somebody else changed it meanwhile, or it exists already.",
        422 => "Some fields do not hold; `fields` names each with a sentence.",
        429 => "Too many; `retry-after` says when to come back.",
        502 => "The provider answered with an error, or with what is no answer.",
        503 => "Nowhere to go right now; `retry-after` says when to come back.",
        _ => "The provider took too long.",
    }
}

/// The document, for this address.
pub fn document(base: &str) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in OPERATIONS.iter() {
        let methods: &[&str] = if operation.method == "any" { &["get", "post", "put", "delete"] } else { &[&operation.method] };
        for method in methods {
            paths.entry(&operation.path).or_default().insert((*method).to_owned(), operation.describe(method));
        }
    }
    let error = json!({
        "type": "object", "required": ["error"],
        "properties": { "error": { "type": "object", "required": ["code", "message"], "properties": {
            "code": { "type": "string", "description": "Stable: match on this." },
            "message": { "type": "string", "description": "A sentence for a person." },
            "fields": { "type": "object", "additionalProperties": { "type": "string" } },
            "type": { "type": "string" }, "param": { "type": ["string", "null"] },
        } } },
    });
    let responses: Map<String, Value> = [400, 401, 403, 404, 409, 422, 429, 502, 503, 504]
        .into_iter()
        .map(|status| {
            let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } });
            (format!("Error{status}"), json!({ "description": error_words(status), "content": content }))
        })
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": { "title": "hypercare", "version": env!("CARGO_PKG_VERSION"), "description": "AI gateway, feedback loop and control room. Fields may be added to answers at any time." },
        "servers": [{ "url": base }],
        "paths": paths,
        "components": {
            "schemas": { "Error": error }, "responses": responses,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A key: `Authorization: Bearer …`." },
                "apiKey": { "type": "apiKey", "in": "header", "name": "x-api-key" },
                "session": { "type": "apiKey", "in": "cookie", "name": crate::identity::http::COOKIE },
            },
        },
    })
}

/// `GET /api/openapi.json`
pub(super) async fn openapi(State(app): State<App>) -> Json<Value> {
    Json(document(&app.settings().public_url()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// (path, method) of every route in the routers' sources.
    fn registered() -> BTreeSet<(String, String)> {
        const NESTED: [&str; 11] = [
            include_str!("../identity/http.rs"),
            include_str!("../providers/http.rs"),
            include_str!("../catalog/http.rs"),
            include_str!("../prompts/http.rs"),
            include_str!("../routing/http.rs"),
            include_str!("../telemetry/http.rs"),
            include_str!("../feedback/http.rs"),
            include_str!("../themes/http.rs"),
            include_str!("../issues/http.rs"),
            include_str!("../notify/http.rs"),
            include_str!("../surveys/http.rs"),
        ];
        let mut found = BTreeSet::new();
        let route = regex::Regex::new(r#"\.route\("([^"]+)",\s*([^\n]+)"#).expect("an expression");
        let plain = regex::Regex::new(r#"^ +\("(/v1/[^"]+)", Endpoint::"#).expect("an expression");
        let method = regex::Regex::new(r"\b(get|post|put|patch|delete|any)\(").expect("an expression");
        for (source, nested) in
            NESTED.iter().map(|s| (*s, true)).chain([(include_str!("../gateway/http.rs"), false), (include_str!("api.rs"), false)])
        {
            // A line may hold two routes.
            for line in source.replace(".route(", "\n.route(").lines() {
                if let Some(plain) = plain.captures(line) {
                    found.insert((plain[1].to_owned(), "post".to_owned()));
                }
                let Some(route) = route.captures(line) else { continue };
                let below = nested && !route[1].starts_with("/v1/") || matches!(&route[1], "/replicas" | "/export/config");
                let path = format!("{}{}", if below { "/api/v1" } else { "" }, &route[1]).replace("{*path}", "{path}");
                for name in method.captures_iter(&route[2]) {
                    found.insert((path.clone(), name[1].to_owned()));
                }
            }
        }
        // The answer to whatever is nowhere else.
        found.remove(&("/v1/{path}".to_owned(), "any".to_owned()));
        found
    }

    #[test]
    fn every_call_is_described_and_nothing_else() {
        let described: BTreeSet<_> = OPERATIONS.iter().map(|o| (o.path.clone(), o.method.clone())).collect();
        assert_eq!(described, registered());
    }

    #[test]
    fn the_document_holds() {
        let document = document("http://127.0.0.1:8787");
        let mut ids = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                assert!(ids.insert(operation["operationId"].as_str().expect("an id").to_owned()), "{method} {path}: two of that id");
                let takes_body = matches!(method.as_str(), "post" | "put" | "patch") && !path.starts_with("/passthrough");
                assert_eq!(operation["requestBody"]["content"]["application/json"]["example"].is_object(), takes_body, "{method} {path}");
                for reference in operation["responses"].as_object().expect("responses").values().filter_map(|r| r["$ref"].as_str()) {
                    assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{method} {path}: {reference}");
                }
            }
        }
        assert!(document["components"]["responses"]["Error422"]["description"].is_string());
    }
}
