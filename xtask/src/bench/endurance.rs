//! `cargo xtask bench --minutes N`: the gateway alone, under full load for a long time. Memory must stay flat, and afterwards, with millions of calls in the log,
//! it must be as quick as before.

use super::{KEY, Options, ROUTE, Target, Totals, case, check_log};
use crate::gateway::Gateway;
use crate::progress::took;
use crate::{http, machine};
use anyhow::{Context, Result, bail};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Connections under load.
const CONNECTIONS: usize = 32;
/// Between two looks at memory.
const LOOK: Duration = Duration::from_secs(10);
/// MiB a minute that still count as flat.
const FLAT: f64 = 2.0;
/// What a person looks at, and how often it is asked for.
const READS: [(&str, &str); 5] = [
    ("the newest requests", "/api/v1/requests?limit=50"),
    ("requests of a variant", "/api/v1/requests?route=bench&variant=candidate&limit=50"),
    ("requests of a person", "/api/v1/requests?user=user-000000000042&limit=50"),
    ("failed requests", "/api/v1/requests?status=error&limit=50"),
    ("the numbers of a week", "/api/v1/metrics?range=7d"),
];
const TIMES: usize = 20;

/// Measures before, loads for that long, and measures after.
pub fn run(options: &Options, runtime: &tokio::runtime::Runtime, bare: Target, gateway: &Gateway) -> Result<Totals> {
    let minutes = options.minutes.unwrap_or_default();
    let ours = Target { address: gateway.address, process: gateway.process() };
    let shape = Arc::new(super::load::Shape::new(ROUTE, KEY, false)?.among(options.people));
    let mut totals = Totals::default();
    println!("\nbefore: an empty log");
    runtime.block_on(case(options, &shape, CONNECTIONS, bare, Some(ours), &mut totals));

    println!("\nunder load for {minutes} min:");
    let (began, mut looks) = (Instant::now(), Vec::new());
    while began.elapsed() < Duration::from_mins(minutes) {
        let sample = runtime.block_on(super::load::run(gateway.address, &shape, CONNECTIONS, LOOK));
        let memory = machine::memory(gateway.process()).context("the gateway is gone")?;
        println!("  {:>5.0} s  {:>7.0}/s  {memory:>5} MiB", began.elapsed().as_secs_f64(), sample.rate());
        looks.push((began.elapsed().as_secs_f64() / 60.0, f64::from(u32::try_from(memory).unwrap_or(u32::MAX))));
        totals.through_gateway += sample.answered;
        totals.complaints.extend(sample.errors.iter().map(|(error, count)| format!("{count} × under load: {error}")));
    }
    // The first third fills caches and pools.
    let settled = &looks[looks.len() / 3..];
    let growth = slope(settled);
    let verdict = if growth.abs() <= FLAT { "flat" } else { "NOT FLAT" };
    println!("memory over the last two thirds: {growth:+.2} MiB a minute, {verdict} (at most ±{FLAT})");
    check_log(gateway.address, totals.through_gateway)?;

    println!("\nafter: {} calls in the log", totals.through_gateway);
    runtime.block_on(case(options, &shape, CONNECTIONS, bare, Some(ours), &mut totals));
    for (what, path) in READS {
        let mut times = (0..TIMES).map(|_| read(gateway, path)).collect::<Result<Vec<_>>>()?;
        times.sort();
        println!("  {what}: median {}, worst {} of {TIMES}", took(times[TIMES / 2]), took(times[TIMES - 1]));
    }
    if growth.abs() > FLAT {
        totals.complaints.push(format!("memory grows by {growth:.1} MiB a minute"));
    }
    Ok(totals)
}

fn read(gateway: &Gateway, path: &str) -> Result<Duration> {
    let began = Instant::now();
    let (status, body) = http::get(gateway.address, path, Some(KEY))?;
    if status != 200 {
        bail!("GET {path} answered {status}: {body}");
    }
    Ok(began.elapsed())
}

/// Least squares: by how much the second number grows with the first.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = f64::from(u32::try_from(points.len()).unwrap_or(u32::MAX));
    let (mean_x, mean_y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / n, y + point.1 / n));
    let (above, below) =
        points.iter().fold((0.0, 0.0), |(above, below), (x, y)| (above + (x - mean_x) * (y - mean_y), below + (x - mean_x).powi(2)));
    if below == 0.0 { 0.0 } else { above / below }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_slope() {
        assert!((slope(&[(0.0, 10.0), (1.0, 12.0), (2.0, 14.0)]) - 2.0).abs() < 1e-9);
        assert!(slope(&[(1.0, 5.0)]).abs() < 1e-9);
    }
}
