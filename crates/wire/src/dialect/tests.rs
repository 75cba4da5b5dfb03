//! One dialect in, another out. Expectations follow the public references and recordings of OpenAI, Anthropic, Google and Amazon.

mod answers;
mod bedrock_answers;
mod bedrock_kept;
mod bedrock_requests;
mod bedrock_streams;
mod errors;
mod gemini_answers;
mod gemini_requests;
mod gemini_streams;
mod kept;
mod losses;
mod matrix;
mod requests_to_anthropic;
mod requests_to_openai;
mod responses;
mod streams_to_anthropic;
mod streams_to_openai;
mod usage;

use super::json::Object;
use super::{Dialect, StreamReader, StreamWriter, anthropic, openai};
use crate::form::{Untranslatable, Written};
use crate::frames::Decoder;

/// The members of a body, one a line.
fn lines(body: &[u8]) -> String {
    let mut out = String::new();
    for (key, raw) in Object::body(body).expect("JSON").into_fields() {
        out.extend([&key, ": ", raw.get(), "\n"]);
    }
    out
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

fn to_anthropic(body: &str, options: anthropic::Options) -> Result<Written, Untranslatable> {
    anthropic::write_request(&openai::read_request(body.as_bytes()).expect("a request"), options)
}

fn to_openai(body: &str, options: openai::Options) -> Result<Written, Untranslatable> {
    openai::write_request(&anthropic::read_request(body.as_bytes()).expect("a request"), options)
}

/// The data of a stream's events.
fn events(stream: &[u8]) -> Vec<Vec<u8>> {
    events_of(Dialect::OpenAi, stream)
}

/// The data of the events of a stream framed as a dialect does.
fn events_of(dialect: Dialect, stream: &[u8]) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::of(dialect);
    decoder.push(stream);
    let mut all = Vec::new();
    while let Some(event) = decoder.next_event().expect("small") {
        all.push(event.data.to_vec());
    }
    all
}

/// A stream of Anthropic's as OpenAI's.
fn stream_to_openai(stream: &str, include_usage: bool) -> String {
    let (mut reader, mut writer) = (anthropic::Reader::new(), openai::Writer::new(1_700_000_000, include_usage));
    let mut out = Vec::new();
    for data in events(stream.as_bytes()) {
        for event in reader.data(&data).expect("readable") {
            out.extend(writer.write(&event));
        }
    }
    if let Ok(rest) = reader.finish() {
        for event in &rest {
            out.extend(writer.write(event));
        }
    }
    out.extend(writer.finish());
    short(&out, r#""object":"chat.completion.chunk","created":1700000000,"#)
}

/// A stream of OpenAI's as Anthropic's.
fn stream_to_anthropic(stream: &str) -> String {
    let (mut reader, mut writer) = (openai::Reader::new(), anthropic::Writer::new());
    let mut out = Vec::new();
    for data in events(stream.as_bytes()) {
        for event in reader.data(&data).expect("readable") {
            out.extend(writer.write(&event));
        }
    }
    if let Ok(rest) = reader.finish() {
        for event in &rest {
            out.extend(writer.write(event));
        }
    }
    out.extend(writer.finish());
    short(&out, "")
}

/// Without empty lines and what every line repeats.
fn short(stream: &[u8], repeated: &str) -> String {
    let stream = text(stream).replace("\n\n", "\n");
    if repeated.is_empty() { stream } else { stream.replace(repeated, "") }
}
