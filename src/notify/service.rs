//! What may happen to channels, and how news get on their way.

use super::model::{Channel, Delivery, EVENTS};
use super::signature;
use super::store::{self, ChannelRow};
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::identity::service::{Change, note};
use crate::server::App;
use crate::types::Fault;
use serde_json::Value;
use sqlx::types::Json;
use std::collections::BTreeMap;

/// A channel as a person describes it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    /// The address that is posted to.
    pub url: String,
    /// Signs what is sent; empty leaves the one it has, or makes one.
    #[serde(default)]
    pub secret: String,
    /// Whether addresses inside one's own network are allowed.
    #[serde(default)]
    pub allow_private: bool,
    /// What it is told.
    pub events: Vec<String>,
}

/// Puts news on their way to every channel that wants them. They are rows before this returns.
pub(crate) async fn tell(app: &App, event: &str, content: &Value) -> Result<(), Fault> {
    for channel in store::channels(app.db()).await? {
        if channel.disabled.is_none() && channel.events.0.iter().any(|wanted| wanted == event) {
            store::enqueue(app.db(), &channel.name, event, content, app.now()).await?;
        }
    }
    Ok(())
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
    actor.require(Permission::ManageChannels)?;
    check(name, &new)?;
    let before = store::channel(app.db(), name).await?;
    let mut made = None;
    let sealed = match (new.secret.trim(), before.as_ref().and_then(|b| b.secret_sealed.clone())) {
        ("", Some(sealed)) => sealed,
        ("", None) => {
            use base64::Engine as _;
            let token = crate::identity::crypto::random_token(24)?;
            let secret = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(token.as_bytes()));
            let sealed = app.master_key().seal(&context(name), &signature::key_of(&secret))?;
            made = Some(secret);
            sealed
        }
        (secret, _) => app.master_key().seal(&context(name), &signature::key_of(secret))?,
    };
    let row = ChannelRow {
        name: name.to_owned(),
        address: new.url.trim().to_owned(),
        secret_sealed: Some(sealed),
        allow_private: new.allow_private,
        events: Json(new.events),
        disabled: None,
        created_at: before.as_ref().map_or_else(|| app.now(), |b| b.created_at),
    };
    let mut tx = app.db().begin().await?;
    store::put_channel(&mut tx, &row).await?;
    let (was, is) = (before.as_ref().map(ChannelRow::channel), row.channel());
    note(app, &mut tx, actor, Change::new("notify.channel.save", name).before(&was).after(&is)).await?;
    tx.commit().await?;
    Ok((is, made))
}

fn check(name: &str, new: &NewChannel) -> Result<(), Fault> {
    let mut wrong = BTreeMap::new();
    if name.is_empty() || name.len() > 40 || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        wrong.insert("name".to_owned(), "must be 1 to 40 letters, digits, `-` or `_`".to_owned());
    }
    let url = reqwest::Url::parse(new.url.trim()).ok();
    if !url.as_ref().is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some()) {
        wrong.insert("url".to_owned(), "must be an address like https://example.org/hook".to_owned());
    } else if !new.allow_private && url.is_some_and(|url| is_inside(&url)) {
        wrong.insert("url".to_owned(), "is inside this network; allow that if it is meant".to_owned());
    }
    if !new.secret.trim().is_empty() && new.secret.trim().len() < 16 {
        wrong.insert("secret".to_owned(), "must have at least 16 characters".to_owned());
    }
    if new.events.is_empty() || new.events.iter().any(|event| !EVENTS.iter().any(|(known, _)| known == event)) {
        let known = EVENTS.map(|(word, _)| word).join(", ");
        wrong.insert("events".to_owned(), format!("must name some of {known}"));
    }
    Fault::check(wrong)
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
