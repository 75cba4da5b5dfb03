//! Wire formats of model providers: the SSE codec, surgical edits of bodies, and what is read off answers. Pure: no I/O.
//!
//! The rule of this crate: what is not understood survives. A body is edited between two positions, never parsed into our own types and written again.
//! Only between two [dialects](dialect) is it read into a [form] of ours and written out of it; what the target cannot say is refused by name.

pub mod chat;
pub mod count;
pub mod dialect;
pub mod embeddings;
pub mod error;
pub mod event_stream;
pub mod form;
pub mod frames;
pub mod passage;
mod scan;
pub mod sse;
pub mod text;
pub mod usage;
