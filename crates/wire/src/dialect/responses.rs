//! OpenAI Responses: items in and out, and events with names.
//!
//! A thought is a `reasoning` item: its text the summary, its proof the `encrypted_content`. `previous_response_id` and `conversation` stay in the
//! form's `extra`: whoever keeps the sessions puts the turns in their place before the request is written. Errors are in OpenAI's envelope:
//! [`super::openai::read_error`] and [`super::openai::write_error`].

mod continued;
mod item;
mod read;
mod read_items;
mod response;
mod stream_in;
mod stream_out;
mod write;
mod write_items;

pub use continued::{continued, whole_answer};
pub use read::read_request;
pub use response::{read_response, write_response};
pub use stream_in::Reader;
pub use stream_out::Writer;
pub use write::{Options, write_request};
