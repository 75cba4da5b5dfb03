//! E-mail: what it says, and how it goes out.

use crate::config::Mail;
use crate::types::Id;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use serde_json::Value;
use std::fmt::Write as _;
use std::time::Duration;

/// How long the mail server may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a letter did not go out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// Trying again makes no sense.
    ForGood(String),
    /// It may go out later.
    ForNow(String),
}

/// Says that nobody wrote this by hand, so that no holiday notice comes back (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Sends what a delivery says.
pub(super) async fn send(mail: &Mail, id: &Id, event: &str, content: &Value) -> Result<(), Failed> {
    let letter = letter(mail, id, event, content).map_err(Failed::ForGood)?;
    let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(&mail.url).map_err(|e| Failed::ForGood(e.to_string()))?;
    match server.timeout(Some(PATIENCE)).build().send(letter).await {
        Ok(_) => Ok(()),
        Err(e) if e.is_permanent() => Err(Failed::ForGood(format!("the mail server refused it: {e}"))),
        Err(e) => Err(Failed::ForNow(format!("the mail server: {e}"))),
    }
}

/// The letter. What concerns one issue belongs to one thread, by `References` (RFC 5322, 3.6.4).
fn letter(mail: &Mail, id: &Id, event: &str, content: &Value) -> Result<Message, String> {
    let host = mail.from.email.domain();
    let (subject, body) = words(event, content);
    // A title may have been pasted with line ends in it.
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut builder = Message::builder()
        .from(mail.from.clone())
        .subject(subject)
        .message_id(Some(format!("<{id}@{host}>")))
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN);
    if let (Some(number), false) = (content["number"].as_i64(), content["reporter"].as_bool().unwrap_or(false)) {
        builder = builder.references(format!("<issue-{number}@{host}>"));
    }
    for to in content["to"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let to: Mailbox = to.as_str().unwrap_or_default().parse().map_err(|e| format!("`{to}` is no address: {e}"))?;
        builder = builder.to(to);
    }
    builder.body(body).map_err(|e| e.to_string())
}

/// Subject and text.
fn words(event: &str, content: &Value) -> (String, String) {
    let text = |name: &str| content[name].as_str().unwrap_or_default();
    let (title, url) = (text("title"), text("url"));
    match event {
        "feedback.resolved" if content["reporter"].as_bool() == Some(true) => {
            let about = if title.is_empty() { String::new() } else { format!("\n\nIt was about: {title}") };
            ("What you told us has been fixed".to_owned(), format!("{}{about}\n", text("message")))
        }
        "feedback.resolved" => {
            let number = content["number"].as_i64().unwrap_or_default();
            (format!("Issue {number} is fixed"), format!("Issue {number} is fixed; its reporters are told.\n\n{url}\n"))
        }
        "feedback.flagged" => (title.to_owned(), format!("{title}. What was said is for the safety team:\n\n{url}\n")),
        _ => {
            let number = content["number"].as_i64().unwrap_or_default();
            let mut body = format!("{title}\n\n");
            for (label, name) in [("Severity", "severity"), ("Impact", "impact"), ("Type", "type"), ("State", "state"), ("Owner", "owner")]
            {
                if !text(name).is_empty() {
                    let _ = writeln!(body, "{label}: {}", text(name).replace('_', " "));
                }
            }
            let _ = write!(body, "\n{url}\n");
            let new = if event == "issue.created" { "New issue" } else { "Issue" };
            (format!("{new} {number}: {title}"), body)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mail() -> Mail {
        Mail { url: "smtp://127.0.0.1:1".to_owned(), from: "hypercare <care@shop.example>".parse().expect("an address") }
    }

    #[test]
    fn letters_about_one_issue_are_one_thread() {
        let content = json!({ "number": 7, "title": "Forgets orders\r\nBcc: evil@example.org", "severity": "high", "type": "model_behaviour",
            "url": "http://x/issues/7", "to": ["team@shop.example"] });
        let id = Id::from_text("01a".to_owned());
        let text = String::from_utf8(letter(&mail(), &id, "issue.created", &content).expect("a letter").formatted()).expect("text");
        assert!(text.contains("References: <issue-7@shop.example>\r\n") && text.contains("Message-ID: <01a@shop.example>\r\n"), "{text}");
        assert!(text.contains("Auto-Submitted: auto-generated\r\n") && text.contains("Type: model behaviour"), "{text}");
        let (head, _) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains("Subject: New issue 7: Forgets orders Bcc: evil@example.org\r\n") && !head.contains("\r\nBcc:"), "{head}");
    }

    #[test]
    fn a_reporter_is_told_in_plain_words_and_nothing_of_ours() {
        let content = json!({ "number": 7, "title": "Answers forget order numbers", "message": "This has been fixed.", "reporter": true, "to": ["eve@example.org"],
            "url": "http://inside/issues/7" });
        let (subject, body) = words("feedback.resolved", &content);
        assert_eq!(subject, "What you told us has been fixed");
        assert_eq!(body, "This has been fixed.\n\nIt was about: Answers forget order numbers\n");
    }

    #[tokio::test]
    async fn no_server_is_for_now_and_no_address_for_good() {
        let id = Id::from_text("01a".to_owned());
        let sent = send(&mail(), &id, "issue.created", &json!({ "number": 1, "title": "t", "to": ["a@b.example"] })).await;
        assert!(matches!(sent, Err(Failed::ForNow(_))), "{sent:?}");
        let sent = send(&mail(), &id, "issue.created", &json!({ "number": 1, "title": "t", "to": ["nobody"] })).await;
        assert!(matches!(sent, Err(Failed::ForGood(_))), "{sent:?}");
    }
}
