//! The configuration as a declarative file: what is written here, `apply` takes back without a change.

use super::App;
use crate::catalog::model::Price;
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::notify::model::{Channel, ChannelKind};
use crate::prompts::model::{Prompt, PromptRef, VersionContent};
use crate::prompts::template;
use crate::providers::model::{ProviderKind, Timeouts};
use crate::routing::model::RouteDraft;
use crate::surveys::model::SurveyDraft;
use crate::types::{Fault, PageRequest};
use crate::{catalog, notify, prompts, providers, routing, surveys};
use serde::Serialize;
use std::collections::BTreeSet;

/// What stands at the head of the file.
const HEAD: &str = "# Written by `hypercare export config`. Providers keep the keys they have: give `api_keys` to set others.\n\
    # Keys of applications and people are not in it: only hashes of their secrets are stored.\n\n";

#[derive(Serialize)]
struct Exported {
    providers: Vec<ProviderOut>,
    models: Vec<ModelOut>,
    prompts: Vec<PromptOut>,
    routes: Vec<RouteDraft>,
    surveys: Vec<SurveyDraft>,
    channels: Vec<ChannelOut>,
}

#[derive(Serialize)]
struct ChannelOut {
    name: String,
    kind: ChannelKind,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    to: Vec<String>,
    allow_private: bool,
    events: Vec<String>,
}

#[derive(Serialize)]
struct ProviderOut {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<String>,
    kind: ProviderKind,
    base_url: String,
    max_in_flight: u32,
    sample: bool,
    draining: bool,
    responses_api: bool,
    timeouts: Timeouts,
}

#[derive(Serialize)]
struct ModelOut {
    provider: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_window: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Price>,
}

#[derive(Serialize)]
struct PromptOut {
    name: String,
    protected: Vec<String>,
    gated: bool,
    versions: Vec<VersionOut>,
}

#[derive(Serialize)]
struct VersionOut {
    #[serde(flatten)]
    content: VersionContent,
    labels: Vec<String>,
}

/// The whole configuration as TOML, without any secret.
pub async fn config(app: &App, actor: &Actor) -> Result<String, Fault> {
    actor.require(Permission::WriteRoutes)?;
    let providers = providers::service::list(app, actor).await?.into_iter().map(|p| ProviderOut {
        name: p.name,
        preset: p.preset,
        kind: p.kind,
        base_url: p.base_url,
        max_in_flight: p.max_in_flight,
        sample: p.sample,
        draining: p.draining,
        responses_api: p.responses_api,
        timeouts: p.timeouts,
    });
    let models = catalog::store::all(app.db()).await?.into_iter().map(|m| ModelOut {
        provider: m.provider,
        name: m.name,
        context_window: m.context_window,
        max_output_tokens: m.max_output_tokens,
        price: m.price,
    });
    let exported = Exported {
        providers: providers.collect(),
        models: models.collect(),
        prompts: in_order(all_prompts(app, actor).await?).into_iter().map(prompt).collect(),
        routes: routing::service::list(app, actor).await?.into_iter().map(RouteDraft::from).collect(),
        surveys: surveys::service::drafts(app, actor).await?,
        channels: notify::service::list(app, actor).await?.into_iter().map(channel).collect(),
    };
    toml::to_string(&exported).map(|text| format!("{HEAD}{text}")).map_err(Fault::internal)
}

fn channel(c: Channel) -> ChannelOut {
    ChannelOut { name: c.name, kind: c.kind, url: c.url, to: c.to, allow_private: c.allow_private, events: c.events }
}

async fn all_prompts(app: &App, actor: &Actor) -> Result<Vec<Prompt>, Fault> {
    let mut all = Vec::new();
    let mut page = PageRequest { limit: Some(500), cursor: None };
    loop {
        let found = prompts::service::list(app, actor, None, &page).await?;
        for summary in found.items {
            all.push(prompts::service::get(app, actor, &summary.name).await?);
        }
        match found.next_cursor {
            None => return Ok(all),
            cursor => page.cursor = cursor,
        }
    }
}

/// Shared texts before what includes them: a file is applied from its beginning.
fn in_order(mut waiting: Vec<Prompt>) -> Vec<Prompt> {
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut out = Vec::with_capacity(waiting.len());
    loop {
        let before = waiting.len();
        let (ready, later): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|p| includes(p).iter().all(|name| done.contains(name) || *name == p.name));
        done.extend(ready.iter().map(|p| p.name.clone()));
        out.extend(ready);
        waiting = later;
        // What is left includes what is not there any more: it goes as it is.
        if waiting.is_empty() || waiting.len() == before {
            out.extend(waiting);
            return out;
        }
    }
}

fn includes(prompt: &Prompt) -> Vec<String> {
    let texts = prompt.versions.iter().flat_map(|v| &v.content.messages).map(|m| &m.content);
    let uses = texts.filter(|text| text.contains("include")).filter_map(|text| template::uses(text).ok());
    uses.flat_map(|uses| uses.fragments.into_keys()).filter_map(|reference| Some(PromptRef::parse(&reference)?.name.to_owned())).collect()
}

fn prompt(prompt: Prompt) -> PromptOut {
    let labels = prompt.labels;
    let versions = prompt.versions.into_iter().rev().map(|v| VersionOut {
        labels: labels.iter().filter(|l| l.version == v.version).map(|l| l.label.clone()).collect(),
        content: v.content,
    });
    PromptOut { name: prompt.name, protected: prompt.guard.protected, gated: prompt.guard.gated, versions: versions.collect() }
}
