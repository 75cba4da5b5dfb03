//! `/metrics`: the few numbers a scraper wants, in Prometheus' text format.

use crate::gateway::{Health, TargetHealth};
use crate::identity::http::Caller;
use crate::identity::model::Permission;
use crate::server::{ApiError, App};
use crate::types::Fault;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use std::fmt::Write as _;

/// Needs a person or a key of scope `read`.
pub async fn metrics(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    caller.0.require(Permission::ReadTraffic)?;
    let mut out = String::new();
    let mut series = |name: &str, kind: &str, help: &str, value: u64| {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    };
    series("hypercare_log_accepted_total", "counter", "Calls handed to the request log.", app.log().accepted());
    series("hypercare_log_stored_total", "counter", "Calls written to the database.", app.log().stored());
    series("hypercare_log_dropped_total", "counter", "Calls lost because the log was too far behind.", app.log().lost());
    series("hypercare_spool_bytes", "gauge", "Bytes of calls waiting on disk for the database.", app.spooled_bytes());
    series(
        "hypercare_shadow_left_out_total",
        "counter",
        "Copies for shadow variants not made because too many were under way.",
        app.background().left_out(),
    );
    series("hypercare_calls_in_flight", "gauge", "Model calls under way.", app.in_flight().now() as u64);
    series(
        "hypercare_calls_refused_total",
        "counter",
        "Model calls refused because as many were under way as may be.",
        app.in_flight().refused(),
    );
    app.counters().write(&mut out).map_err(Fault::internal)?;
    feedback(&app, &mut out).await?;
    let health = app.snapshot().health();
    let mut gauge = |name: &str, help: &str, value: fn(&TargetHealth) -> Option<f64>| {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for ((provider, model), health) in &health {
            if let Some(value) = value(health) {
                let _ = writeln!(out, "{name}{{provider=\"{}\",model=\"{}\"}} {value}", label(provider), label(model));
            }
        }
    };
    gauge("hypercare_circuit_open", "Whether a target is left alone: 1 open, 0.5 being tried, 0 closed.", |t| {
        Some(match t.breaker {
            Health::Closed => 0.0,
            Health::HalfOpen => 0.5,
            Health::Open(_) => 1.0,
        })
    });
    gauge("hypercare_target_draining", "Whether an admin keeps new calls away from a target.", |t| Some(f64::from(u8::from(t.draining))));
    gauge("hypercare_target_waiting", "Calls that wait for a target's answer to begin.", |t| Some(f64::from(t.waiting)));
    gauge("hypercare_target_latency_seconds", "How long a target's answers took to begin lately; peaks count at once.", |t| {
        t.latency_us.map(|us| us / 1e6)
    });
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], out).into_response())
}

/// What users said since the beginning, from the database: any replica gives the same.
async fn feedback(app: &App, out: &mut String) -> Result<(), Fault> {
    let Ok(said) = crate::feedback::store::numbers::count_all(app.db()).await else { return Ok(()) };
    let _ = writeln!(out, "# HELP hypercare_feedback_total Feedback by rating.\n# TYPE hypercare_feedback_total counter");
    for (rating, n) in said {
        let _ = writeln!(out, "hypercare_feedback_total{{rating=\"{}\"}} {n}", label(&rating));
    }
    let Ok(flags) = crate::feedback::store::numbers::count_flags(app.db()).await else { return Ok(()) };
    let _ = writeln!(out, "# HELP hypercare_safety_flags_total Reports by what is wrong.\n# TYPE hypercare_safety_flags_total counter");
    for (kind, n) in flags {
        let _ = writeln!(out, "hypercare_safety_flags_total{{kind=\"{}\"}} {n}", label(&kind));
    }
    Ok(())
}

/// A label's value: backslash, quote and line end are escaped (Prometheus text format 0.0.4).
pub(super) fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
