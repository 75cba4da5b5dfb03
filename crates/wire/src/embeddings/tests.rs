//! Expectations follow the references of OpenAI, Google, Amazon and Cohere.

use super::*;

fn ask(body: &str) -> EmbeddingRequest {
    EmbeddingRequest::read(EmbeddingDialect::OpenAi, body.as_bytes(), None).expect("a request")
}

fn written(request: &EmbeddingRequest, dialect: EmbeddingDialect, model: &str) -> String {
    String::from_utf8(request.write(dialect, model, false).expect("written")).expect("UTF-8")
}

const TWO: &str = r#"{"model":"embed","input":["a cat","a \"dog\""],"dimensions":256}"#;

#[test]
fn a_request_of_openai_is_written_in_every_dialect() {
    let two = ask(TWO);
    insta::assert_snapshot!(written(&two, EmbeddingDialect::OpenAi, "text-embedding-3-small"), @r#"{"model":"text-embedding-3-small","input":["a cat","a \"dog\""],"dimensions":256}"#);
    insta::assert_snapshot!(written(&two, EmbeddingDialect::GeminiBatch, "gemini-embedding-001"), @r#"{"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"a cat"}]},"outputDimensionality":256},{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"a \"dog\""}]},"outputDimensionality":256}]}"#);
    let one = ask(r#"{"model":"embed","input":"a cat","encoding_format":"base64"}"#);
    insta::assert_snapshot!(written(&one, EmbeddingDialect::OpenAi, "m"), @r#"{"model":"m","input":"a cat","encoding_format":"base64"}"#);
    insta::assert_snapshot!(written(&one, EmbeddingDialect::Titan, "amazon.titan-embed-text-v2:0"), @r#"{"inputText":"a cat"}"#);
    insta::assert_snapshot!(written(&one, EmbeddingDialect::Cohere, "cohere.embed-english-v3"), @r#"{"texts":["a cat"],"input_type":"search_document","embedding_types":["float"]}"#);
}

#[test]
fn what_a_model_cannot_be_told_is_refused_by_name_or_left_out() {
    let refused = |body: &str, dialect, model: &str| ask(body).write(dialect, model, false).expect_err("refused");
    let tokens = r#"{"model":"m","input":[[1,2],[3]]}"#;
    assert_eq!(refused(tokens, EmbeddingDialect::GeminiBatch, "g").param(), "input[0]");
    assert_eq!(refused(tokens, EmbeddingDialect::GeminiBatch, "g").code(), "unsupported_parameter");
    assert_eq!(refused(TWO, EmbeddingDialect::Titan, "amazon.titan-embed-text-v2:0").param(), "input");
    let extra = r#"{"model":"m","input":"x","truncate":"END"}"#;
    assert_eq!(refused(extra, EmbeddingDialect::GeminiBatch, "g").param(), "truncate");
    assert!(ask(extra).write(EmbeddingDialect::GeminiBatch, "g", true).is_ok());
    assert!(written(&ask(extra), EmbeddingDialect::OpenAi, "m").contains(r#""truncate":"END""#), "its own kind may know it");
    assert_eq!(written(&ask(tokens), EmbeddingDialect::OpenAi, "m"), r#"{"model":"m","input":[[1,2],[3]]}"#);
}

#[test]
fn wrong_requests_are_refused_by_name() {
    let refused = |body: &str| {
        EmbeddingRequest::read(EmbeddingDialect::OpenAi, body.as_bytes(), None).expect_err("refused").param().map(str::to_owned)
    };
    assert_eq!(refused(r#"{"input":"x"}"#).as_deref(), Some("model"));
    assert_eq!(refused(r#"{"model":"m"}"#).as_deref(), Some("input"));
    assert_eq!(refused(r#"{"model":"m","input":[]}"#).as_deref(), Some("input"));
    assert_eq!(refused(r#"{"model":"m","input":[1,"x"]}"#).as_deref(), Some("input"));
    assert_eq!(refused(r#"{"model":"m","input":"x","encoding_format":"hex"}"#).as_deref(), Some("encoding_format"));
}

#[test]
fn google_asks_one_by_one_or_many_at_once() {
    let one = br#"{"model":"models/x","content":{"parts":[{"text":"a cat"}]},"taskType":"RETRIEVAL_QUERY","output_dimensionality":128}"#;
    let one = EmbeddingRequest::read(EmbeddingDialect::Gemini, one, Some("embed")).expect("a request");
    assert_eq!((one.model.as_str(), one.dimensions, one.task.as_deref()), ("embed", Some(128), Some("RETRIEVAL_QUERY")));
    assert_eq!(one.write(EmbeddingDialect::Cohere, "cohere.embed-english-v3", false).expect_err("refused").param(), "dimensions");
    let cohere = String::from_utf8(one.write(EmbeddingDialect::Cohere, "cohere.embed-english-v3", true).expect("written")).expect("UTF-8");
    insta::assert_snapshot!(cohere, @r#"{"texts":["a cat"],"input_type":"search_query","embedding_types":["float"]}"#);
    let many = br#"{"requests":[{"model":"models/x","content":{"parts":[{"text":"a"}]}},{"model":"models/x","content":{"parts":[{"text":"b"}]}}]}"#;
    let many = EmbeddingRequest::read(EmbeddingDialect::GeminiBatch, many, Some("embed")).expect("a request");
    insta::assert_snapshot!(written(&many, EmbeddingDialect::OpenAi, "m"), @r#"{"model":"m","input":["a","b"]}"#);
    insta::assert_snapshot!(written(&many, EmbeddingDialect::GeminiBatch, "g"), @r#"{"requests":[{"model":"models/g","content":{"parts":[{"text":"a"}]}},{"model":"models/g","content":{"parts":[{"text":"b"}]}}]}"#);
}

#[test]
fn answers_of_every_dialect_are_read_and_written() {
    let read = |dialect, body: &str| EmbeddingResponse::read(dialect, body.as_bytes()).expect("an answer");
    let openai = r#"{"object":"list","data":[{"object":"embedding","index":1,"embedding":[0.5,-1]},{"object":"embedding","index":0,"embedding":[0.25,2]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}}"#;
    let answer = read(EmbeddingDialect::OpenAi, openai);
    assert_eq!(answer.vectors, [[0.25, 2.0], [0.5, -1.0]], "by index");
    assert_eq!(answer.usage.map(|u| u.input), Some(8));
    assert_eq!(read_usage(openai.as_bytes()).map(|u| u.input), Some(8));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    insta::assert_snapshot!(text(answer.write(EmbeddingDialect::GeminiBatch, "m", Encoding::Float)), @r#"{"embeddings":[{"values":[0.25,2.0]},{"values":[0.5,-1.0]}]}"#);
    let gemini = read(EmbeddingDialect::GeminiBatch, r#"{"embeddings":[{"values":[0.25,2]}],"usageMetadata":{"promptTokenCount":3}}"#);
    // 0.25 and 2.0 as little-endian IEEE 754: 0000803e 00000040.
    insta::assert_snapshot!(text(gemini.write(EmbeddingDialect::OpenAi, "m", Encoding::Base64)), @r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPgAAAEA="}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}"#);
    let base64 = read(EmbeddingDialect::OpenAi, r#"{"data":[{"index":0,"embedding":"AACAPgAAAEA="}]}"#);
    assert_eq!((base64.vectors, base64.usage), (vec![vec![0.25, 2.0]], None), "missing usage is not zero");
    assert_eq!(read(EmbeddingDialect::Titan, r#"{"embedding":[0.5],"inputTextTokenCount":5}"#).usage.map(|u| u.input), Some(5));
    assert_eq!(
        read(EmbeddingDialect::Cohere, r#"{"embeddings":{"float":[[0.5]]},"id":"x","response_type":"embeddings_by_type"}"#).vectors,
        [[0.5]]
    );
    assert_eq!(read(EmbeddingDialect::Cohere, r#"{"embeddings":[[0.5],[1.5]]}"#).vectors, [[0.5], [1.5]]);
}

#[test]
fn a_number_that_no_caller_could_read_makes_no_answer() {
    let read = |dialect, body: &str| EmbeddingResponse::read(dialect, body.as_bytes());
    assert!(read(EmbeddingDialect::OpenAi, r#"{"data":[{"index":0,"embedding":[0.5,-1e57]}]}"#).is_err());
    assert!(read(EmbeddingDialect::Gemini, r#"{"embedding":{"values":[1e39]}}"#).is_err());
    // 0000c07f, little-endian, is not a number.
    let nan = read(EmbeddingDialect::OpenAi, r#"{"data":[{"index":0,"embedding":"AADAfw=="}]}"#);
    assert_eq!(nan.expect_err("refused").param(), Some("embedding"));
}
