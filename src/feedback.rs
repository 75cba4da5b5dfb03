//! What people say about answers, tied to the exact request.

pub mod model;
