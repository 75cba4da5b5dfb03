//! What is counted apart because it has a price of its own, in each dialect's words.

use crate::chat::{StreamScanner, summarise_response};
use crate::dialect::Dialect;
use crate::form::StreamEvent;
use crate::usage::{Tier, Usage};

fn whole(dialect: Dialect, body: &str) -> Usage {
    dialect.read_response(body.as_bytes()).expect(body).usage.expect("counted")
}

fn streamed(dialect: Dialect, events: &[&str]) -> Usage {
    let mut reader = dialect.reader();
    let all: Vec<StreamEvent> = events.iter().flat_map(|data| reader.data(data.as_bytes()).expect(data)).collect();
    let last = all.into_iter().rev().find_map(|event| if let StreamEvent::Usage(usage) = event { Some(usage) } else { None });
    last.expect("counted")
}

#[test]
fn openai_names_the_tier_beside_the_tokens_and_counts_sound() {
    // Fields of openai.types.chat.ChatCompletion and CompletionUsage.
    let body = r#"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"service_tier":"flex",
        "usage":{"prompt_tokens":30,"completion_tokens":20,"prompt_tokens_details":{"audio_tokens":10},"completion_tokens_details":{"audio_tokens":15}}}"#;
    let counted = Usage { input: 30, audio_input: 10, output: 20, audio_output: 15, tier: Some(Tier::Flex), ..Usage::default() };
    assert_eq!(whole(Dialect::OpenAi, body), counted);
    assert_eq!(summarise_response(body.as_bytes()).usage, Some(counted));
    let events = [
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}],"service_tier":"priority"}"#,
        r#"{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2},"service_tier":null}"#,
    ];
    let counted = Usage { input: 3, output: 2, tier: Some(Tier::Priority), ..Usage::default() };
    assert_eq!(streamed(Dialect::OpenAi, &events), counted);
    let mut scanner = StreamScanner::new();
    for data in events {
        scanner.scan(data.as_bytes());
    }
    assert_eq!(scanner.into_summary().usage, Some(counted));
}

#[test]
fn responses_name_the_tier_beside_the_tokens() {
    let answer = r#"{"id":"r","object":"response","model":"m","status":"completed","service_tier":"priority",
        "output":[{"type":"message","id":"o","role":"assistant","status":"completed","content":[{"type":"output_text","text":"hi","annotations":[]}]}],
        "usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}"#;
    let counted = Usage { input: 3, output: 2, tier: Some(Tier::Priority), ..Usage::default() };
    assert_eq!(whole(Dialect::Responses, answer), counted);
    assert_eq!(streamed(Dialect::Responses, &[&format!(r#"{{"type":"response.completed","response":{answer}}}"#)]), counted);
}

#[test]
fn anthropic_names_the_tier_and_what_the_cache_keeps_for_an_hour() {
    // Fields of anthropic.types.Usage and CacheCreation.
    let usage = r#"{"input_tokens":10,"cache_creation_input_tokens":90,"cache_creation":{"ephemeral_5m_input_tokens":40,"ephemeral_1h_input_tokens":50},
        "output_tokens":5,"service_tier":"priority"}"#;
    let counted = Usage { input: 100, cache_write: 90, cache_write_1h: 50, output: 5, tier: Some(Tier::Priority), ..Usage::default() };
    let body =
        format!(r#"{{"id":"m","type":"message","role":"assistant","model":"c","content":[],"stop_reason":"end_turn","usage":{usage}}}"#);
    assert_eq!(whole(Dialect::Anthropic, &body), counted);
    // The last event says the output only: what the first said holds.
    let events = [
        format!(
            r#"{{"type":"message_start","message":{{"id":"m","type":"message","role":"assistant","model":"c","content":[],"usage":{usage}}}}}"#
        ),
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}"#.to_owned(),
    ];
    assert_eq!(streamed(Dialect::Anthropic, &[&events[0], &events[1]]), Usage { output: 7, ..counted });
}

#[test]
fn gemini_and_vertex_name_the_tier_each_in_its_way_and_count_sound() {
    // Fields of google.genai.types.GenerateContentResponseUsageMetadata.
    let body = |tier: &str| {
        format!(
            r#"{{"candidates":[{{"content":{{"role":"model","parts":[{{"text":"hi"}}]}},"finishReason":"STOP"}}],"usageMetadata":{{"promptTokenCount":30,
            "candidatesTokenCount":20,"promptTokensDetails":[{{"modality":"TEXT","tokenCount":4}},{{"modality":"AUDIO","tokenCount":26}}],
            "candidatesTokensDetails":[{{"modality":"AUDIO","tokenCount":19}}],{tier}}}}}"#
        )
    };
    let counted = |tier| Usage { input: 30, audio_input: 26, output: 20, audio_output: 19, tier, ..Usage::default() };
    let tiers = [
        (r#""serviceTier":"flex""#, Some(Tier::Flex)),
        (r#""serviceTier":"standard""#, None),
        (r#""trafficType":"ON_DEMAND_PRIORITY""#, Some(Tier::Priority)),
        (r#""trafficType":"ON_DEMAND_FLEX""#, Some(Tier::Flex)),
        (r#""trafficType":"ON_DEMAND""#, None),
    ];
    for (said, tier) in tiers {
        assert_eq!(whole(Dialect::Gemini, &body(said)), counted(tier), "{said}");
        assert_eq!(streamed(Dialect::Gemini, &[&body(said)]), counted(tier), "{said}");
    }
}

#[test]
fn bedrock_names_the_tier_beside_the_tokens_and_details_of_the_cache() {
    // Fields of ConverseResponse and ConverseStreamMetadataEvent (bedrock-runtime 2023-09-30).
    let usage = r#""usage":{"inputTokens":10,"outputTokens":5,"totalTokens":105,"cacheWriteInputTokens":90,
        "cacheDetails":[{"ttl":"5m","inputTokens":40},{"ttl":"1h","inputTokens":50}]},"serviceTier":{"type":"flex"}"#;
    let counted = Usage { input: 100, cache_write: 90, cache_write_1h: 50, output: 5, tier: Some(Tier::Flex), ..Usage::default() };
    let body = format!(r#"{{"output":{{"message":{{"role":"assistant","content":[{{"text":"hi"}}]}}}},"stopReason":"end_turn",{usage}}}"#);
    assert_eq!(whole(Dialect::Bedrock, &body), counted);
    assert_eq!(streamed(Dialect::Bedrock, &[&format!(r#"{{"metadata":{{{usage}}}}}"#)]), counted);
}

#[test]
fn the_tier_is_told_on_to_who_knows_the_word() {
    let body = r#"{"output":{"message":{"role":"assistant","content":[{"text":"hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":2},
        "serviceTier":{"type":"flex"}}"#;
    let response = Dialect::Bedrock.read_response(body.as_bytes()).expect("an answer");
    for dialect in [Dialect::OpenAi, Dialect::Responses] {
        let told = dialect.write_response(&response, 0);
        assert_eq!(whole(dialect, super::text(&told)).tier, Some(Tier::Flex), "{}", super::text(&told));
    }
}

#[test]
fn sound_and_the_hour_are_told_on_in_the_callers_dialect() {
    let body = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":30,
        "candidatesTokenCount":20,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":26}]}}"#;
    let told = super::openai::write_response(&Dialect::Gemini.read_response(body.as_bytes()).expect("an answer"), 0);
    assert!(super::text(&told).contains(r#""prompt_tokens_details":{"cached_tokens":0,"audio_tokens":26}"#), "{}", super::text(&told));
    let body = r#"{"output":{"message":{"role":"assistant","content":[{"text":"hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":10,"outputTokens":5,
        "cacheWriteInputTokens":90,"cacheDetails":[{"ttl":"1h","inputTokens":50}]}}"#;
    let told = super::anthropic::write_response(&Dialect::Bedrock.read_response(body.as_bytes()).expect("an answer"));
    let detail = r#""cache_creation":{"ephemeral_5m_input_tokens":40,"ephemeral_1h_input_tokens":50}"#;
    assert!(super::text(&told).contains(detail), "{}", super::text(&told));
}
