//! Reading themes, looking for them, and what people do with them.

use super::find::{self, Known, Text};
use super::model::{Count, IssueRef, Theme};
use super::store::{self, ThemeRow};
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::identity::service::{Change, note};
use crate::server::App;
use crate::types::{Duration, Fault, Id, Instant};
use futures_util::future::try_join_all;
use hypercare_text::theme::Centre;
use serde::Serialize;
use sqlx::types::Json;
use std::collections::HashMap;

/// How far back texts are looked at.
const WINDOW: Duration = Duration(14 * 86_400 * 1_000_000);
/// Most texts that are looked at.
const MOST_TEXTS: i64 = 10_000;
/// Fewer texts are no theme.
const LEAST: usize = 3;
/// Steps of the little chart.
const STEPS: i64 = 24;
/// Examples in a list.
const EXAMPLES: i64 = 3;
/// Examples on the page of a theme.
const MANY_EXAMPLES: i64 = 30;

/// What a look for themes did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Refreshed {
    /// Texts looked at.
    pub texts: usize,
    /// Texts that joined known themes.
    pub joined: usize,
    /// New themes.
    pub new: usize,
}

/// Looks for themes now.
pub async fn refresh(app: &App, actor: &Actor) -> Result<Refreshed, Fault> {
    actor.require(Permission::Triage)?;
    look(app).await
}

/// Puts what came in with known themes and finds new ones. What belongs to a theme stays there, so a theme is the same tomorrow.
pub(crate) async fn look(app: &App) -> Result<Refreshed, Fault> {
    let began = app.now();
    let rows = store::texts(app.db(), began.minus(WINDOW), MOST_TEXTS).await?;
    let themes = store::all(app.db()).await?;
    let text = |row: &store::TextRow| Text {
        comment: row.comment.clone().unwrap_or_default(),
        categories: row.categories.0.clone(),
        settled: row.theme.is_some(),
    };
    let texts: Vec<Text> = rows.iter().map(text).collect();
    let known: Vec<Known> = themes.iter().map(|t| Known { centre: Centre(t.centroid.0.clone()) }).collect();
    // Off the async threads: ten thousand texts take seconds.
    let findings = tokio::task::spawn_blocking(move || find::find(&texts, &known, LEAST)).await.map_err(Fault::internal)?;
    let now = app.now();
    let mut tx = app.db().begin().await?;
    for (text, theme) in &findings.joined {
        let theme = &themes[*theme];
        store::assign(&mut tx, &rows[*text].id, Some(theme.merged_into.as_ref().unwrap_or(&theme.id))).await?;
    }
    for (theme, centre) in &findings.moved {
        store::move_centre(&mut tx, &themes[*theme].id, &centre.0, now).await?;
    }
    for found in &findings.new {
        let row = ThemeRow {
            id: Id::new(),
            name: found.name.chars().take(120).collect(),
            named_by: None,
            terms: Json(found.terms.clone()),
            centroid: Json(found.centre.0.clone()),
            merged_into: None,
            created_at: now,
            updated_at: now,
        };
        store::put(&mut tx, &row).await?;
        for member in &found.members {
            store::assign(&mut tx, &rows[*member].id, Some(&row.id)).await?;
        }
    }
    store::examined(&mut tx, began, now).await?;
    tx.commit().await?;
    Ok(Refreshed { texts: rows.len(), joined: findings.joined.len(), new: findings.new.len() })
}

/// Themes of a span that ends now, most first.
pub async fn list(app: &App, actor: &Actor, span: Duration) -> Result<Vec<Theme>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let numbers = Numbers::load(app, span).await?;
    let mut themes = counted(app, &numbers).await?;
    themes.retain(|theme| theme.count > 0 || theme.before > 0);
    themes.truncate(100);
    numbers.fill(app, &mut themes, None, EXAMPLES).await?;
    Ok(themes)
}

/// The ten themes of a span that most is said of, without examples: for where many things stand side by side.
pub async fn busiest(app: &App, actor: &Actor, span: Duration) -> Result<Vec<Theme>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let mut themes = counted(app, &Numbers::load(app, span).await?).await?;
    themes.retain(|theme| theme.count > 0);
    themes.truncate(10);
    Ok(themes)
}

/// Every theme with its counts, most first.
async fn counted(app: &App, numbers: &Numbers) -> Result<Vec<Theme>, Fault> {
    let rows = store::all(app.db()).await?;
    let mut themes: Vec<Theme> = rows.into_iter().filter(|row| row.merged_into.is_none()).map(|row| numbers.theme(row)).collect();
    themes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| b.before.cmp(&a.before)).then_with(|| a.id.cmp(&b.id)));
    Ok(themes)
}

/// One theme over a span that ends now; of one that was merged, what it is part of.
pub async fn get(app: &App, actor: &Actor, id: &Id, span: Duration) -> Result<Theme, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let id = current(app, id).await?;
    let rows = store::all(app.db()).await?;
    let row = rows.into_iter().find(|row| row.id == id).ok_or_else(no_theme)?;
    let numbers = Numbers::load(app, span).await?;
    let mut theme = numbers.theme(row);
    numbers.fill(app, std::slice::from_mut(&mut theme), Some(&id), MANY_EXAMPLES).await?;
    Ok(theme)
}

/// The id a theme has now: its own, or of what it was merged into.
pub async fn current(app: &App, id: &Id) -> Result<Id, Fault> {
    let rows = store::all(app.db()).await?;
    let row = rows.into_iter().find(|row| row.id == *id).ok_or_else(no_theme)?;
    Ok(row.merged_into.unwrap_or(row.id))
}

fn no_theme() -> Fault {
    Fault::NotFound("There is no such theme.".to_owned())
}

/// What is known of all themes over a span.
struct Numbers {
    from: Instant,
    /// Twice the steps: the span before, then the span.
    steps: HashMap<Id, Vec<i64>>,
    complaints: i64,
    issues: HashMap<Id, IssueRef>,
}

impl Numbers {
    async fn load(app: &App, span: Duration) -> Result<Self, Fault> {
        let from = app.now().minus(span);
        let (of_steps, complaints, issues) = tokio::try_join!(
            store::steps(app.db(), from.minus(span), Duration(span.0 / STEPS)),
            store::complaints(app.db(), from),
            store::issues(app.db()),
        )?;
        let mut steps: HashMap<Id, Vec<i64>> = HashMap::new();
        for row in of_steps {
            let counts = steps.entry(row.theme).or_insert_with(|| vec![0; usize::try_from(STEPS).unwrap_or(0) * 2]);
            let last = counts.len() - 1;
            counts[usize::try_from(row.step).unwrap_or(0).min(last)] += row.n;
        }
        let issues = issues.into_iter().map(|(theme, number, title)| (theme, IssueRef { number, title })).collect();
        Ok(Self { from, steps, complaints, issues })
    }

    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    fn theme(&self, row: ThemeRow) -> Theme {
        let half = usize::try_from(STEPS).unwrap_or(0);
        let all = self.steps.get(&row.id).cloned().unwrap_or_else(|| vec![0; half * 2]);
        let (before, now) = all.split_at(half);
        let (before, count): (i64, i64) = (before.iter().sum(), now.iter().sum());
        Theme {
            trend: (before > 0).then(|| (count - before) as f64 / before as f64),
            share: if self.complaints > 0 { (count as f64 / self.complaints as f64).min(1.0) } else { 0.0 },
            series: now.to_vec(),
            issue: self.issues.get(&row.id).cloned(),
            id: row.id,
            name: row.name,
            named_by: row.named_by,
            terms: row.terms.0,
            count,
            before,
            people: 0,
            examples: Vec::new(),
            versions: Vec::new(),
            variants: Vec::new(),
            created_at: row.created_at,
        }
    }

    /// Who says it, what about, and in which words: of the one theme there is, or of many.
    async fn fill(&self, app: &App, themes: &mut [Theme], one: Option<&Id>, examples: i64) -> Result<(), Fault> {
        let said = try_join_all(themes.iter().map(|theme| store::examples(app.db(), &theme.id, examples)));
        let (people, answered, said) =
            tokio::try_join!(store::people(app.db(), self.from, one), store::about(app.db(), self.from, one), said)?;
        let people: HashMap<Id, i64> = people.into_iter().map(|row| (row.theme, row.n)).collect();
        let mut about: HashMap<Id, About> = HashMap::new();
        for row in answered {
            about.entry(row.theme.clone()).or_default().add(row);
        }
        for (theme, said) in themes.iter_mut().zip(said) {
            theme.people = people.get(&theme.id).copied().unwrap_or_default();
            (theme.versions, theme.variants) = about.remove(&theme.id).unwrap_or_default().most();
            theme.examples = said;
        }
        Ok(())
    }
}

/// How often versions of prompts and variants of routes are complained of.
#[derive(Default)]
struct About {
    versions: HashMap<String, i64>,
    variants: HashMap<String, i64>,
}

impl About {
    fn add(&mut self, row: store::AboutRow) {
        if let Some(prompt) = row.prompt {
            *self.versions.entry(prompt).or_default() += row.n;
        }
        if let (Some(route), Some(variant)) = (row.route, row.variant) {
            *self.variants.entry(format!("{route} · {variant}")).or_default() += row.n;
        }
    }

    /// The ten of each that most is said of.
    fn most(self) -> (Vec<Count>, Vec<Count>) {
        let most = |counts: HashMap<String, i64>| {
            let mut counts: Vec<Count> = counts.into_iter().map(|(name, count)| Count { name, count }).collect();
            counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
            counts.truncate(10);
            counts
        };
        (most(self.versions), most(self.variants))
    }
}

fn check_name(name: &str) -> Result<String, Fault> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 120 {
        return Err(Fault::field("name", "must have 1 to 120 characters"));
    }
    Ok(name.to_owned())
}

/// Names a theme. The name stays, whatever joins it.
pub async fn rename(app: &App, actor: &Actor, id: &Id, name: &str) -> Result<(), Fault> {
    actor.require(Permission::Triage)?;
    let name = check_name(name)?;
    let mut tx = app.db().begin().await?;
    let before = store::get(&mut tx, id).await?.ok_or_else(no_theme)?;
    let after = ThemeRow { name: name.clone(), named_by: Some(actor.name()), updated_at: app.now(), ..before.clone() };
    store::put(&mut tx, &after).await?;
    note(app, &mut tx, actor, Change::new("themes.theme.rename", id.as_str()).before(&before.name).after(&name)).await?;
    Ok(tx.commit().await?)
}

/// Makes one theme of two. What is like the first from now on belongs to the second as well.
pub async fn merge(app: &App, actor: &Actor, id: &Id, into: &Id) -> Result<(), Fault> {
    actor.require(Permission::Triage)?;
    if id == into {
        return Err(Fault::field("into", "is the same theme"));
    }
    let mut tx = app.db().begin().await?;
    let before = store::get(&mut tx, id).await?.ok_or_else(no_theme)?;
    let target = store::get(&mut tx, into).await?.filter(|t| t.merged_into.is_none());
    let target = target.ok_or_else(|| Fault::field("into", "is no theme of its own"))?;
    for mut other in store::all(app.db()).await?.into_iter().filter(|t| t.merged_into.as_ref() == Some(id)) {
        other.merged_into = Some(into.clone());
        store::put(&mut tx, &other).await?;
    }
    store::put(&mut tx, &ThemeRow { merged_into: Some(into.clone()), updated_at: app.now(), ..before.clone() }).await?;
    let moved = store::assign_all(&mut tx, id, into).await?;
    let after = serde_json::json!({ "into": target.name, "feedback": moved });
    note(app, &mut tx, actor, Change::new("themes.theme.merge", id.as_str()).before(&before.name).after(&after)).await?;
    Ok(tx.commit().await?)
}

/// Takes some feedback out of a theme into a new one of its own.
pub async fn split(app: &App, actor: &Actor, id: &Id, name: &str, feedback: &[Id]) -> Result<Id, Fault> {
    actor.require(Permission::Triage)?;
    let name = check_name(name)?;
    if feedback.is_empty() || feedback.len() > 1_000 {
        return Err(Fault::field("feedback", "must name 1 to 1,000 pieces of feedback of the theme"));
    }
    let rows = store::texts(app.db(), app.now().minus(WINDOW), MOST_TEXTS).await?;
    let of_split = |row: &&store::TextRow| feedback.contains(&row.id) && row.theme.as_ref() == Some(id);
    let members: Vec<&store::TextRow> = rows.iter().filter(of_split).collect();
    if members.is_empty() {
        return Err(Fault::field("feedback", "names nothing of this theme from the last 14 days"));
    }
    let texts: Vec<Text> = rows
        .iter()
        .map(|row| Text { comment: row.comment.clone().unwrap_or_default(), categories: row.categories.0.clone(), settled: true })
        .collect();
    let places: Vec<usize> = (0..rows.len()).filter(|i| of_split(&&rows[*i])).collect();
    let centre = tokio::task::spawn_blocking(move || find::centre_of(&texts, &places)).await.map_err(Fault::internal)?;
    let now = app.now();
    let row = ThemeRow {
        id: Id::new(),
        name: name.clone(),
        named_by: Some(actor.name()),
        terms: Json(centre.0.iter().filter(|(term, _)| !term.starts_with('#')).take(3).map(|(term, _)| term.clone()).collect()),
        centroid: Json(centre.0),
        merged_into: None,
        created_at: now,
        updated_at: now,
    };
    let mut tx = app.db().begin().await?;
    store::put(&mut tx, &row).await?;
    for member in &members {
        store::assign(&mut tx, &member.id, Some(&row.id)).await?;
    }
    let after = serde_json::json!({ "theme": name, "feedback": members.len() });
    note(app, &mut tx, actor, Change::new("themes.theme.split", id.as_str()).after(&after)).await?;
    tx.commit().await?;
    Ok(row.id)
}
