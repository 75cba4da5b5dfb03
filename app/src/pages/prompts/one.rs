//! The page of one prompt.

use super::editor::{Typed, version_form};
use super::labels::{guard_form, label_card, move_form, waiting_card};
use crate::pages::asked::Query;
use crate::pages::requests::encode;
use crate::pages::shell::Ctx;
use crate::parts::format;
use crate::parts::items::Ago;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use hypercare::identity::locks::{self, Lock};
use hypercare::identity::model::Permission;
use hypercare::prompts::diff;
use hypercare::prompts::model::{Approval, LabelChange, Prompt, PromptMessage, PromptVersion, Use, VersionContent};
use hypercare::prompts::service::{self, labels};
use hypercare::server::App;
use hypercare::telemetry::model::{Range, VersionNumbers};
use hypercare::types::{Fault, Instant};
use leptos::prelude::*;
use serde::Deserialize;
use std::collections::HashMap;

/// Versions shown with their text; older ones are a line.
const SHOWN: usize = 3;

/// What the page shows beside the prompt.
pub(super) struct Around {
    pub approvals: Vec<Approval>,
    pub history: Vec<LabelChange>,
    pub uses: Vec<Use>,
    pub numbers: Vec<VersionNumbers>,
    pub range: Range,
    pub lock: Option<Lock>,
    /// Whether this person may write versions and move labels, and nothing is locked.
    pub may: bool,
    pub may_protect: bool,
    pub me: String,
    pub now: Instant,
}

#[derive(Deserialize)]
struct Span {
    #[serde(default)]
    range: Option<Range>,
}

async fn around(ctx: &Ctx, name: &str, range: Range) -> Result<Around, Fault> {
    let (app, actor) = (&ctx.app, ctx.actor());
    let lock = locks::of(app, "prompt", name).await?;
    let free = lock.is_none();
    Ok(Around {
        approvals: labels::list_approvals(app, &actor, true, Some(name)).await?,
        history: labels::history(app, &actor, name).await?,
        uses: service::used_by(app, &actor, name).await?,
        numbers: hypercare::telemetry::service::by_version(app, &actor, name, range).await?,
        range,
        lock,
        may: free && actor.may(Permission::WritePrompts),
        may_protect: free && actor.may(Permission::WriteRoutes),
        me: actor.name(),
        now: app.now(),
    })
}

async fn one(ctx: Ctx, Path(name): Path<String>, Query(span): Query<Span>) -> Response {
    match service::get(&ctx.app, &ctx.actor(), &name).await {
        Ok(prompt) => {
            let typed = Typed::from_newest(&prompt);
            show_with(&ctx, StatusCode::OK, prompt, Editing { typed, fault: None, preview: None }, span.range.unwrap_or(Range::Day)).await
        }
        Err(fault) => ctx.fault(&fault),
    }
}

struct Editing {
    typed: Typed,
    fault: Option<Fault>,
    preview: Option<Vec<PromptMessage>>,
}

/// The page with a form as it was typed.
pub(super) async fn show(
    ctx: &Ctx,
    status: StatusCode,
    prompt: Prompt,
    typed: Typed,
    fault: Option<Fault>,
    preview: Option<Vec<PromptMessage>>,
) -> Response {
    show_with(ctx, status, prompt, Editing { typed, fault, preview }, Range::Day).await
}

async fn show_with(ctx: &Ctx, status: StatusCode, prompt: Prompt, editing: Editing, range: Range) -> Response {
    match around(ctx, &prompt.name, range).await {
        Ok(around) => {
            let title = prompt.name.clone();
            ctx.page_with(status, &title, "/prompts", Box::new(move || view_of(prompt, around, editing).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn view_of(prompt: Prompt, around: Around, editing: Editing) -> impl IntoView {
    let base = format!("/prompts/{}", encode(&prompt.name));
    let Editing { typed, fault, preview } = editing;
    let editor = around.may.then(|| {
        view! { <section class="card stack" id="new-version"><header><h2>"New version"</h2><span class="small muted">"starts from the newest"</span></header>{version_form(typed, fault.as_ref(), preview, false)}</section> }
    });
    let lock = around.lock.clone().map(|lock| {
        view! { <p class="note" role="note"><b>"Read-only here."</b>" "{lock.reason}</p> }
    });
    let newest = prompt.versions.first().map_or(1, |v| v.version);
    let compare =
        (newest > 1).then(|| view! { <a class="btn" href=format!("{base}/compare?from={}&to={newest}", newest - 1)>"Compare"</a> });
    let write = around.may.then(|| view! { <a class="btn" href="#new-version">"New version"</a> });
    let labels = view! {
        {waiting_card(&prompt, &around)}
        {label_card(&prompt, &around)}
        {around.may.then(|| move_form(&prompt))}
        {guard_form(&prompt, &around)}
    };
    view! {
        <div class="page-head"><h1><a class="muted" href="/prompts">"Prompts"</a><span class="muted">" / "</span>{prompt.name.clone()}</h1>
            <span class="row">{write}{compare}<a class="btn" href=format!("{base}/cases")>"Saved cases"</a><a class="btn" href=format!("{base}/playground")>"Playground"</a></span></div>
        {lock}
        {numbers_card(&prompt, &around)}
        <div class="detail-grid">
            <div class="stack">{versions_card(&prompt, around.now)}{editor}</div>
            <div class="stack">{labels}</div>
        </div>
    }
}

fn versions_card(prompt: &Prompt, now: Instant) -> impl IntoView + use<> {
    let shown =
        prompt.versions.iter().take(SHOWN).enumerate().map(|(i, v)| version_view(prompt, v, prompt.versions.get(i + 1), now).into_any());
    let shown = shown.collect_view();
    let older = prompt.versions.iter().skip(SHOWN).map(|v| older_view(prompt, v, now).into_any()).collect::<Vec<_>>();
    let older = (!older.is_empty()).then(|| {
        let words = format!("{} older versions", older.len());
        view! { <details class="more"><summary>{words}</summary><ol class="timeline">{older}</ol></details> }
    });
    view! {
        <section class="card stack" aria-label="Versions"><header><h2>"Versions"</h2><span class="small muted">"they never change once saved"</span></header>
            <ol class="timeline">{shown}</ol>{older}</section>
    }
}

fn head(prompt: &Prompt, v: &PromptVersion, now: Instant) -> impl IntoView + use<> {
    let labels = prompt.labels.iter().filter(|l| l.version == v.version);
    let labels =
        labels.map(|l| view! { <span class="badge info" title=format!("moved by {}", l.moved_by)>{l.label.clone()}</span> }).collect_view();
    view! {
        <div class="row wide" id=format!("v{}", v.version)><span class="row"><b>{format!("Version {}", v.version)}</b>{labels}</span><span class="small muted"><Ago at=v.created_at now=now/>" · "{v.author.clone()}</span></div>
        {(!v.content.note.is_empty()).then(|| view! { <p class="muted">{v.content.note.clone()}</p> })}
    }
}

fn older_view(prompt: &Prompt, v: &PromptVersion, now: Instant) -> impl IntoView + use<> {
    let href = format!("/prompts/{}/compare?from={}&to={}", encode(&prompt.name), v.version.saturating_sub(1).max(1), v.version);
    view! { <li>{head(prompt, v, now)}<a class="link small" href=href>"Text and changes"</a></li> }
}

fn version_view(prompt: &Prompt, v: &PromptVersion, before: Option<&PromptVersion>, now: Instant) -> impl IntoView + use<> {
    let parts = diff::versions(&before.unwrap_or(v).content, &v.content);
    // What stayed beside the messages is told in a line.
    let parts = parts.into_iter().filter(|part| part.changed || part.name.starts_with("Message"));
    view! { <li>{head(prompt, v, now)}{parts.map(|part| part_view(part).into_any()).collect_view()}<p class="small mono">{summary(&v.content)}</p></li> }
}

/// Settings, variables and tools in a line.
fn summary(content: &VersionContent) -> String {
    let settings = content.parameters.iter().map(|(k, v)| format!("{k} = {v}"));
    let names = |what: &str, names: Vec<&str>| (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")));
    let variables = names("variables", content.variables.keys().map(String::as_str).collect());
    let tools = names("tools", content.tools.iter().filter_map(|tool| tool["function"]["name"].as_str()).collect());
    let shape = content.response_format.as_ref().and_then(|format| Some(format!("answer: {}", format["type"].as_str()?)));
    settings.chain(variables).chain(tools).chain(shape).collect::<Vec<_>>().join(" · ")
}

/// A part of a version with what changed in it marked.
pub(super) fn part_view(part: diff::Part) -> impl IntoView {
    let pieces = part.pieces.into_iter().map(|piece| match piece.kind {
        diff::Kind::Same => piece.text.into_any(),
        diff::Kind::Added => view! { <ins>{piece.text}</ins> }.into_any(),
        diff::Kind::Removed => view! { <del>{piece.text}</del> }.into_any(),
    });
    view! { <div class="bubble instructions"><span class="small muted">{part.name}</span><p>{pieces.collect_view()}</p></div> }
}

fn numbers_card(prompt: &Prompt, around: &Around) -> impl IntoView + use<> {
    let base = format!("/prompts/{}", encode(&prompt.name));
    let ranges = Range::ALL.map(|range| {
        let current = (range == around.range).then_some("page");
        view! { <a class="btn quiet" href=format!("{base}?range={}", range.as_str()) aria-current=current>{range.as_str()}</a> }
    });
    let before: HashMap<u32, &VersionNumbers> = around.numbers.iter().map(|n| (n.version, n)).collect();
    let rows = around.numbers.iter().map(|n| {
        let earlier = (1..n.version).rev().find_map(|v| before.get(&v).copied());
        number_row(&prompt.name, n, earlier).into_any()
    });
    let rows = rows.collect::<Vec<_>>();
    let empty = rows.is_empty().then(|| {
        view! { <p class="empty">"No call used this prompt in this span. Calls, cost and feedback of each version appear here within a minute."</p> }
    });
    let table = (!rows.is_empty()).then(|| {
        view! {
            <div class="scroll"><table>
                <caption class="visually-hidden">"Numbers per version, each against the version before it"</caption>
                <thead><tr><th scope="col">"Version"</th><th scope="col">"Calls"</th><th scope="col" class="num">"Errors"</th><th scope="col" class="num">"Latency, p95"</th>
                    <th scope="col" class="num">"Tokens a call"</th><th scope="col" class="num">"USD per 1,000 calls"</th><th scope="col" class="num">"Thumbs up"</th><th scope="col">"Complaints"</th></tr></thead>
                <tbody>{rows}</tbody></table></div>
        }
    });
    view! {
        <section class="card" aria-label="Numbers per version"><header><h2>"Numbers per version"</h2><nav class="row" aria-label="Span">{ranges.collect_view()}</nav></header>{table}{empty}</section>
    }
}

/// A number with its change against the version before, where both are known.
fn compared(text: String, now: Option<f64>, before: Option<f64>) -> impl IntoView {
    let change = now.zip(before).and_then(|(now, before)| format::change(now, before));
    view! { <td class="num nowrap">{text}{change.map(|c| view! { <span class="small muted">" "{c}</span> })}</td> }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn number_row(prompt: &str, n: &VersionNumbers, before: Option<&VersionNumbers>) -> impl IntoView + use<> {
    let per_call =
        |of: fn(&VersionNumbers) -> f64| move |n: &VersionNumbers| (n.totals.requests > 0).then(|| of(n) / n.totals.requests as f64);
    let tokens = per_call(|n| (n.totals.input_tokens + n.totals.output_tokens) as f64);
    let cost = per_call(|n| n.totals.cost.usd() * 1_000.0);
    let percent = |share: Option<f64>| share.map_or(format::NONE.to_owned(), |s| format!("{} %", format::percent(s)));
    let latency = |n: &VersionNumbers| n.totals.latency_p95_us;
    let t = &n.totals;
    let bars = spark(&n.requests);
    let categories =
        n.categories.iter().take(3).map(|(name, count)| format!("{} {count}", name.replace('_', " "))).collect::<Vec<_>>().join(", ");
    #[expect(clippy::cast_possible_truncation, reason = "a duration in microseconds")]
    let p95 = latency(n).map_or(format::NONE.to_owned(), |us| format::duration(us as i64));
    let calls = format!("/requests?prompt={}%40{}", encode(prompt), n.version);
    view! {
        <tr>
            <th scope="row"><a class="link" href=format!("#v{}", n.version)>{format!("Version {}", n.version)}</a></th>
            <td class="nowrap"><span class="row"><a class="link num" href=calls>{format::count(t.requests)}</a>{bars}</span></td>
            {compared(percent(t.error_rate()), t.error_rate(), before.and_then(|b| b.totals.error_rate()))}
            {compared(p95, latency(n), before.and_then(latency))}
            {compared(tokens(n).map_or(format::NONE.to_owned(), |v| format!("{v:.0}")), tokens(n), before.and_then(tokens))}
            {compared(cost(n).map_or(format::NONE.to_owned(), |v| format!("{v:.4}")), cost(n), before.and_then(cost))}
            {compared(percent(t.thumbs_up_share()), t.thumbs_up_share(), before.and_then(|b| b.totals.thumbs_up_share()))}
            <td class="small">{categories}</td>
        </tr>
    }
}

/// Calls over the span as a small line.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn spark(requests: &[i64]) -> impl IntoView + use<> {
    use crate::parts::chart::{Frame, line};
    let max = requests.iter().copied().max().unwrap_or(0).max(1) as f64;
    let frame = Frame { left: 0.0, top: 2.0, width: 90.0, height: 18.0, max };
    let path = line(&frame, &requests.iter().map(|n| Some(*n as f64)).collect::<Vec<_>>());
    view! { <svg class="spark" viewBox="0 0 90 22" width="90" height="22" aria-hidden="true"><path d=path fill="none" stroke="var(--series-1)" stroke-width="1.5"/></svg> }
}

pub(super) fn router() -> Router<App> {
    Router::new().route("/prompts/{name}", get(one))
}
