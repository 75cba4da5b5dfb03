//! What may happen to channels, and how news get on their way.

use super::model::{Channel, ChannelKind, Delivery, EVENTS, REPORTERS};
use super::signature;
use super::store::{self, ChannelRow};
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::identity::service::{Change, note};
use crate::server::App;
use crate::store::Tx;
use crate::types::Fault;
use serde_json::{Value, json};
use sqlx::types::Json;
use std::collections::{BTreeMap, BTreeSet};

/// A channel as a person describes it.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    /// How it takes news there; a webhook, if it is not said.
    #[serde(default = "webhook")]
    pub kind: ChannelKind,
    /// Of a webhook: the address that is posted to.
    #[serde(default)]
    pub url: String,
    /// Of e-mail: addresses, and `reporters`.
    #[serde(default)]
    pub to: Vec<String>,
    /// Signs what is posted; empty leaves the one it has, or makes one.
    #[serde(default)]
    pub secret: String,
    /// Whether addresses inside one's own network are allowed.
    #[serde(default)]
    pub allow_private: bool,
    /// What it is told; everything, if it is not said.
    #[serde(default = "everything")]
    pub events: Vec<String>,
}

const fn webhook() -> ChannelKind {
    ChannelKind::Webhook
}

/// All that can be told.
pub(crate) fn everything() -> Vec<String> {
    EVENTS.iter().map(|(word, _)| (*word).to_owned()).collect()
}

/// Puts news on their way to every channel that wants them. They are rows before this returns.
pub(crate) async fn tell(app: &App, event: &str, content: &Value) -> Result<(), Fault> {
    for channel in store::channels(app.db()).await? {
        if channel.disabled.is_none() && channel.events.0.iter().any(|wanted| wanted == event) {
            for content in letters(&channel, event, content) {
                store::enqueue(app.db(), &channel.name, event, &content, app.now()).await?;
            }
        }
    }
    Ok(())
}

/// What goes out to a channel: one letter, and by e-mail one to each reporter of what was fixed, who do not see each other.
fn letters(channel: &ChannelRow, event: &str, content: &Value) -> Vec<Value> {
    if channel.kind == ChannelKind::Webhook {
        return vec![content.clone()];
    }
    let addressed = |to: Value| {
        let mut letter = content.clone();
        if let Some(object) = letter.as_object_mut() {
            object.remove("reporters");
            object.insert("to".to_owned(), to);
        }
        letter
    };
    let mut recipients = channel.recipients();
    let reporters = recipients.iter().any(|to| to == REPORTERS);
    recipients.retain(|to| to != REPORTERS);
    let mut letters: Vec<Value> = if recipients.is_empty() { Vec::new() } else { vec![addressed(json!(recipients))] };
    if reporters && event == "feedback.resolved" {
        let list = content["reporters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let people: BTreeSet<&str> = list.iter().filter_map(|reporter| reporter["email"].as_str()).collect();
        letters.extend(people.into_iter().map(|to| {
            let mut letter = addressed(json!([to]));
            letter["reporter"] = true.into();
            letter
        }));
    }
    letters
}

/// Channels, by name.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Channel>, Fault> {
    actor.require(Permission::ManageChannels)?;
    Ok(store::channels(app.db()).await?.iter().map(ChannelRow::channel).collect())
}

/// The newest deliveries to a channel.
pub async fn deliveries(app: &App, actor: &Actor, channel: &str) -> Result<Vec<Delivery>, Fault> {
    actor.require(Permission::ManageChannels)?;
    Ok(store::deliveries(app.db(), channel).await?)
}

/// Sets a channel up, or changes it. Gives the secret when it was made here: it is shown this once.
pub async fn save(app: &App, actor: &Actor, name: &str, new: NewChannel) -> Result<(Channel, Option<String>), Fault> {
    let mut tx = app.db().begin().await?;
    let saved = put(app, &mut tx, actor, name, new).await?;
    tx.commit().await?;
    Ok((saved.channel, saved.secret))
}

/// What saving a channel did.
pub(crate) struct Saved {
    pub channel: Channel,
    /// The secret, when it was made here.
    pub secret: Option<String>,
    /// Whether anything is different from before.
    pub changed: bool,
}

/// [`save`] within a larger transaction.
pub(crate) async fn put(app: &App, tx: &mut Tx, actor: &Actor, name: &str, new: NewChannel) -> Result<Saved, Fault> {
    actor.require(Permission::ManageChannels)?;
    check(app, name, &new)?;
    let before = store::channel_in(tx, name).await?;
    let former = before.as_ref().and_then(|b| b.secret_sealed.clone());
    let (sealed, secret) = seal(app, name, &new, former.clone())?;
    let address = match new.kind {
        ChannelKind::Webhook => new.url.trim().to_owned(),
        ChannelKind::Email => new.to.iter().map(|to| to.trim().to_lowercase()).collect::<Vec<_>>().join(" "),
    };
    let row = ChannelRow {
        name: name.to_owned(),
        kind: new.kind,
        address,
        secret_sealed: sealed,
        allow_private: new.allow_private,
        events: Json(new.events),
        disabled: None,
        created_at: before.as_ref().map_or_else(|| app.now(), |b| b.created_at),
    };
    let (was, channel) = (before.as_ref().map(ChannelRow::channel), row.channel());
    let changed = was.as_ref() != Some(&channel) || former != row.secret_sealed;
    if changed {
        store::put_channel(tx, &row).await?;
        note(app, tx, actor, Change::new("notify.channel.save", name).before(&was).after(&channel)).await?;
    }
    Ok(Saved { channel, secret, changed })
}

/// The secret of a webhook, sealed: the one given, the one it has, or a new one, which is given back in plain.
fn seal(app: &App, name: &str, new: &NewChannel, former: Option<Vec<u8>>) -> Result<(Option<Vec<u8>>, Option<String>), Fault> {
    use base64::Engine as _;
    let given = new.secret.trim();
    if new.kind == ChannelKind::Email {
        return Ok((None, None));
    }
    let context = context(name);
    if given.is_empty() {
        if former.is_some() {
            return Ok((former, None));
        }
        let token = crate::identity::crypto::random_token(24)?;
        let secret = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(token.as_bytes()));
        return Ok((Some(app.master_key().seal(&context, &signature::key_of(&secret))?), Some(secret)));
    }
    let key = signature::key_of(given);
    // Sealing the same again gives other bytes; a file that is applied twice changes nothing.
    let same = former.as_deref().and_then(|sealed| app.master_key().open(&context, sealed).ok()).is_some_and(|open| open == key);
    if same { Ok((former, None)) } else { Ok((Some(app.master_key().seal(&context, &key)?), None)) }
}

fn check(app: &App, name: &str, new: &NewChannel) -> Result<(), Fault> {
    let mut wrong = BTreeMap::new();
    if name.is_empty() || name.len() > 40 || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        wrong.insert("name".to_owned(), "must be 1 to 40 letters, digits, `-` or `_`".to_owned());
    }
    match new.kind {
        ChannelKind::Webhook => check_webhook(new, &mut wrong),
        ChannelKind::Email => check_email(app, new, &mut wrong),
    }
    if new.events.is_empty() || new.events.iter().any(|event| !EVENTS.iter().any(|(known, _)| known == event)) {
        let known = EVENTS.map(|(word, _)| word).join(", ");
        wrong.insert("events".to_owned(), format!("must name some of {known}"));
    }
    Fault::check(wrong)
}

fn check_webhook(new: &NewChannel, wrong: &mut BTreeMap<String, String>) {
    let url = reqwest::Url::parse(new.url.trim()).ok();
    if !url.as_ref().is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some()) {
        wrong.insert("url".to_owned(), "must be an address like https://example.org/hook".to_owned());
    } else if !new.allow_private && url.is_some_and(|url| is_inside(&url)) {
        wrong.insert("url".to_owned(), "is inside this network; allow that if it is meant".to_owned());
    }
    if !new.secret.trim().is_empty() && new.secret.trim().len() < 16 {
        wrong.insert("secret".to_owned(), "must have at least 16 characters".to_owned());
    }
    if !new.to.is_empty() {
        wrong.insert("to".to_owned(), "belongs to e-mail; a webhook has a `url`".to_owned());
    }
}

fn check_email(app: &App, new: &NewChannel, wrong: &mut BTreeMap<String, String>) {
    let bad = new.to.iter().find(|to| to.trim() != REPORTERS && to.trim().parse::<lettre::Address>().is_err());
    if new.to.is_empty() {
        wrong.insert("to".to_owned(), format!("is missing: give addresses, or `{REPORTERS}`"));
    } else if let Some(bad) = bad {
        wrong.insert("to".to_owned(), format!("`{bad}` is neither an e-mail address nor `{REPORTERS}`"));
    }
    if !new.url.trim().is_empty() {
        wrong.insert("url".to_owned(), "belongs to webhooks; e-mail has `to`".to_owned());
    }
    if app.settings().mail.is_none() {
        wrong.insert("kind".to_owned(), "needs a mail server: start hypercare with HYPERCARE_SMTP_URL".to_owned());
    }
}

/// Whether it can be seen already; names are looked up when something goes out.
fn is_inside(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(super::address::is_private)
}

pub(super) fn context(name: &str) -> String {
    format!("notify:{name}")
}

/// Deletes a channel and what is on its way to it.
pub async fn delete(app: &App, actor: &Actor, name: &str) -> Result<(), Fault> {
    actor.require(Permission::ManageChannels)?;
    let before = store::channel(app.db(), name).await?.ok_or_else(|| Fault::NotFound(format!("There is no channel `{name}`.")))?;
    let mut tx = app.db().begin().await?;
    store::delete_channel(&mut tx, name).await?;
    note(app, &mut tx, actor, Change::new("notify.channel.delete", name).before(&before.channel())).await?;
    Ok(tx.commit().await?)
}
