//! The golden matrix: what each dialect's callers ask and providers answer, in every other dialect. One snapshot for each direction; its
//! sections are the things that can be said. The examples follow the vendors' references.

mod anthropic;
mod gemini;
mod openai;
mod responses;

use super::{events, lines, text};
use crate::dialect::{self, Dialect};
use crate::form::{Request, Untranslatable, Written};
use insta::{assert_snapshot, with_settings};
use std::fmt::Write as _;

/// What one dialect says, each thing under its name.
struct Examples {
    /// Bodies of callers.
    requests: [(&'static str, &'static str); 6],
    /// Answers of providers.
    answers: [(&'static str, &'static str); 6],
    /// Data of the events of answers that stream.
    streams: [(&'static str, &'static [&'static str]); 6],
    /// An error with its status.
    errors: [(u16, &'static str); 2],
}

const ALL: [(Dialect, &str, Examples); 4] = [
    (Dialect::OpenAi, "openai", openai::EXAMPLES),
    (Dialect::Responses, "responses", responses::EXAMPLES),
    (Dialect::Anthropic, "anthropic", anthropic::EXAMPLES),
    (Dialect::Gemini, "gemini", gemini::EXAMPLES),
];

fn write(to: Dialect, request: &Request, drop_unsupported: bool) -> Result<Written, Untranslatable> {
    match to {
        Dialect::OpenAi => {
            let options = dialect::openai::Options { drop_unsupported, extensions: true, ..Default::default() };
            dialect::openai::write_request(request, options)
        }
        Dialect::Responses => dialect::responses::write_request(request, dialect::responses::Options { drop_unsupported }),
        Dialect::Anthropic => {
            let options = dialect::anthropic::Options { drop_unsupported, default_max_tokens: Some(4096), ..Default::default() };
            dialect::anthropic::write_request(request, options)
        }
        // Its streams are binary: it has tests of its own.
        Dialect::Bedrock => dialect::bedrock::write_request(request, dialect::bedrock::Options { drop_unsupported, ..Default::default() }),
        Dialect::Gemini => dialect::gemini::write_request(request, dialect::gemini::Options { drop_unsupported, ..Default::default() }),
    }
}

fn request(from: Dialect, to: Dialect, body: &str) -> String {
    let mut request = from.read_request(body.as_bytes()).expect("a request");
    "their-model".clone_into(&mut request.model);
    let refused = write(to, &request, false).err();
    let written = write(to, &request, refused.is_some()).expect("nothing unsupported is left");
    let mut out = refused.map_or_else(String::new, |e| format!("(refused: {e})\n"));
    out += &lines(&written.body);
    for lost in written.lost {
        let _ = writeln!(out, "(left out: {})", lost.param);
    }
    out
}

fn stream(from: Dialect, to: Dialect, data: &[&str]) -> String {
    let (mut reader, mut writer) = (from.reader(), to.writer(1_700_000_000, true));
    let mut out = Vec::new();
    let bytes: String = data.iter().flat_map(|data| ["data: ", data, "\n\n"]).collect();
    for data in events(bytes.as_bytes()) {
        for event in reader.data(&data).expect("readable") {
            out.extend(writer.write(&event));
        }
    }
    for event in reader.finish().expect("complete") {
        out.extend(writer.write(&event));
    }
    out.extend(writer.finish());
    text(&out).replace("\n\n", "\n")
}

fn direction(from: Dialect, examples: &Examples, to: Dialect) -> String {
    let mut out = String::new();
    for (name, body) in examples.requests {
        let _ = write!(out, "# request: {name}\n{}\n", request(from, to, body));
    }
    for (name, body) in examples.answers {
        let read = from.read_response(body.as_bytes()).expect("an answer");
        let _ = write!(out, "# answer: {name}\n{}\n", lines(&to.write_response(&read, 1_700_000_000)));
    }
    for (name, data) in examples.streams {
        let _ = write!(out, "# stream: {name}\n{}\n", stream(from, to, data));
    }
    for (status, body) in examples.errors {
        let failure = from.read_error(status, body.as_bytes());
        let _ = write!(out, "# error: {status}\n{}\n\n", text(&to.write_error(&failure)));
    }
    out
}

#[test]
fn every_dialect_in_every_other() {
    for (from, from_name, examples) in &ALL {
        for (to, to_name, _) in ALL.iter().filter(|(to, ..)| to != from) {
            let said = direction(*from, examples, *to);
            with_settings!({ snapshot_path => "../../../tests/golden", prepend_module_to_snapshot => false, omit_expression => true }, {
                assert_snapshot!(format!("{from_name}_to_{to_name}"), said);
            });
        }
    }
}
