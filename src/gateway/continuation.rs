//! `previous_response_id`: conversations that go on where the provider does not remember them. The request log does: what was asked and answered is there, under
//! the id the caller was given.

use super::error::GatewayError;
use super::exchange::Exchange;
use crate::types::Id;
use axum::http::StatusCode;
use bytes::Bytes;
use hypercare_wire::dialect::responses;
use std::time::Duration;

/// Before our id of the call in the id of its answer.
const PREFIX: &str = "resp_";
/// A caller can be quicker than the log, which has a call within two seconds of its end.
const PATIENCE: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1_500),
];

/// The id of the answer to that call.
pub(super) fn answer_id(id: &Id) -> String {
    format!("{PREFIX}{}", id.as_str().replace('-', ""))
}

fn call_of(answer: &str) -> Option<Id> {
    let hex = answer.strip_prefix(PREFIX).filter(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    Some(Id::from_text(parts.join("-").to_ascii_lowercase()))
}

/// The body with the earlier conversation in it. Only the key that had the answer may go on from it.
pub(super) async fn expand(exchange: &Exchange, body: &Bytes, answer: &str) -> Result<Bytes, GatewayError> {
    let unknown = |why: &str| {
        let message = format!("There is no answer `{answer}` to go on from: {why}.");
        let mut error = GatewayError::bad_request("previous_response_not_found", "previous_response_id", message);
        error.status = StatusCode::NOT_FOUND;
        error
    };
    let id = call_of(answer).ok_or_else(|| unknown("it is none of ours"))?;
    let app = exchange.gateway.app.clone();
    let key = exchange.key.name.clone();
    let found = exchange.gateway.app.background().spawn(async move {
        for pause in PATIENCE {
            tokio::time::sleep(pause).await;
            if let Some(turn) = crate::telemetry::turn(&app, &id).await? {
                return Ok(Some(turn).filter(|turn| turn.key == key));
            }
        }
        Ok::<_, crate::types::Fault>(None)
    });
    let away = || {
        GatewayError::new(StatusCode::SERVICE_UNAVAILABLE, "log_not_read", "Earlier answers cannot be read right now. Please try again.")
    };
    let turn = found.await.map_err(|_| away())?.map_err(|_| away())?.ok_or_else(|| unknown("it is unknown, or another key's"))?;
    let (Some(request), Some(said)) = (turn.request, turn.response) else {
        return Err(unknown("this route does not keep what is said, or no longer"));
    };
    let expanded = responses::continued(body, &request, &said).map_err(|_| unknown("it is too long to go on from"))?;
    Ok(expanded.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_both_ways_and_strangers_are_none() {
        let id = Id::from_text("01933b1c-7b5a-7cc3-9d4f-0123456789ab");
        assert_eq!(answer_id(&id), "resp_01933b1c7b5a7cc39d4f0123456789ab");
        assert_eq!(call_of(&answer_id(&id)), Some(id));
        assert_eq!(call_of("resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b"), None, "OpenAI's own");
        assert_eq!(call_of("resp_é1933b1c7b5a7cc39d4f0123456789ab"), None);
    }
}
