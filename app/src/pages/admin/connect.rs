//! For application developers: the lines to copy, for calls and for feedback.

use crate::islands::copy::CopyFrom;
use crate::pages::asked::Query;
use crate::pages::requests::encode;
use crate::pages::shell::Ctx;
use axum::Router;
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

const CALLS: [(&str, &str); 4] = [("python", "Python"), ("node", "Node.js"), ("anthropic", "Python, Anthropic"), ("curl", "curl")];
const FEEDBACK: [(&str, &str); 3] = [("html", "Feedback widget"), ("form", "In-app form"), ("link", "Feedback page")];

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
            "<script src=\"{url}/widget.js\" defer></script>\n\n<!-- Two thumbs -->\n<hypercare-feedback token=\"…\" user=\"user-42\"></hypercare-feedback>\n\n<!-- Or one to five stars -->\n<hypercare-feedback token=\"…\" user=\"user-42\" mode=\"stars\"></hypercare-feedback>\n\n<!-- Or one small button: I don’t like this -->\n<hypercare-feedback token=\"…\" user=\"user-42\" mode=\"inline\"></hypercare-feedback>"
        ),
        "form" => format!(
            "<script src=\"{url}/widget.js\" defer></script>\n\n<!-- About a conversation or a page; the token is that of its last answer -->\n<hypercare-feedback token=\"…\" user=\"user-42\" mode=\"form\"\n  context='{{\"screen\": \"checkout\", \"release\": \"2.4\"}}'></hypercare-feedback>"
        ),
        "link" => format!("{url}/f/TOKEN\n{url}/f/TOKEN?mode=stars\n{url}/f/TOKEN?lang=de&rating=down"),
        _ => format!(
            "import os\nfrom openai import OpenAI\n\nclient = OpenAI(base_url=\"{url}/v1\", api_key=os.environ[\"HYPERCARE_KEY\"])\nanswer = client.chat.completions.create(\n    model=\"{route}\",\n    messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n    user=\"user-42\",\n)\nprint(answer.choices[0].message.content)"
        ),
    }
}

fn page(routes: Vec<Route>, choice: Choice, url: &str) -> impl IntoView + use<> {
    let known = |l: &String| CALLS.iter().chain(&FEEDBACK).any(|(word, _)| word == l);
    let language = choice.language.filter(known).unwrap_or_else(|| "python".to_owned());
    let route = choice.route.or_else(|| routes.first().map(|r| r.name.clone())).unwrap_or_else(|| "your-route".to_owned());
    let tab = |(word, label): (&'static str, &'static str)| {
        let on = word == language;
        view! { <a class=if on { "chip on" } else { "chip" } href=format!("/admin/connect?language={word}&route={}", encode(&route)) aria-current=on.then_some("true")>{label}</a> }
    };
    let (calls, feedback) = (CALLS.map(tab).collect_view(), FEEDBACK.map(tab).collect_view());
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
            <nav class="chips" aria-label="Calls"><span class="small muted kind">"Call a model"</span>{calls}</nav>
            <nav class="chips" aria-label="Feedback"><span class="small muted kind">"Collect feedback"</span>{feedback}</nav>
            <pre class="raw" id="snippet" tabindex="0">{snippet(&language, url, &route)}</pre>
            <CopyFrom id="snippet".to_owned()/>
            {notes(&language)}
        </section>
    }
}

/// What to know about the lines.
fn notes(language: &str) -> AnyView {
    let token = "The token is the header x-hypercare-feedback-token of the answer. It is good for that answer alone, for 30 days, and safe in a browser.";
    let seen = view! { "What is said appears under "<a class="link" href="/feedback">"Feedback"</a>" within a second." };
    match language {
        "html" | "form" => view! {
            <p class="small muted">{token}" "{seen}</p>
            <dl class="facts">
                <dt><code>"user"</code></dt><dd>"Who gives it, as your app names them; the same user again changes what they said."</dd>
                <dt><code>"context"</code></dt><dd>"A JSON object with what helps to understand it, such as the screen; shown beside the feedback."</dd>
                <dt><code>"lang"</code></dt><dd>"en, de, fr or es; if absent, the language of the page. Any word can be yours: label-up, label-down, label-send and so on."</dd>
                <dt><code>"--hcf-accent"</code></dt><dd>"Colours and type by CSS variables: also --hcf-accent-ink, --hcf-bad, --hcf-line, --hcf-ink, --hcf-surface, --hcf-radius, --hcf-font."</dd>
                <dt><code>"CSP"</code></dt><dd>"Your content security policy needs this server under script-src and connect-src, nothing else: no cookies, no inline styles."</dd>
            </dl>
        }
        .into_any(),
        "link" => view! {
            <p class="small muted">{token}" Put it in place of TOKEN. "{seen}</p>
            <p class="small muted">"The page is for e-mails and apps without scripts. It does not show the answer, because links are passed on; who opens it again sees what became of what was said."</p>
        }
        .into_any(),
        _ => view! {
            <p class="small muted">"Send the end user as shown (or as x-hypercare-user) so that they stay on one variant, and x-hypercare-session for the conversation. Calls appear under "<a class="link" href="/requests">"Requests"</a>" within a second."</p>
        }
        .into_any(),
    }
}

/// The page.
pub fn router() -> Router<App> {
    Router::new().route("/admin/connect", get(connect))
}
