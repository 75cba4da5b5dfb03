//! For application developers: three lines to copy.

use crate::islands::copy::CopyFrom;
use crate::pages::requests::encode;
use crate::pages::shell::Ctx;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use hypercare::routing::model::Route;
use hypercare::server::App;
use leptos::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Choice {
    language: Option<String>,
    route: Option<String>,
}

const LANGUAGES: [(&str, &str); 5] =
    [("python", "Python"), ("node", "Node.js"), ("anthropic", "Python, Anthropic"), ("curl", "curl"), ("html", "Feedback widget")];

async fn connect(ctx: Ctx, Query(choice): Query<Choice>) -> Response {
    match hypercare::routing::service::list(&ctx.app, &ctx.actor()).await {
        Ok(routes) => {
            let url = ctx.app.settings().public_url();
            ctx.page("Connect an app", "/admin/connect", Box::new(move || page(routes, choice, &url).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn snippet(language: &str, url: &str, route: &str) -> String {
    match language {
        "node" => format!(
            "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{url}/v1\", apiKey: process.env.HYPERCARE_KEY }});\nconst answer = await client.chat.completions.create({{\n  model: \"{route}\",\n  messages: [{{ role: \"user\", content: \"Hello\" }}],\n  user: \"user-42\",\n}});\nconsole.log(answer.choices[0].message.content);"
        ),
        "anthropic" => format!(
            "import os\nfrom anthropic import Anthropic\n\nclient = Anthropic(base_url=\"{url}\", api_key=os.environ[\"HYPERCARE_KEY\"])\nanswer = client.messages.create(\n    model=\"{route}\",\n    max_tokens=500,\n    messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n    metadata={{\"user_id\": \"user-42\"}},\n)\nprint(answer.content[0].text)"
        ),
        "curl" => format!(
            "curl -i {url}/v1/chat/completions \\\n  -H \"authorization: Bearer $HYPERCARE_KEY\" \\\n  -H \"content-type: application/json\" \\\n  -d '{{\"model\": \"{route}\", \"user\": \"user-42\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'"
        ),
        "html" => format!(
            "<!-- token: the x-hypercare-feedback-token header of the answer -->\n<script src=\"{url}/widget.js\" defer></script>\n<hypercare-feedback token=\"…\"></hypercare-feedback>"
        ),
        _ => format!(
            "import os\nfrom openai import OpenAI\n\nclient = OpenAI(base_url=\"{url}/v1\", api_key=os.environ[\"HYPERCARE_KEY\"])\nanswer = client.chat.completions.create(\n    model=\"{route}\",\n    messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n    user=\"user-42\",\n)\nprint(answer.choices[0].message.content)"
        ),
    }
}

fn page(routes: Vec<Route>, choice: Choice, url: &str) -> impl IntoView + use<> {
    let language = choice.language.filter(|l| LANGUAGES.iter().any(|(word, _)| word == l)).unwrap_or_else(|| "python".to_owned());
    let route = choice.route.or_else(|| routes.first().map(|r| r.name.clone())).unwrap_or_else(|| "your-route".to_owned());
    let tabs = LANGUAGES.map(|(word, label)| {
        let on = word == language;
        view! { <a class=if on { "chip on" } else { "chip" } href=format!("/admin/connect?language={word}&route={}", encode(&route)) aria-current=on.then_some("true")>{label}</a> }
    });
    let options =
        routes.iter().map(|r| view! { <option value=r.name.clone() selected=r.name == route>{r.name.clone()}</option> }).collect_view();
    let none = routes
        .is_empty()
        .then(|| view! { <p class="form-error">"There is no route yet, so there is no model to call. Make one with hypercare apply."</p> });
    view! {
        <div class="page-head"><h1>"Connect an app"</h1><a class="btn" href="/api/docs">"All calls"</a></div>
        <section class="card stack">
            <p>"An app that speaks to OpenAI or Anthropic needs three things changed: the base URL, the key, and the model, which is the name of a route."</p>
            {none}
            <form class="filters" action="/admin/connect"><input type="hidden" name="language" value=language.clone()/><label>"Route"<select class="input" name="route">{options}</select></label><button class="btn">"Show"</button></form>
            <nav class="chips" aria-label="Language">{tabs.collect_view()}</nav>
            <pre class="raw" id="snippet" tabindex="0">{snippet(&language, url, &route)}</pre>
            <CopyFrom id="snippet".to_owned()/>
            <p class="small muted">"Send the end user as shown (or as x-hypercare-user) so that they stay on one variant, and x-hypercare-session for the conversation. Calls appear under "<a class="link" href="/requests">"Requests"</a>" within a second."</p>
        </section>
    }
}

/// The page.
pub fn router() -> Router<App> {
    Router::new().route("/admin/connect", get(connect))
}
