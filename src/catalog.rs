//! Models and what they cost.

pub mod model;
