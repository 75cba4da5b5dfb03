//! A surgical view of requests in every dialect, and what is read off OpenAI's answers and streams.

mod addressed;
mod answer;
mod request;
mod stream;

pub use answer::{RequestSummary, ResponseSummary, count_response, summarise_request, summarise_response};
pub use request::{ChatRequest, Edit, ParseError};
pub(crate) use request::{Fields, from_json, not_json};
pub use stream::{Seen, StreamScanner};
