//! News from other trackers: GitHub, Jira and Linear tell by signed webhooks what happened to the page an issue is linked to.

use super::write;
use crate::issues::model::EventKind;
use crate::issues::store::{self, Wanted};
use crate::notify::signature::Signed;
use crate::server::App;
use crate::types::Fault;
use serde_json::Value;

/// What a tracker tells.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    /// The page it is about.
    url: String,
    /// In words.
    words: String,
}

/// Reads what any of the three sends; nothing when it is not about an issue.
fn read(body: &Value) -> Option<Told> {
    let text = |path: &str| body.pointer(path).and_then(Value::as_str);
    if let Some(url) = text("/issue/html_url") {
        let action = text("/action").unwrap_or("changed");
        let comment = text("/comment/body").map(|c| format!(": {c}")).unwrap_or_default();
        let what = if comment.is_empty() { action.to_owned() } else { format!("comment {action}{comment}") };
        return Some(Told { url: url.to_owned(), words: format!("GitHub: {what}") });
    }
    if let (Some(key), Some(api)) = (text("/issue/key"), text("/issue/self")) {
        let host = api.split("/rest/").next()?;
        let status = text("/issue/fields/status/name").unwrap_or("changed");
        return Some(Told { url: format!("{host}/browse/{key}"), words: format!("Jira: {status}") });
    }
    if text("/type") == Some("Issue") {
        let url = text("/url").or_else(|| text("/data/url"))?;
        let state = text("/data/state/name").or_else(|| text("/action")).unwrap_or("changed");
        return Some(Told { url: url.to_owned(), words: format!("Linear: {state}") });
    }
    None
}

/// Takes what a tracker tells, signed with the secret of that channel of intake. Gives the number of the issue it was about, if one is linked.
pub async fn take(app: &App, channel: &str, signed: Option<Signed<'_>>, body: &[u8]) -> Result<Option<i64>, Fault> {
    let refused = || Fault::Unauthorised("The signature is not one of this channel’s secret, or is too old.".to_owned());
    crate::feedback::service::intake::verify(app, channel, signed.ok_or_else(refused)?, body).await?;
    let body: Value = serde_json::from_slice(body).map_err(|e| Fault::field("body", format!("is not JSON: {e}")))?;
    let Some(told) = read(&body) else { return Ok(None) };
    let wanted = Wanted { url: Some(told.url.clone()), ..Wanted::default() };
    let Some(issue) = store::list(app.db(), &wanted, None, 1).await?.into_iter().next() else { return Ok(None) };
    let words: String = told.words.chars().take(500).collect();
    let mut tx = app.db().begin().await?;
    write(&mut tx, &issue.id, app.now(), channel, EventKind::External, &words, Some(&told.url)).await?;
    tx.commit().await?;
    Ok(Some(issue.number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_three_trackers_are_understood() {
        let told = |url: &str, words: &str| Some(Told { url: url.to_owned(), words: words.to_owned() });
        // Cut down from the payload examples of each documentation.
        let github = json!({ "action": "closed", "issue": { "html_url": "https://github.com/shop/ai/issues/7", "state": "closed" } });
        assert_eq!(read(&github), told("https://github.com/shop/ai/issues/7", "GitHub: closed"));
        let jira = json!({ "webhookEvent": "jira:issue_updated", "issue": { "key": "AI-7", "self": "https://shop.atlassian.net/rest/api/2/issue/1", "fields": { "status": { "name": "Done" } } } });
        assert_eq!(read(&jira), told("https://shop.atlassian.net/browse/AI-7", "Jira: Done"));
        let linear = json!({ "action": "update", "type": "Issue", "url": "https://linear.app/shop/issue/AI-7", "data": { "state": { "name": "In Progress" } } });
        assert_eq!(read(&linear), told("https://linear.app/shop/issue/AI-7", "Linear: In Progress"));
        assert_eq!(read(&json!({ "zen": "Keep it logically awesome." })), None);
    }
}
