//! The playground in the browser: every answer streams into its place, all of them at once.
#![expect(missing_docs, reason = "the island macro makes a struct for the properties and does not hand the documentation on")]

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// A saved case as the browser sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Its name.
    pub name: String,
    /// What the user says last.
    pub asks: String,
    /// `{"messages", "variables"}`.
    pub body: String,
}

/// One answer on its way.
#[derive(Clone, Copy)]
struct Answer {
    text: RwSignal<String>,
    facts: RwSignal<String>,
    error: RwSignal<String>,
    /// The call in the log, once it has begun.
    request: RwSignal<String>,
    done: RwSignal<bool>,
}

/// A run: its columns, and a row of answers for every case.
#[derive(Clone)]
struct Run {
    columns: Vec<String>,
    rows: Vec<(String, String, Vec<Answer>)>,
}

/// Takes the form over: runs without leaving the page. Without JavaScript the form is sent as ever.
#[island]
pub fn PlaygroundRun(prompt: String, saved: Vec<Cell>, most: usize) -> impl IntoView {
    let run = RwSignal::new(None::<Run>);
    let problem = RwSignal::new(String::new());
    Effect::new(move |_| browser::take_over(prompt.clone(), saved.clone(), most, run, problem));
    view! {
        <div role="status" class="visually-hidden">{move || said(run.get().as_ref())}</div>
        <p class="form-error" role="alert" hidden=move || problem.get().is_empty()>{move || problem.get()}</p>
        {move || run.get().map(|run| table(run).into_any())}
    }
}

fn said(run: Option<&Run>) -> String {
    let answers = || run.into_iter().flat_map(|run| &run.rows).flat_map(|(.., cells)| cells);
    let (all, done) = (answers().count(), answers().filter(|answer| answer.done.get()).count());
    if all == 0 { String::new() } else { format!("{done} of {all} answers are there.") }
}

fn table(run: Run) -> impl IntoView {
    let heads = run.columns.into_iter().map(|head| view! { <th scope="col">{head}</th> }.into_any()).collect_view();
    let rows = run.rows.into_iter().map(|(name, asks, cells)| {
        let cells = cells.into_iter().map(|answer| cell(answer).into_any()).collect_view();
        view! { <tr><th scope="row"><b>{name}</b><br/><span class="small muted">{asks}</span></th>{cells}</tr> }.into_any()
    });
    view! {
        <section class="card flush" aria-label="Answers"><div class="scroll"><table class="answers">
            <caption class="visually-hidden">"Answers side by side"</caption>
            <thead><tr><th scope="col">"Case"</th>{heads}</tr></thead><tbody>{rows.collect_view()}</tbody></table></div></section>
    }
}

fn cell(answer: Answer) -> impl IntoView {
    let Answer { text, facts, error, request, done } = answer;
    view! {
        <td aria-busy=move || (!done.get()).to_string()>
            <p class="answer">{move || text.get()}{move || (!done.get()).then_some("▍")}</p>
            <p class="form-error" hidden=move || error.get().is_empty()>{move || error.get()}</p>
            <p class="small muted">{move || facts.get()}<a class="link" hidden=move || request.get().is_empty() href=move || format!("/requests/{}", request.get())>"the call"</a></p>
        </td>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::{Answer, Cell, Run};
    use gloo_net::http::{Request, Response};
    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use serde_json::{Value, json};
    use wasm_bindgen::closure::Closure;
    use wasm_bindgen::{JsCast as _, JsValue};
    use wasm_bindgen_futures::JsFuture;
    use web_sys::{Event, FormData, HtmlFormElement, ReadableStreamDefaultReader};

    pub fn take_over(prompt: String, saved: Vec<Cell>, most: usize, run: RwSignal<Option<Run>>, problem: RwSignal<String>) {
        let Some(form) = document().get_element_by_id("playground").and_then(|el| el.dyn_into::<HtmlFormElement>().ok()) else { return };
        let own = form.clone();
        let listener = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            event.prevent_default();
            match chosen(&own, &saved, most) {
                Ok(chosen) => {
                    problem.set(String::new());
                    start(&prompt, chosen, run);
                }
                Err(why) => problem.set(why),
            }
        });
        let _ = form.add_event_listener_with_callback("submit", listener.as_ref().unchecked_ref());
        listener.forget();
    }

    struct Chosen {
        columns: Vec<(u32, String)>,
        questions: Vec<Cell>,
    }

    fn all(form: &FormData, name: &str) -> Vec<String> {
        form.get_all(name)
            .iter()
            .filter_map(|value| value.as_string())
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
            .collect()
    }

    fn chosen(form: &HtmlFormElement, saved: &[Cell], most: usize) -> Result<Chosen, String> {
        let form = FormData::new_with_form(form).map_err(|_| "The form cannot be read.".to_owned())?;
        let versions: Vec<u32> = all(&form, "version").iter().filter_map(|v| v.parse().ok()).collect();
        let targets = all(&form, "target");
        if let Some(wrong) = targets.iter().find(|target| !target.contains('/')) {
            return Err(format!("`{wrong}` must be like provider/model."));
        }
        let names = all(&form, "case");
        let mut questions: Vec<Cell> = saved.iter().filter(|case| names.contains(&case.name)).cloned().collect();
        if let Some(asks) = all(&form, "asks").pop() {
            let variables = all(&form, "variables").pop().unwrap_or_else(|| "{}".to_owned());
            let variables: Value = serde_json::from_str(&variables)
                .map_err(|e| format!("Values of variables must be a JSON object, like {{\"shop\": \"Acme\"}}: {e}"))?;
            let body = json!({ "messages": [{ "role": "user", "content": asks }], "variables": variables }).to_string();
            questions.push(Cell { name: "What you wrote".to_owned(), asks, body });
        }
        let columns: Vec<(u32, String)> = versions.iter().flat_map(|v| targets.iter().map(|t| (*v, t.clone()))).collect();
        match columns.len() * questions.len() {
            0 => Err("Choose at least one version, one model, and either a saved case or what the user says.".to_owned()),
            n if n > most => Err(format!("Choose less: this would be {n} calls, and {most} are the most at once.")),
            _ => Ok(Chosen { columns, questions }),
        }
    }

    fn start(prompt: &str, chosen: Chosen, run: RwSignal<Option<Run>>) {
        if let Some(earlier) = document().get_element_by_id("playground-results") {
            earlier.set_inner_html("");
        }
        let mut rows = Vec::new();
        for question in chosen.questions {
            let mut cells = Vec::new();
            for (version, target) in &chosen.columns {
                let answer = Answer {
                    text: RwSignal::new(String::new()),
                    facts: RwSignal::new(String::new()),
                    error: RwSignal::new(String::new()),
                    request: RwSignal::new(String::new()),
                    done: RwSignal::new(false),
                };
                let mut body: Value = serde_json::from_str(&question.body).unwrap_or_default();
                let (provider, model) = target.split_once('/').unwrap_or((target, ""));
                for (key, value) in [
                    ("prompt", json!(prompt)),
                    ("version", json!(version)),
                    ("provider", json!(provider)),
                    ("model", json!(model)),
                    ("stream", json!(true)),
                ] {
                    body[key] = value;
                }
                spawn_local(ask(body, answer));
                cells.push(answer);
            }
            rows.push((question.name, question.asks, cells));
        }
        let columns = chosen.columns.into_iter().map(|(version, target)| format!("Version {version} · {target}")).collect();
        run.set(Some(Run { columns, rows }));
    }

    async fn ask(body: Value, answer: Answer) {
        let began = js_sys::Date::now();
        let mut usage = Value::Null;
        if let Err(why) = stream(body, answer, &mut usage).await {
            answer.error.set(why);
        }
        answer.done.set(true);
        let took = js_sys::Date::now() - began;
        let tokens = |name: &str| usage[name].as_u64().unwrap_or(0);
        answer.facts.set(format!("{took:.0} ms · {} + {} tokens · ", tokens("prompt_tokens"), tokens("completion_tokens")));
        add_cost(answer).await;
    }

    async fn stream(body: Value, answer: Answer, usage: &mut Value) -> Result<(), String> {
        let lost = |_| "The connection broke. Please try again.".to_owned();
        let request = Request::post("/api/v1/playground").header("content-type", "application/json").body(body.to_string());
        let response = request.map_err(|e| e.to_string())?.send().await.map_err(|e| e.to_string())?;
        answer.request.set(response.headers().get("x-request-id").unwrap_or_default());
        if !response.ok() {
            return Err(refusal(&response).await);
        }
        let reader: ReadableStreamDefaultReader = match response.body() {
            Some(body) => body.get_reader().unchecked_into(),
            None => return Ok(()),
        };
        let mut held = Vec::new();
        loop {
            let piece = JsFuture::from(reader.read()).await.map_err(lost)?;
            let get = |name: &str| js_sys::Reflect::get(&piece, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED);
            if get("done").is_truthy() {
                return Ok(());
            }
            held.extend(js_sys::Uint8Array::new(&get("value")).to_vec());
            // Events end in an empty line; what is behind the last one waits for more.
            while let Some(end) = held.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = held.drain(..end + 2).collect();
                read(&String::from_utf8_lossy(&event), answer, usage)?;
            }
        }
    }

    fn read(event: &str, answer: Answer, usage: &mut Value) -> Result<(), String> {
        for data in event.lines().filter_map(|line| line.strip_prefix("data:")) {
            let Ok(data) = serde_json::from_str::<Value>(data.trim()) else { continue };
            if let Some(why) = data["error"]["message"].as_str() {
                return Err(why.to_owned());
            }
            let delta = &data["choices"][0]["delta"];
            let call = &delta["tool_calls"][0]["function"];
            for said in [&delta["content"], &call["name"], &call["arguments"]] {
                if let Some(said) = said.as_str() {
                    answer.text.update(|text| text.push_str(said));
                }
            }
            if data["usage"].is_object() {
                *usage = data["usage"].clone();
            }
        }
        Ok(())
    }

    async fn refusal(response: &Response) -> String {
        let said: Value = response.json().await.unwrap_or_default();
        said["error"]["message"].as_str().map_or_else(|| format!("It was refused with status {}.", response.status()), str::to_owned)
    }

    /// What it cost stands in the log, a moment later.
    async fn add_cost(answer: Answer) {
        let id = answer.request.get_untracked();
        for _ in 0..6 {
            sleep(500).await;
            let Ok(found) = Request::get(&format!("/api/v1/requests/{id}")).send().await else { return };
            if found.ok() {
                let call: Value = found.json().await.unwrap_or_default();
                let cost = call["cost"].as_i64().or_else(|| call["summary"]["cost"].as_i64()).unwrap_or(0);
                let cost = crate::parts::format::usd(hypercare::types::Nanodollars(cost));
                answer.facts.update(|facts| facts.extend([cost.as_str(), " USD · "]));
                return;
            }
        }
    }

    async fn sleep(ms: i32) {
        let promise = js_sys::Promise::new(&mut |done, _| {
            let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&done, ms);
        });
        let _ = JsFuture::from(promise).await;
    }
}

#[cfg(not(feature = "hydrate"))]
mod browser {
    use super::{Cell, Run};
    use leptos::prelude::RwSignal;

    pub fn take_over(_: String, _: Vec<Cell>, _: usize, _: RwSignal<Option<Run>>, _: RwSignal<String>) {}
}
