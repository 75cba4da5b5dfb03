//! Statistics behind every number on a page. Pure, `f64`, no I/O; compiles to WASM.
//!
//! Every function names its method and source; tests hold them to published vectors.

pub mod binomial;
pub mod proportion;
pub mod score;
pub mod sketch;
