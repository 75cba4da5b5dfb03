//! Routes, variants, the split between them and who sticks to what.

pub mod model;
