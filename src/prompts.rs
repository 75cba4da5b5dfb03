//! Prompts: immutable versions, labels, and rendering on the hot path.

pub mod model;
