//! The live parts. Each renders on the server first and is woken in the browser.

pub mod copy;
pub mod feed;
pub mod inbox;
pub mod live;
pub mod overview;
pub mod page_tools;
pub mod playground;
pub mod split;
pub mod verdict;
