//! OpenAI chat completions: a surgical view of requests, and what is read off answers and streams.

mod answer;
mod request;
mod stream;

pub use answer::{RequestSummary, ResponseSummary, summarise_request, summarise_response};
pub use request::{ChatRequest, Edit, ParseError};
pub(crate) use request::{Fields, not_json};
pub use stream::{Seen, StreamScanner};
