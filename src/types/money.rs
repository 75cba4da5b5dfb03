//! Money.

use serde::{Deserialize, Serialize};

/// An amount in billionths of a US dollar (1e-9 USD): the price of one token is far below a cent, and sums of floats drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "server", derive(sqlx::Type))]
#[cfg_attr(feature = "server", sqlx(transparent))]
pub struct Nanodollars(pub i64);

impl Nanodollars {
    /// The amount in dollars, for display and charts.
    #[expect(clippy::cast_precision_loss, reason = "display only; exact up to nine million dollars")]
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e9
    }
}
