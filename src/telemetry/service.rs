//! Reading the log and the numbers drawn from it.

use super::model::{LiveMetrics, Marker, Overview, Point, Range, RequestDetail, RequestFilter, RequestSummary, Totals, VariantSeries};
use super::store::{self, DetailRow, MinuteRow};
use crate::feedback::store::ThumbsRow;
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::server::App;
use crate::types::{Duration, Fault, Id, Instant, Page, PageRequest};
use hypercare_stats::sketch::DdSketch;
use hypercare_wire::chat::{ChatRequest, Edit};
use std::collections::{BTreeMap, HashMap};

/// The newest requests that pass the filter.
pub async fn list_requests(app: &App, actor: &Actor, filter: &RequestFilter, page: &PageRequest) -> Result<Page<RequestSummary>, Fault> {
    actor.require(Permission::ReadTraffic)?;
    let rows = page.rows();
    let found = store::list(app.db(), filter, page.cursor.as_deref(), i64::try_from(rows + 1).unwrap_or(i64::MAX)).await?;
    Ok(Page::cut(found, rows, |r| r.id.to_string()))
}

/// Everything about one call, by our id or the caller's.
pub async fn get_request(app: &App, actor: &Actor, id: &Id) -> Result<RequestDetail, Fault> {
    actor.require(Permission::ReadTraffic)?;
    let row = store::detail(app.db(), id.as_str()).await?;
    let row =
        row.ok_or_else(|| Fault::NotFound(format!("No request `{id}` is in the log. A call appears here within a second of its end.")))?;
    let upstream = upstream_body(app, &row).await?;
    Ok(detail(row, upstream))
}

/// The body as the provider got it. It is not stored: the caller's body, the rendered prompt and the immutable version make it again.
async fn upstream_body(app: &App, row: &DetailRow) -> Result<Option<String>, Fault> {
    let (Some(body), Some(model), Some(_)) = (&row.request_body, &row.summary.model, &row.summary.provider) else { return Ok(None) };
    let Ok(request) = ChatRequest::parse(body) else { return Ok(None) };
    let mut parameters = Vec::new();
    if let Some((name, version)) = row.summary.prompt.as_deref().and_then(|p| p.rsplit_once('@'))
        && let Ok(version) = version.parse()
        && let Some(content) = crate::prompts::store::version(app.db(), name, version).await?
    {
        for (key, value) in content.parameters {
            parameters.push((key, serde_json::value::to_raw_value(&value).map_err(Fault::internal)?));
        }
    }
    let edit = Edit { model, prompt_messages: row.rendered_prompt.as_deref().unwrap_or_default(), parameters: &parameters };
    Ok(String::from_utf8(request.rewrite(&edit)).ok())
}

fn lossy(bytes: Option<Vec<u8>>) -> Option<String> {
    bytes.map(|b| String::from_utf8_lossy(&b).into_owned())
}

fn detail(row: DetailRow, upstream_body: Option<String>) -> RequestDetail {
    RequestDetail {
        summary: row.summary,
        key_name: row.key_name,
        source_ip: row.source_ip,
        user_agent: row.user_agent,
        metadata: row.metadata.map_or(serde_json::Value::Null, |json| json.0),
        error_message: row.error_message,
        attempts: row.attempts.0,
        overhead_us: row.overhead_us,
        cached_input_tokens: row.cached_input_tokens,
        reasoning_tokens: row.reasoning_tokens,
        usage_missing: row.usage_missing,
        finish_reason: row.finish_reason,
        confidence: row.confidence,
        upstream_id: row.upstream_id,
        request_body: lossy(row.request_body),
        upstream_body,
        response_body: lossy(row.response_body),
        response_text: row.response_text,
    }
}

/// Sums that can still grow.
#[derive(Default)]
struct Sum {
    totals: Totals,
    latency: Option<DdSketch>,
    first_token: Option<DdSketch>,
}

fn merge(into: &mut Option<DdSketch>, bytes: &[u8]) {
    // A sketch that cannot be read is left out: a chart without one minute is better than no chart.
    let Ok(sketch) = DdSketch::from_bytes(bytes) else { return };
    match into {
        Some(sum) => sum.merge(&sketch),
        None => *into = Some(sketch),
    }
}

impl Sum {
    fn add(&mut self, row: &MinuteRow) {
        let t = &mut self.totals;
        t.requests += row.requests;
        t.errors += row.errors;
        t.input_tokens += row.input_tokens;
        t.output_tokens += row.output_tokens;
        t.cost.0 += row.cost.0;
        merge(&mut self.latency, &row.latency);
        merge(&mut self.first_token, &row.first_token);
    }

    fn add_thumbs(&mut self, row: &ThumbsRow) {
        self.totals.feedback_up += row.up;
        self.totals.feedback_down += row.down;
        self.totals.flags += row.flags;
    }

    fn totals(self) -> Totals {
        let quantile = |sketch: &Option<DdSketch>, q| sketch.as_ref().and_then(|s| s.quantile(q));
        Totals {
            latency_p50_us: quantile(&self.latency, 0.50),
            latency_p95_us: quantile(&self.latency, 0.95),
            first_token_p95_us: quantile(&self.first_token, 0.95),
            ..self.totals
        }
    }
}

/// The overview of a span that ends now; of one route, or of all.
pub async fn overview(app: &App, actor: &Actor, range: Range, route: Option<&str>) -> Result<Overview, Fault> {
    actor.require(Permission::ReadTraffic)?;
    let at = app.now();
    let step = Duration::MINUTE.times(range.step_minutes());
    let span = Duration::MINUTE.times(range.minutes());
    // The running step is the last point.
    let end = at.floor(step).plus(step);
    let start = end.minus(span);
    let before = start.minus(span);
    let minutes = store::minutes(app.db(), before, end, route).await?;
    let thumbs = crate::feedback::store::thumbs(app.db(), before, end, route).await?;

    let (mut now, mut earlier) = (Sum::default(), Sum::default());
    let mut points: BTreeMap<Instant, Sum> = (0..span.0 / step.0).map(|i| (start.plus(step.times(i)), Sum::default())).collect();
    let mut variants: HashMap<(String, String), (Sum, BTreeMap<Instant, i64>)> = HashMap::new();
    for row in &minutes {
        if row.minute < start {
            earlier.add(row);
            continue;
        }
        now.add(row);
        let point = row.minute.floor(step);
        if let Some(sum) = points.get_mut(&point) {
            sum.add(row);
        }
        let (sum, per_point) = variants.entry((row.route.clone(), row.variant.clone())).or_default();
        sum.add(row);
        *per_point.entry(point).or_default() += row.requests;
    }
    for row in &thumbs {
        if row.minute < start {
            earlier.add_thumbs(row);
            continue;
        }
        now.add_thumbs(row);
        if let Some(sum) = points.get_mut(&row.minute.floor(step)) {
            sum.add_thumbs(row);
        }
        if let Some((sum, _)) = variants.get_mut(&(row.route.clone(), row.variant.clone())) {
            sum.add_thumbs(row);
        }
    }
    let times: Vec<Instant> = points.keys().copied().collect();
    let mut series: Vec<VariantSeries> = Vec::with_capacity(variants.len());
    for ((route, variant), (sum, per_point)) in variants {
        if variant.is_empty() {
            continue;
        }
        let colour = app.snapshot().variant_place(&route, &variant);
        let requests = times.iter().map(|t| per_point.get(t).copied().unwrap_or(0)).collect();
        series.push(VariantSeries { route, variant, colour, requests, totals: sum.totals() });
    }
    series.sort_by(|a, b| b.totals.requests.cmp(&a.totals.requests).then_with(|| (&a.route, &a.variant).cmp(&(&b.route, &b.variant))));
    Ok(Overview {
        at,
        range,
        now: now.totals(),
        before: earlier.totals(),
        points: points.into_iter().map(|(at, sum)| Point { at, totals: sum.totals() }).collect(),
        variants: series,
        markers: markers(app, start, route).await?,
    })
}

async fn markers(app: &App, since: Instant, route: Option<&str>) -> Result<Vec<Marker>, Fault> {
    let changes = crate::routing::store::changes_since(app.db(), since).await?;
    let text = |weights: &[(String, f64)]| {
        let weights: Vec<f64> = weights.iter().map(|(_, w)| *w).collect();
        crate::routing::model::shares(&weights).iter().map(ToString::to_string).collect::<Vec<_>>().join("/")
    };
    Ok(changes
        .into_iter()
        .filter(|(name, _)| route.is_none_or(|wanted| wanted == name))
        .map(|(_, c)| Marker { at: c.at, label: format!("split {} → {}", text(&c.before), text(&c.after)) })
        .collect())
}

/// The numbers of this second, from all replicas' roll-ups.
pub(crate) async fn live_metrics(app: &App) -> Result<LiveMetrics, Fault> {
    let at = app.now();
    let minute = at.minute();
    let start = minute.minus(Duration::MINUTE.times(59));
    let rows = store::minutes(app.db(), start, minute.plus(Duration::MINUTE), None).await?;
    let thumbs = crate::feedback::store::thumbs(app.db(), start, minute.plus(Duration::MINUTE), None).await?;
    let (mut hour, mut point) = (Sum::default(), Sum::default());
    let mut by_variant: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut previous = 0;
    for row in &rows {
        hour.add(row);
        if row.minute == minute {
            point.add(row);
            *by_variant.entry((row.route.clone(), row.variant.clone())).or_default() += row.requests;
        } else if row.minute == minute.minus(Duration::MINUTE) {
            previous += row.requests;
        }
    }
    for row in &thumbs {
        hour.add_thumbs(row);
        if row.minute == minute {
            point.add_thumbs(row);
        }
    }
    // The last sixty seconds: the running minute and the part of the one before that still counts.
    let elapsed = at.since(minute).0;
    let requests_per_minute = point.totals.requests + previous * (Duration::MINUTE.0 - elapsed) / Duration::MINUTE.0;
    Ok(LiveMetrics {
        at,
        requests_per_minute,
        point: Point { at: minute, totals: point.totals() },
        by_variant: by_variant.into_iter().map(|((route, variant), n)| (route, variant, n)).collect(),
        hour: hour.totals(),
    })
}
