//! The first bytes pick the dialect and how the numbers are written. Bodies and answers are JSON, and no vector is lost on the way.
#![no_main]

use hypercare_wire::embeddings::{EmbeddingDialect, EmbeddingRequest, EmbeddingResponse, Encoding, read_usage};
use hypercare_wire_fuzz::{must_be_json, split};
use libfuzzer_sys::fuzz_target;

const DIALECTS: [EmbeddingDialect; 5] =
    [EmbeddingDialect::OpenAi, EmbeddingDialect::Gemini, EmbeddingDialect::GeminiBatch, EmbeddingDialect::Titan, EmbeddingDialect::Cohere];

fuzz_target!(|data: &[u8]| {
    let Some(([first, second], body)) = split(data) else { return };
    let dialect = DIALECTS[usize::from(first) % DIALECTS.len()];
    let model = (second & 1 == 1).then_some("bot");
    if let Ok(request) = EmbeddingRequest::read(dialect, body, model) {
        for to in DIALECTS {
            if let Ok(body) = request.write(to, "m", second & 2 == 2) {
                must_be_json("request", &body);
            }
        }
    }
    let _ = read_usage(body);
    let Ok(response) = EmbeddingResponse::read(dialect, body) else { return };
    for encoding in [Encoding::Float, Encoding::Base64] {
        let written = response.write(EmbeddingDialect::OpenAi, "m", encoding);
        let again = EmbeddingResponse::read(EmbeddingDialect::OpenAi, &written).expect("an answer");
        // Compared by their bits: zero and minus zero are two numbers.
        let bits = |vectors: &[Vec<f32>]| vectors.iter().map(|v| v.iter().map(|n| n.to_bits()).collect::<Vec<_>>()).collect::<Vec<_>>();
        assert_eq!(bits(&again.vectors), bits(&response.vectors));
    }
    must_be_json("answer", &response.write(EmbeddingDialect::GeminiBatch, "m", Encoding::Float));
});
