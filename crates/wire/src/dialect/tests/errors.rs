use super::text;
use crate::dialect::{anthropic, openai};
use crate::form::ErrorKind;

#[test]
fn anthropics_envelope_goes_both_ways() {
    let body =
        r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-9"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}"#;
    let read = anthropic::read_error(404, body.as_bytes());
    assert_eq!((read.kind, read.request_id.as_deref()), (ErrorKind::NotFound, Some("req_011CSHoEeqs5C35K2UUqR7Fy")));
    assert_eq!(text(&anthropic::write_error(&read)), body);
    assert_eq!(
        text(&openai::write_error(&read)),
        r#"{"error":{"code":null,"message":"model: claude-9","param":null,"type":"not_found_error"}}"#
    );
}

#[test]
fn openais_envelope_is_read_by_type_code_and_status() {
    let kind = |status, body: &str| openai::read_error(status, body.as_bytes()).kind;
    assert_eq!(
        kind(429, r#"{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#),
        ErrorKind::Billing
    );
    assert_eq!(kind(429, r#"{"error":{"message":"m","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#), ErrorKind::RateLimit);
    assert_eq!(
        kind(401, r#"{"error":{"message":"m","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#),
        ErrorKind::Authentication
    );
    assert_eq!(
        kind(404, r#"{"error":{"message":"m","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#),
        ErrorKind::NotFound
    );
    assert_eq!(kind(500, r#"{"error":{"message":"m","type":"server_error","param":null,"code":null}}"#), ErrorKind::Api);
    assert_eq!(kind(400, r#"{"error":{"message":"m","type":"invalid_request_error","param":"n","code":null}}"#), ErrorKind::InvalidRequest);
    assert_eq!(kind(503, "<html>"), ErrorKind::Overloaded);
    let read = openai::read_error(400, br#"{"error":{"message":"bad n","type":"invalid_request_error","param":"n","code":"x"}}"#);
    assert_eq!(text(&anthropic::write_error(&read)), r#"{"type":"error","error":{"type":"invalid_request_error","message":"bad n"}}"#);
}

#[test]
fn a_body_that_is_no_envelope_is_told_by_its_status() {
    let read = anthropic::read_error(529, b"upstream connect error");
    assert_eq!((read.kind, read.message.as_str()), (ErrorKind::Overloaded, "the provider answered 529"));
}
