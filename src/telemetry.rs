//! The request log, roll-ups, and the live feed.

pub mod model;
