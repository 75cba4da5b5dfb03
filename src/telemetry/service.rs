//! Reading the log and the numbers drawn from it.

use super::block::{self, Entry, Facts};
use super::model::{
    LiveMetrics, Marker, Outcome, Overview, Point, Range, RequestDetail, RequestFilter, RequestSummary, Totals, VariantSeries,
    VersionNumbers,
};
use super::record::summarise;
use super::rollup::Span;
use super::store::{self, TrafficRow};
use crate::feedback::store::numbers::ThumbsRow;
use crate::gateway::Endpoint;
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::server::App;
use crate::types::{Duration, Fault, Id, Instant, Page, PageRequest};
use hypercare_stats::sketch::DdSketch;
use hypercare_wire::chat::{ChatRequest, Edit};
use hypercare_wire::dialect::Dialect;
use std::collections::{BTreeMap, HashMap};

/// The newest requests that pass the filter.
pub async fn list_requests(app: &App, actor: &Actor, filter: &RequestFilter, page: &PageRequest) -> Result<Page<RequestSummary>, Fault> {
    actor.require(Permission::ReadTraffic)?;
    let rows = page.rows();
    let found = store::list(app.db(), filter, page.cursor.as_deref(), i64::try_from(rows + 1).unwrap_or(i64::MAX)).await?;
    let mut page = Page::cut(found, rows, |r| r.id.to_string());
    if let (false, Some(newest), Some(oldest)) =
        (actor.may(Permission::ReadSensitive), page.items.iter().map(|r| &r.id).max(), page.items.iter().map(|r| &r.id).min())
    {
        let withheld = crate::feedback::store::sensitive_requests(app.db(), oldest, newest).await?;
        for summary in page.items.iter_mut().filter(|r| withheld.contains(&r.id)) {
            restrict(summary);
        }
    }
    Ok(page)
}

fn restrict(summary: &mut RequestSummary) {
    summary.restricted = true;
    summary.preview = None;
    summary.user_id = None;
}

/// Everything about one call, by our id or the caller's. Where something harmful or private was reported, what was said is for the safety team.
pub async fn get_request(app: &App, actor: &Actor, id: &Id) -> Result<RequestDetail, Fault> {
    actor.require(Permission::ReadTraffic)?;
    let row = store::detail(app.db(), id.as_str()).await?;
    let row =
        row.ok_or_else(|| Fault::NotFound(format!("No request `{id}` is in the log. A call appears here within a second of its end.")))?;
    let entry = entry(row.content, row.place).await?;
    let mut summary = row.summary;
    if !actor.may(Permission::ReadSensitive)
        && !crate::feedback::store::sensitive_requests(app.db(), &summary.id, &summary.id).await?.is_empty()
    {
        restrict(&mut summary);
        let facts = Facts { error_message: None, source_ip: None, metadata: None, ..entry.facts };
        return Ok(detail(summary, row.key_name, Entry { facts, ..Entry::default() }, None));
    }
    let upstream = upstream_body(app, &summary, &entry).await?;
    Ok(detail(summary, row.key_name, entry, upstream))
}

/// What was asked and answered in a call.
pub(crate) struct Turn {
    /// The name of the key it came with.
    pub key: String,
    /// The body as the caller sent it, where it is kept.
    pub request: Option<Vec<u8>>,
    /// The answer as JSON, where it is kept.
    pub response: Option<Vec<u8>>,
}

/// What was asked and answered in a call that ended well.
pub(crate) async fn turn(app: &App, id: &Id) -> Result<Option<Turn>, Fault> {
    let row = store::detail(app.db(), id.as_str()).await?;
    let Some(row) = row.filter(|row| row.summary.id == *id && row.summary.outcome == Outcome::Ok) else { return Ok(None) };
    let Entry { request, response, .. } = entry(row.content, row.place).await?;
    Ok(Some(Turn { key: row.key_name, request, response }))
}

/// Who made a call and where it went; none as long as it is not in the log.
pub(crate) async fn origin(app: &App, id: &Id) -> Result<Option<store::Origin>, Fault> {
    Ok(store::origin(app.db(), id).await?)
}

/// Whether a user, or else a session, made at least so many calls.
pub(crate) async fn called(app: &App, user: Option<&str>, session: Option<&str>, least: u32) -> Result<bool, Fault> {
    let least = i64::from(least);
    Ok(least == 0 || store::calls_of(app.db(), user, session, least).await? >= least)
}

/// The call's part of its block; nothing when bodies are no longer kept.
async fn entry(content: Option<Vec<u8>>, place: i64) -> Result<Entry, Fault> {
    let Some(content) = content else { return Ok(Entry::default()) };
    let place = usize::try_from(place).map_err(Fault::internal)?;
    // Unpacking takes a millisecond or two: off the async threads.
    let read = tokio::task::spawn_blocking(move || block::read(&content, place)).await.map_err(Fault::internal)?;
    Ok(read.map_err(Fault::internal)?.unwrap_or_default())
}

/// The body as the provider got it. It is not stored: the caller's body, the rendered prompt and the immutable version make it again.
async fn upstream_body(app: &App, summary: &RequestSummary, entry: &Entry) -> Result<Option<String>, Fault> {
    let (Some(body), Some(model), Some(provider)) = (&entry.request, &summary.model, &summary.provider) else { return Ok(None) };
    let dialect = Endpoint::dialect_of(&summary.endpoint);
    let request = match dialect {
        Dialect::Gemini => ChatRequest::parse_addressed(body, model, summary.streamed),
        other => ChatRequest::parse(other, body),
    };
    let Ok(request) = request else { return Ok(None) };
    let mut parameters = Vec::new();
    if let Some((name, version)) = summary.prompt.as_deref().and_then(|p| p.rsplit_once('@'))
        && let Ok(version) = version.parse()
        && let Some(content) = crate::prompts::store::version(app.db(), name, version).await?
    {
        parameters = crate::prompts::render::settings(&content, dialect).map_err(Fault::internal)?;
    }
    let rendered = entry.rendered_prompt.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let edit = Edit { model, prompt_messages: &rendered, parameters: &parameters };
    let edited = request.rewrite(&edit);
    Ok(crate::gateway::as_sent(&app.snapshot(), dialect, provider, model, edited, summary.streamed)
        .and_then(|body| String::from_utf8(body).ok()))
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

fn detail(summary: RequestSummary, key_name: String, entry: Entry, upstream_body: Option<String>) -> RequestDetail {
    let Entry { facts, request, response, response_text, .. } = entry;
    let text = response_text
        .map(lossy)
        .or_else(|| response.as_deref().and_then(|body| summarise(Endpoint::dialect_of(&summary.endpoint), body).text));
    RequestDetail {
        summary,
        key_name: Some(key_name),
        source_ip: facts.source_ip.map(|ip| ip.to_string()),
        user_agent: facts.user_agent,
        metadata: facts.metadata.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default(),
        shadow_of: facts.shadow_of,
        error_message: facts.error_message,
        attempts: facts.attempts,
        overhead_us: facts.overhead_us,
        cached_input_tokens: i64::try_from(facts.cached_input_tokens).unwrap_or(i64::MAX),
        cache_write_tokens: i64::try_from(facts.cache_write_tokens).unwrap_or(i64::MAX),
        reasoning_tokens: i64::try_from(facts.reasoning_tokens).unwrap_or(i64::MAX),
        audio_input_tokens: i64::try_from(facts.audio_input_tokens).unwrap_or(i64::MAX),
        audio_output_tokens: i64::try_from(facts.audio_output_tokens).unwrap_or(i64::MAX),
        tier: facts.tier.map(|tier| tier.name().to_owned()),
        estimated: facts.estimated,
        finish_reason: facts.finish_reason,
        confidence: facts.confidence,
        upstream_id: facts.upstream_id,
        request_body: request.map(lossy),
        upstream_body,
        response_body: response.map(lossy),
        response_text: text,
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
    fn add(&mut self, row: &TrafficRow) {
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

/// Roll-ups for charts. Copies for shadow variants and tries in the playground cost money, and that counts; they answered no user, so nothing else
/// of them does.
async fn traffic(app: &App, span: Span, from: Instant, to: Instant, route: Option<&str>) -> Result<Vec<TrafficRow>, Fault> {
    let mut rows = store::traffic(app.db(), span, from, to, route).await?;
    for row in rows.iter_mut().filter(|row| row.aside) {
        (row.requests, row.errors, row.input_tokens, row.output_tokens) = (0, 0, 0, 0);
        row.latency.clear();
        row.first_token.clear();
    }
    Ok(rows)
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
    let thumbs = async { Ok(crate::feedback::store::numbers::thumbs(app.db(), step, before, end, route).await?) };
    let (traffic, thumbs) = tokio::try_join!(traffic(app, Span::for_step(range.step_minutes()), before, end, route), thumbs)?;

    let (mut now, mut earlier) = (Sum::default(), Sum::default());
    let mut points: BTreeMap<Instant, Sum> = (0..span.0 / step.0).map(|i| (start.plus(step.times(i)), Sum::default())).collect();
    let mut variants: HashMap<(String, String), (Sum, BTreeMap<Instant, i64>)> = HashMap::new();
    for row in &traffic {
        if row.start < start {
            earlier.add(row);
            continue;
        }
        now.add(row);
        let point = row.start.floor(step);
        if let Some(sum) = points.get_mut(&point) {
            sum.add(row);
        }
        let (sum, per_point) = variants.entry((row.route.clone(), row.variant.clone())).or_default();
        sum.add(row);
        *per_point.entry(point).or_default() += row.requests;
    }
    for row in &thumbs {
        if row.start < start {
            earlier.add_thumbs(row);
            continue;
        }
        now.add_thumbs(row);
        if let Some(sum) = points.get_mut(&row.start.floor(step)) {
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

/// How the versions of a prompt did over a range that ends now, the newest version first.
pub async fn by_version(app: &App, actor: &Actor, prompt: &str, range: Range) -> Result<Vec<VersionNumbers>, Fault> {
    actor.require(Permission::ReadTraffic)?;
    let step = Duration::MINUTE.times(range.step_minutes());
    let end = app.now().floor(step).plus(step);
    let start = end.minus(Duration::MINUTE.times(range.minutes()));
    let name = format!("{prompt}@");
    let steps = usize::try_from(range.minutes() / range.step_minutes()).unwrap_or(0);
    let mut sums: BTreeMap<u32, OfVersion> = BTreeMap::new();
    let number = |reference: &str| reference.strip_prefix(&name).and_then(|version| version.parse::<u32>().ok());
    for row in store::version_traffic(app.db(), Span::for_step(range.step_minutes()), start, end, &name).await? {
        let Some(version) = number(&row.prompt) else { continue };
        let of = sums.entry(version).or_insert_with(|| OfVersion { requests: vec![0; steps], ..OfVersion::default() });
        of.sum.add(&row.traffic);
        let place = usize::try_from(row.traffic.start.since(start).0 / step.0).unwrap_or(0);
        if let Some(point) = of.requests.get_mut(place) {
            *point += row.traffic.requests;
        }
    }
    for said in crate::feedback::store::numbers::of_prompt(app.db(), start, end, &name).await? {
        let Some(of) = number(&said.prompt).and_then(|version| sums.get_mut(&version)) else { continue };
        of.sum.totals.feedback_up += said.up;
        of.sum.totals.feedback_down += said.down;
        of.sum.totals.flags += said.flags;
        for category in said.categories.0 {
            *of.categories.entry(category).or_default() += said.n;
        }
    }
    Ok(sums.into_iter().rev().map(|(version, of)| of.numbers(version)).collect())
}

/// What is summed up of a version.
#[derive(Default)]
struct OfVersion {
    sum: Sum,
    requests: Vec<i64>,
    categories: BTreeMap<String, i64>,
}

impl OfVersion {
    fn numbers(self, version: u32) -> VersionNumbers {
        let mut categories: Vec<_> = self.categories.into_iter().collect();
        categories.sort_by_key(|(_, n)| -n);
        VersionNumbers { version, totals: self.sum.totals(), requests: self.requests, categories }
    }
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
    let rows = traffic(app, Span::Minute, start, minute.plus(Duration::MINUTE), None).await?;
    let thumbs = crate::feedback::store::numbers::thumbs(app.db(), Duration::MINUTE, start, minute.plus(Duration::MINUTE), None).await?;
    let (mut hour, mut point) = (Sum::default(), Sum::default());
    let mut by_variant: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut previous = 0;
    for row in &rows {
        hour.add(row);
        if row.start == minute {
            point.add(row);
            *by_variant.entry((row.route.clone(), row.variant.clone())).or_default() += row.requests;
        } else if row.start == minute.minus(Duration::MINUTE) {
            previous += row.requests;
        }
    }
    for row in &thumbs {
        hour.add_thumbs(row);
        if row.start == minute {
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
