//! Charts: pure functions from numbers to SVG paths. They render on the server, work without JavaScript and take their colours from CSS.

use std::fmt::Write as _;

/// Where a value lands in a drawing area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Left edge of the area.
    pub left: f64,
    /// Upper edge of the area.
    pub top: f64,
    /// Width of the area.
    pub width: f64,
    /// Height of the area.
    pub height: f64,
    /// The value at the upper edge; the lower edge is zero.
    pub max: f64,
}

impl Frame {
    /// The x of point `i` of `n`, first at the left edge, last at the right.
    #[expect(clippy::cast_precision_loss, reason = "a chart has far fewer than 2^52 points")]
    pub fn x(&self, i: usize, n: usize) -> f64 {
        if n < 2 { self.left } else { self.left + self.width * i as f64 / (n - 1) as f64 }
    }

    /// The y of a value.
    pub fn y(&self, value: f64) -> f64 {
        let part = if self.max > 0.0 { (value / self.max).clamp(0.0, 1.0) } else { 0.0 };
        self.top + self.height * (1.0 - part)
    }

    /// The point nearest to an x, of `n`.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 ..= n − 1")]
    pub fn nearest(&self, x: f64, n: usize) -> usize {
        let last = n.saturating_sub(1) as f64;
        ((x - self.left) / self.width * last).round().clamp(0.0, last) as usize
    }
}

/// A line through the values; a `None` is a gap, a lone value between gaps a short dash.
pub fn line(frame: &Frame, values: &[Option<f64>]) -> String {
    let mut path = String::new();
    let mut drawing = false;
    for (i, value) in values.iter().enumerate() {
        match value {
            Some(value) => {
                let (x, y) = (frame.x(i, values.len()), frame.y(*value));
                let step = if drawing { 'L' } else { 'M' };
                let _ = write!(path, "{step}{x:.1},{y:.1}");
                let lone = !drawing && values.get(i + 1).is_none_or(Option::is_none);
                if lone {
                    let _ = write!(path, "h1.5");
                }
                drawing = true;
            }
            None => drawing = false,
        }
    }
    path
}

/// A round number at or above `max` with about four round steps below it: (upper edge, step).
pub fn scale(max: f64) -> (f64, f64) {
    if max <= 0.0 || !max.is_finite() {
        return (4.0, 1.0);
    }
    let rough = max / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= rough).unwrap_or(10.0 * power).max(1.0);
    ((max / step).ceil() * step, step)
}

/// The marks of a scale from zero to its upper edge.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a scale has at most a dozen marks")]
pub fn ticks(upper: f64, step: f64) -> Vec<f64> {
    (0..=(upper / step).round() as u32).map(|i| f64::from(i) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame { left: 10.0, top: 0.0, width: 100.0, height: 50.0, max: 10.0 };

    #[test]
    fn values_land_where_they_belong() {
        assert_eq!(line(&FRAME, &[Some(0.0), Some(10.0), Some(5.0)]), "M10.0,50.0L60.0,0.0L110.0,25.0");
        assert_eq!(line(&FRAME, &[Some(0.0), None, Some(5.0)]), "M10.0,50.0h1.5M110.0,25.0h1.5");
        assert_eq!(line(&FRAME, &[]), "");
        assert_eq!((FRAME.nearest(-5.0, 3), FRAME.nearest(61.0, 3), FRAME.nearest(500.0, 3)), (0, 1, 2));
    }

    #[test]
    fn scales_are_round() {
        assert_eq!(scale(170.0), (200.0, 50.0));
        assert_eq!(scale(3.0), (3.0, 1.0));
        assert_eq!(scale(0.0), (4.0, 1.0));
        assert_eq!(ticks(200.0, 50.0), [0.0, 50.0, 100.0, 150.0, 200.0]);
    }
}
