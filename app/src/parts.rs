//! What pages and islands are made of.

pub mod chart;
pub mod format;
pub mod icon;
pub mod items;
