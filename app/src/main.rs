//! The hypercare binary.
fn main() {}
