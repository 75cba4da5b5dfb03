//! Delivers what is due.

use super::address::is_private;
use super::mail::{self, Failed};
use super::model::ChannelKind;
use super::store::{self, ChannelRow, Due};
use super::{service, signature};
use crate::server::App;
use crate::types::{Duration, Instant};
use reqwest::redirect::Policy;
use serde_json::json;
use std::net::SocketAddr;
use tokio::time::{self, MissedTickBehavior};

/// How long a receiver may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
/// Between two looks for what is due.
const LOOK: std::time::Duration = std::time::Duration::from_millis(500);
/// When a try that was begun counts as lost: the server stopped in the middle of it.
const LOST: Duration = Duration(60 * 1_000_000);
/// Waits between tries, in seconds: ten tries over 75 hours, as Standard Webhooks recommends.
const WAITS: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// What came of a try.
enum Answer {
    Delivered(String),
    /// The receiver is gone: the channel is switched off.
    Gone,
    /// Trying again makes no sense.
    Refused(String),
    Failed(String),
}

/// Every half second: what is due goes out.
pub(crate) async fn deliver(app: App) {
    let mut tick = time::interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let now = app.now();
        match due(&app, now).await {
            Ok(due) => {
                let tries = due.into_iter().map(|one| attempt(&app, one));
                futures_util::future::join_all(tries).await;
            }
            Err(e) => tracing::warn!(error = %e, "what is to be delivered cannot be read now"),
        }
    }
}

async fn due(app: &App, now: Instant) -> Result<Vec<Due>, sqlx::Error> {
    if !store::anything_due(app.db(), now).await? {
        return Ok(Vec::new());
    }
    store::take_due(app.db(), now, now.plus(LOST)).await
}

async fn attempt(app: &App, due: Due) {
    let (id, channel) = (due.id.clone(), due.channel.clone());
    let tries = usize::try_from(due.attempts).unwrap_or(usize::MAX);
    let answer = send(app, &due).await;
    let now = app.now();
    let settled = match answer {
        Answer::Delivered(words) => store::settle(app.db(), &id, None, &words, Some(now)).await,
        Answer::Refused(words) => {
            tracing::info!(channel, event = due.event, tries, error = words, "news were refused for good");
            store::settle(app.db(), &id, None, &words, None).await
        }
        Answer::Gone => store::disable(app.db(), &channel, "The receiver answered 410: it is gone.").await,
        Answer::Failed(words) => {
            let next: Option<Instant> = WAITS.get(tries.saturating_sub(1)).map(|wait| now.plus(Duration::SECOND.times(*wait)));
            tracing::info!(channel, event = due.event, tries, error = words, "news could not be delivered");
            store::settle(app.db(), &id, next, &words, None).await
        }
    };
    if let Err(e) = settled {
        // It stays taken until LOST and is then tried again: at least once.
        tracing::warn!(error = %e, channel, "what came of a delivery could not be written down");
    }
}

fn cut(why: &str) -> String {
    why.chars().take(300).collect()
}

async fn send(app: &App, due: &Due) -> Answer {
    let channel = match store::channel(app.db(), &due.channel).await {
        Ok(Some(channel)) => channel,
        Ok(None) => return Answer::Refused("the channel is gone".to_owned()),
        Err(e) => return Answer::Failed(cut(&e.to_string())),
    };
    match (channel.kind, &app.settings().mail) {
        (ChannelKind::Webhook, _) => post(app, due, &channel).await,
        (ChannelKind::Email, None) => Answer::Failed("no mail server is set: HYPERCARE_SMTP_URL".to_owned()),
        (ChannelKind::Email, Some(mail)) => match mail::send(mail, &due.id, &due.event, &due.content.0).await {
            Ok(()) => Answer::Delivered("taken by the mail server".to_owned()),
            Err(Failed::ForGood(why)) => Answer::Refused(cut(&why)),
            Err(Failed::ForNow(why)) => Answer::Failed(cut(&why)),
        },
    }
}

async fn post(app: &App, due: &Due, channel: &ChannelRow) -> Answer {
    let failed = |why: &str| Answer::Failed(cut(why));
    let Ok(url) = reqwest::Url::parse(&channel.address) else { return failed("its address is none") };
    let addresses = match addresses(&url, channel.allow_private).await {
        Ok(addresses) => addresses,
        Err(why) => return failed(&why),
    };
    let Some(key) =
        channel.secret_sealed.as_deref().and_then(|sealed| app.master_key().open(&service::context(&channel.name), sealed).ok())
    else {
        return failed("its secret cannot be read with this master key");
    };
    let body = json!({ "type": due.event, "timestamp": due.created_at.rfc3339(), "data": due.content.0 }).to_string();
    let timestamp = app.now().0 / 1_000_000;
    let host = url.host_str().unwrap_or_default().to_owned();
    // The name is not looked up again: what was checked is what is called.
    let client =
        reqwest::Client::builder().timeout(PATIENCE).redirect(Policy::none()).no_proxy().resolve_to_addrs(&host, &addresses).build();
    let client = match client {
        Ok(client) => client,
        Err(e) => return failed(&e.to_string()),
    };
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", due.id.as_str())
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature::sign(&key, due.id.as_str(), timestamp, &body))
        .body(body);
    match request.send().await {
        Ok(response) if response.status().is_success() => Answer::Delivered(format!("answered {}", response.status().as_u16())),
        Ok(response) if response.status().as_u16() == 410 => Answer::Gone,
        Ok(response) => failed(&format!("answered {}", response.status().as_u16())),
        Err(e) => failed(&e.without_url().to_string()),
    }
}

async fn addresses(url: &reqwest::Url, allow_private: bool) -> Result<Vec<SocketAddr>, String> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(443);
    let found: Vec<_> = tokio::net::lookup_host((host, port)).await.map_err(|e| format!("its name is not known: {e}"))?.collect();
    if !allow_private && found.iter().any(|a| is_private(a.ip())) {
        return Err("its address is inside this network, which this channel does not allow".to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_take_three_days() {
        assert_eq!(WAITS.iter().sum::<i64>() / 3_600, 75);
    }
}
