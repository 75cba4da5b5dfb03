//! Bringing in what people said elsewhere: a file of rows.

use crate::pages::shell::{Ctx, Field, FormError, log_and_status};
use crate::parts::format;
use axum::extract::Multipart;
use axum::http::StatusCode;
use axum::response::Response;
use hypercare::feedback::service::intake::{self, Taken};
use hypercare::identity::model::Permission;
use hypercare::types::Fault;
use leptos::prelude::*;

/// Bad rows listed on the page.
const LISTED: usize = 200;

pub async fn form(ctx: Ctx) -> Response {
    if let Err(fault) = ctx.actor().require(Permission::Triage) {
        return ctx.fault(&fault);
    }
    show(&ctx, "import", None, None)
}

fn show(ctx: &Ctx, channel: &str, taken: Option<Taken>, fault: Option<Fault>) -> Response {
    let status = fault.as_ref().map_or(StatusCode::OK, log_and_status);
    let channel = channel.to_owned();
    ctx.page_with(status, "Import feedback", "/feedback", Box::new(move || page(channel, taken, fault.as_ref()).into_any()))
}

fn page(channel: String, taken: Option<Taken>, fault: Option<&Fault>) -> impl IntoView + use<> {
    let fields = fault.map(Fault::fields).unwrap_or_default();
    let whole = fault.filter(|_| !fields.contains_key("channel")).map(|f| {
        if fields.is_empty() {
            f.to_string()
        } else {
            fields.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join(" ")
        }
    });
    view! {
        <div class="page-head"><h1><a class="muted" href="/feedback">"Feedback"</a><span class="muted">" / "</span>"Import"</h1></div>
        {taken.map(|taken| result(&channel, taken))}
        <div class="detail-grid">
            <section class="card"><header><h2>"A file of rows"</h2></header>
                <form method="post" action="/feedback/import" enctype="multipart/form-data" class="stack">
                    <FormError message=whole/>
                    <Field label="Where it comes from" id="channel" error=fields.get("channel").cloned() help="A short name like zendesk or app-store; it is shown beside each piece">
                        <input class="input" id="channel" name="channel" required maxlength="40" value=channel/></Field>
                    <Field label="CSV file" id="file"><input class="input" id="file" name="file" type="file" accept=".csv,text/csv"/></Field>
                    <Field label="Or paste the rows" id="text"><textarea class="input mono" id="text" name="text" rows="6" placeholder="external_id,created_at,rating,comment,user"></textarea></Field>
                    <button class="btn primary">"Import"</button>
                </form>
            </section>
            <section class="card stack"><header><h2>"What the file needs"</h2></header>
                <p>"The first line names the columns. One is needed: "<code>"external_id"</code>", what the other system calls the row. Importing it again changes what is there and doubles nothing."</p>
                <p>"Known: "<code>"created_at"</code>" "<code>"rating"</code>" (up or down) "<code>"stars"</code>" (1–5) "<code>"score"</code>" (0–1) "<code>"comment"</code>" "<code>"correction"</code>" "<code>"user"</code>" "<code>"categories"</code>" "<code>"request_id"</code>". Other columns are kept as they are."</p>
                <p>"Commas or semicolons. Good rows come in even when others are bad; the bad ones are listed by line, with the reason."</p>
            </section>
        </div>
    }
}

fn result(channel: &str, taken: Taken) -> impl IntoView + use<> {
    let count = |n: usize| format::grouped(i64::try_from(n).unwrap_or(i64::MAX));
    let (accepted, new, bad) = (count(taken.accepted), count(taken.new), taken.rejected.len());
    let again = taken.accepted - taken.new;
    let words = format!("{accepted} rows are in: {new} new, {} known and brought up to date.", count(again));
    let link = format!("/feedback?state=&channel={}", crate::pages::requests::encode(channel));
    let rows = taken
        .rejected
        .into_iter()
        .take(LISTED)
        .map(|r| view! { <tr><td class="num">{r.line}</td><td>{r.field}</td><td>{r.reason}</td></tr> })
        .collect_view();
    let more = (bad > LISTED).then(|| view! { <p class="muted">{format!("And {} more.", count(bad - LISTED))}</p> });
    let refused = (bad > 0).then(|| {
        view! {
            <h2>{format!("{} rows are not in", count(bad))}</h2>
            <div class="scroll"><table><caption class="visually-hidden">"Rows that are not in"</caption><thead><tr><th scope="col" class="num">"Line"</th><th scope="col">"Column"</th><th scope="col">"What is wrong"</th></tr></thead><tbody>{rows}</tbody></table></div>
            {more}
            <p class="muted">"Correct them in the file and import it again: what is in already stays as it is."</p>
        }
    });
    view! { <section class="card stack made" role="status"><p>{words}" "<a class="link" href=link>"Show them"</a></p>{refused}</section> }
}

pub async fn import(ctx: Ctx, mut parts: Multipart) -> Response {
    let (mut channel, mut file, mut text) = (String::new(), Vec::new(), Vec::new());
    loop {
        match parts.next_field().await {
            Ok(Some(field)) => {
                let name = field.name().unwrap_or_default().to_owned();
                match (name.as_str(), field.bytes().await) {
                    ("channel", Ok(bytes)) => String::from_utf8_lossy(&bytes).trim().clone_into(&mut channel),
                    ("file", Ok(bytes)) => file = bytes.to_vec(),
                    ("text", Ok(bytes)) => text = bytes.to_vec(),
                    (_, Ok(_)) => {}
                    (_, Err(e)) => {
                        return show(&ctx, &channel, None, Some(Fault::field("file", format!("could not be read: {}", e.body_text()))));
                    }
                }
            }
            Ok(None) => break,
            Err(e) => return show(&ctx, &channel, None, Some(Fault::field("file", format!("could not be read: {}", e.body_text())))),
        }
    }
    let csv = if file.is_empty() { text } else { file };
    if csv.iter().all(u8::is_ascii_whitespace) {
        return show(&ctx, &channel, None, Some(Fault::field("file", "is empty: choose a file or paste rows")));
    }
    match intake::import(&ctx.app, &ctx.actor(), &channel, &csv).await {
        Ok(taken) => show(&ctx, &channel, Some(taken), None),
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show(&ctx, &channel, None, Some(fault)),
    }
}
