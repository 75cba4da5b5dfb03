//! What people say, read by rules anyone can follow: its language, how it sounds, its terms, what belongs together, and what is spam.
//!
//! Pure: no I/O, no clock, no global state; the same input gives the same output on every machine.

pub mod cluster;
pub mod language;
pub mod quality;
pub mod sentiment;
pub mod spam;
pub mod terms;
pub mod tfidf;
pub mod theme;
