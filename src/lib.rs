//! hypercare
