//! The form between two dialects: what a request, an answer and a stream say, whichever dialect they came in.
//!
//! A dialect reads into it and writes out of it. What a writer cannot say fails with the parameter's name; only a route that says so drops it.

mod error;
mod message;
mod raw;
mod request;
mod response;

pub use error::{ErrorKind, Failure, Lost, Untranslatable, Written};
pub use message::{Content, Message, Part, Role, Source};
pub use raw::Raw;
pub use request::{Effort, Extra, Logprobs, Reasoning, Request, ResponseFormat, Tool, ToolChoice, ToolFunction};
pub use response::{Response, StopReason, StreamEvent};

pub(crate) use error::Loss;
