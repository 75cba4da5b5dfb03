//! The form of a route: variants, rules, what happens when a target fails.

use crate::pages::asked::Form;
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, Field, FormError, log_and_status, redirect};
use crate::parts::icon::Icon;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::identity::model::Permission;
use hypercare::prompts::model::PromptSummary;
use hypercare::routing::model::{Choose, Failover, FailoverOn, OnHangUp, Route, RouteDraft, Rule, StickyBy, Target, Variant};
use hypercare::routing::service;
use hypercare::server::App;
use hypercare::types::{Fault, PageRequest};
use leptos::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Empty rows offered behind those there are.
const SPARE_ROWS: usize = 2;

#[derive(Clone, Debug, Default)]
struct TypedVariant {
    name: String,
    weight: String,
    provider: String,
    model: String,
    prompt: String,
    shadow: bool,
}

#[derive(Clone, Debug, Default)]
struct TypedRule {
    when: String,
    variant: String,
}

#[derive(Clone, Debug, Default)]
struct TypedTarget {
    place: String,
    target: String,
}

/// What was typed into the form of a route.
#[derive(Clone, Debug, Default)]
struct Typed {
    name: String,
    /// None for a new route.
    revision: Option<i64>,
    sticky_by: String,
    choose: String,
    on_hang_up: String,
    log_bodies: bool,
    drop_unsupported: bool,
    variants: Vec<TypedVariant>,
    rules: Vec<TypedRule>,
    targets: Vec<TypedTarget>,
    on: Vec<String>,
    retries: String,
    total_ms: String,
    reason: String,
}

/// The stable word of a value, as JSON has it.
fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The value of a stable word.
fn of_word<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

impl Typed {
    fn new() -> Self {
        let Failover { on, retries, .. } = Failover::default();
        Self {
            log_bodies: true,
            on: on.iter().map(word).collect(),
            retries: retries.to_string(),
            variants: vec![TypedVariant { name: "control".to_owned(), weight: "100".to_owned(), ..TypedVariant::default() }],
            ..Self::default()
        }
    }

    fn of(route: &Route) -> Self {
        let options = &route.options;
        Self {
            name: route.name.clone(),
            revision: Some(route.revision),
            sticky_by: route.sticky_by.as_str().to_owned(),
            choose: word(&options.choose),
            on_hang_up: word(&options.on_hang_up),
            log_bodies: options.log_bodies,
            drop_unsupported: options.drop_unsupported,
            variants: (route.variants.iter())
                .map(|v| TypedVariant {
                    name: v.name.clone(),
                    weight: v.weight.to_string(),
                    provider: v.provider.clone(),
                    model: v.model.clone(),
                    prompt: v.prompt.clone().unwrap_or_default(),
                    shadow: options.shadow.contains(&v.name),
                })
                .collect(),
            rules: options.rules.iter().map(|r| TypedRule { when: r.when.clone(), variant: r.variant.clone() }).collect(),
            targets: (route.failover.targets.iter().enumerate())
                .map(|(i, t)| TypedTarget { place: (i + 1).to_string(), target: format!("{}/{}", t.provider, t.model) })
                .collect(),
            on: route.failover.on.iter().map(word).collect(),
            retries: route.failover.retries.to_string(),
            total_ms: route.failover.total_ms.map(|ms| ms.to_string()).unwrap_or_default(),
            reason: String::new(),
        }
    }

    /// Reads repeated fields in order.
    fn from_form(pairs: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        for (key, value) in pairs {
            typed.take(&key, value);
        }
        typed.variants.retain(|v| !v.name.trim().is_empty() || !v.model.trim().is_empty());
        typed.rules.retain(|r| !r.when.trim().is_empty());
        typed.targets.retain(|t| !t.target.trim().is_empty());
        typed.targets.sort_by_key(|t| t.place.trim().parse::<u32>().unwrap_or(u32::MAX));
        for (i, target) in typed.targets.iter_mut().enumerate() {
            target.place = (i + 1).to_string();
        }
        typed
    }

    fn take(&mut self, key: &str, value: String) {
        let value = value.trim().to_owned();
        if let Some(field) = key.strip_prefix("variant.") {
            if field == "name" {
                self.variants.push(TypedVariant { name: value, ..TypedVariant::default() });
                return;
            }
            let Some(variant) = self.variants.last_mut() else { return };
            match field {
                "weight" => variant.weight = value,
                "provider" => variant.provider = value,
                "model" => variant.model = value,
                "prompt" => variant.prompt = value,
                "shadow" => variant.shadow = true,
                _ => {}
            }
            return;
        }
        match key {
            "name" => self.name = value,
            "revision" => self.revision = value.parse().ok(),
            "sticky_by" => self.sticky_by = value,
            "choose" => self.choose = value,
            "on_hang_up" => self.on_hang_up = value,
            "log_bodies" => self.log_bodies = true,
            "drop_unsupported" => self.drop_unsupported = true,
            "rule.when" => self.rules.push(TypedRule { when: value, ..TypedRule::default() }),
            "rule.variant" => self.rules.last_mut().map(|r| r.variant = value).unwrap_or_default(),
            "target.place" => self.targets.push(TypedTarget { place: value, ..TypedTarget::default() }),
            "target" => self.targets.last_mut().map(|t| t.target = value).unwrap_or_default(),
            "on" => self.on.push(value),
            "retries" => self.retries = value,
            "total_ms" => self.total_ms = value,
            "reason" => self.reason = value,
            _ => {}
        }
    }

    fn draft(&self) -> Result<RouteDraft, Fault> {
        let mut wrong = BTreeMap::new();
        let mut variants = Vec::new();
        for (i, v) in self.variants.iter().enumerate() {
            let weight = v.weight.replace(',', ".").parse().unwrap_or_else(|_| {
                wrong.insert(format!("variants[{i}].weight"), format!("`{}` is no number", v.weight));
                0.0
            });
            let prompt = Some(v.prompt.clone()).filter(|p| !p.is_empty());
            variants.push(Variant { name: v.name.clone(), weight, provider: v.provider.clone(), model: v.model.clone(), prompt });
        }
        let mut targets = Vec::new();
        for (i, t) in self.targets.iter().enumerate() {
            match t.target.split_once('/') {
                Some((provider, model)) => targets.push(Target { provider: provider.to_owned(), model: model.to_owned() }),
                None => {
                    wrong.insert(format!("failover.targets[{i}]"), format!("`{}` must be like provider/model", t.target));
                }
            }
        }
        let mut number = |field: &str, text: &str| -> Option<u64> {
            if text.is_empty() {
                return None;
            }
            let read = text.parse().ok();
            if read.is_none() {
                wrong.insert(field.to_owned(), format!("`{text}` is no whole number"));
            }
            read
        };
        let retries = number("failover.retries", &self.retries).unwrap_or(0);
        let total_ms = number("failover.total_ms", &self.total_ms);
        Fault::check(wrong)?;
        let retries = u32::try_from(retries).unwrap_or(u32::MAX);
        let on = FailoverOn::ALL.into_iter().filter(|on| self.on.contains(&word(on))).collect();
        Ok(RouteDraft {
            name: self.name.clone(),
            sticky_by: of_word(&self.sticky_by).unwrap_or_default(),
            choose: of_word(&self.choose).unwrap_or_default(),
            rules: self.rules.iter().map(|r| Rule { when: r.when.clone(), variant: r.variant.clone() }).collect(),
            shadow: self.variants.iter().filter(|v| v.shadow).map(|v| v.name.clone()).collect(),
            on_hang_up: of_word(&self.on_hang_up).unwrap_or_default(),
            log_bodies: self.log_bodies,
            drop_unsupported: self.drop_unsupported,
            variants,
            failover: Failover { targets, retries, on, total_ms },
        })
    }
}

/// What there is to choose from.
struct Known {
    providers: Vec<String>,
    models: Vec<String>,
    prompts: Vec<String>,
}

async fn known(ctx: &Ctx) -> Result<Known, Fault> {
    let (app, actor) = (&ctx.app, ctx.actor());
    let providers = hypercare::providers::service::list(app, &actor).await?.into_iter().map(|p| p.name).collect();
    let mut models: Vec<String> = service::list(app, &actor).await?.into_iter().flat_map(|r| r.variants).map(|v| v.model).collect();
    models.sort();
    models.dedup();
    let page = PageRequest { limit: Some(500), cursor: None };
    let found = hypercare::prompts::service::list(app, &actor, None, &page).await?;
    Ok(Known { providers, models, prompts: found.items.iter().flat_map(references).collect() })
}

/// Every way to point to a prompt that a list can offer.
fn references(prompt: &PromptSummary) -> Vec<String> {
    let labels = prompt.labels.iter().map(|l| format!("{}@{}", prompt.name, l.label));
    labels.chain([format!("{}@{}", prompt.name, prompt.latest_version)]).collect()
}

async fn new_page(ctx: Ctx) -> Response {
    show(&ctx, Typed::new(), None).await
}

async fn edit_page(ctx: Ctx, Path(name): Path<String>) -> Response {
    match service::get(&ctx.app, &ctx.actor(), &name).await {
        Ok(route) => show(&ctx, Typed::of(&route), None).await,
        Err(fault) => ctx.fault(&fault),
    }
}

async fn show(ctx: &Ctx, typed: Typed, fault: Option<Fault>) -> Response {
    if let Err(fault) = ctx.actor().require(Permission::WriteRoutes) {
        return ctx.fault(&fault);
    }
    let known = match known(ctx).await {
        Ok(known) => known,
        Err(fault) => return ctx.fault(&fault),
    };
    let status = fault.as_ref().map_or(StatusCode::OK, log_and_status);
    let title = if typed.revision.is_some() { "Change the route" } else { "New route" };
    ctx.page_with(status, title, "/routes", Box::new(move || view_of(typed, &known, fault).into_any()))
}

async fn save(ctx: Ctx, Form(pairs): Form<Vec<(String, String)>>) -> Response {
    let typed = Typed::from_form(pairs);
    let draft = match typed.draft() {
        Ok(draft) => draft,
        Err(fault) => return show(&ctx, typed, Some(fault)).await,
    };
    match service::save(&ctx.app, &ctx.actor(), draft, typed.revision, &typed.reason).await {
        Ok(route) => redirect(&format!("/routes/{}", encode(&route.name)), "Saved. The route is in force."),
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show(&ctx, typed, Some(fault)).await,
    }
}

#[derive(Deserialize)]
struct Delete {
    #[serde(default)]
    confirm: String,
}

async fn delete(ctx: Ctx, Path(name): Path<String>, Form(said): Form<Delete>) -> Response {
    if said.confirm != name {
        return ctx.fault(&Fault::field("Confirm", format!("Please type {name} to delete it. Nothing was deleted.")));
    }
    match service::delete(&ctx.app, &ctx.actor(), &name, "").await {
        Ok(()) => redirect("/routes", &format!("The route {name} is deleted. Its calls are refused from now on; the log stays.")),
        Err(fault) => ctx.fault(&fault),
    }
}

fn view_of(typed: Typed, known: &Known, fault: Option<Fault>) -> impl IntoView + use<> {
    let fields = fault.as_ref().map(Fault::fields).unwrap_or_default();
    let general = |k: &str| k != "name";
    let lines: Vec<String> = fields.iter().filter(|(k, _)| general(k)).map(|(k, v)| format!("{} {v}.", place_of(k))).collect();
    let message = if fields.is_empty() { fault.as_ref().map(ToString::to_string) } else { (!lines.is_empty()).then(|| lines.join(" ")) };
    let title = if typed.revision.is_some() { typed.name.clone() } else { "New route".to_owned() };
    let (variants, rules, targets) = (variants(&typed), rules(&typed), targets(&typed));
    let (behaviour, danger) = (behaviour(&typed), danger(&typed));
    let (own_name, reason) = (typed.name.clone(), typed.reason.clone());
    let name = match typed.revision {
        Some(revision) => view! { <input type="hidden" name="name" value=own_name/><input type="hidden" name="revision" value=revision.to_string()/> }.into_any(),
        None => view! { <Field label="Name" id="name" error=fields.get("name").cloned() help="What an app sends as model, like support-bot"><input class="input" id="name" name="name" required maxlength="100" value=own_name/></Field> }.into_any(),
    };
    view! {
        <div class="page-head"><h1><a class="muted" href="/routes">"Routes"</a><span class="muted">" / "</span>{title}</h1></div>
        {lists(known)}
        <form method="post" action="/routes/new" class="stack">
            <FormError message=message/>
            <section class="card stack">{name}{variants}</section>
            {targets}{rules}{behaviour}
            <section class="card stack">
                <Field label="Reason" id="reason"><input class="input" id="reason" name="reason" placeholder="Why now?" maxlength="1000" value=reason/></Field>
                <div class="row"><button class="btn primary">"Save, in force within 1 s"</button><a class="btn quiet" href="/routes">"Cancel"</a></div>
            </section>
        </form>
        {danger}
    }
}

/// `variants[0].provider` as `Variant 1, provider:`.
fn place_of(field: &str) -> String {
    let part = |prefix: &str, word: &str| {
        let (number, rest) = field.strip_prefix(prefix)?.split_once(']')?;
        let rest = rest.trim_start_matches('.');
        let comma = if rest.is_empty() { "" } else { ", " };
        Some(format!("{word} {}{comma}{rest}:", number.parse::<usize>().ok()? + 1))
    };
    part("variants[", "Variant")
        .or_else(|| part("rules[", "Rule"))
        .or_else(|| part("failover.targets[", "Stand-in"))
        .unwrap_or_else(|| format!("{}:", field.replace('_', " ")))
}

fn lists(known: &Known) -> impl IntoView + use<> {
    let options = |items: &[String]| items.iter().map(|item| view! { <option value=item.clone()></option> }).collect_view();
    let targets: Vec<String> =
        known.providers.iter().flat_map(|p| known.models.iter().map(move |m| format!("{p}/{m}"))).take(500).collect();
    view! {
        <datalist id="providers">{options(&known.providers)}</datalist><datalist id="models">{options(&known.models)}</datalist>
        <datalist id="prompts">{options(&known.prompts)}</datalist><datalist id="targets">{options(&targets)}</datalist>
    }
}

fn variants(typed: &Typed) -> impl IntoView + use<> {
    let mut all = typed.variants.clone();
    all.extend(std::iter::repeat_n(TypedVariant::default(), SPARE_ROWS));
    let rows = all.into_iter().enumerate().map(|(i, v)| variant_row(i + 1, v).into_any()).collect_view();
    view! {
        <div class="row wide"><h2>"Variants"</h2><span class="small muted">"rows without a name are left out; a share is the weight against the sum"</span></div>
        <div class="scroll"><table class="form-table">
            <thead><tr><th scope="col">"Name"</th><th scope="col">"Weight"</th><th scope="col">"Provider"</th><th scope="col">"Model"</th><th scope="col">"Prompt"</th><th scope="col">"Copy"</th></tr></thead>
            <tbody>{rows}</tbody></table></div>
        <p class="small muted">"Copy: the variant also gets a copy of every call; only the log sees its answers."</p>
    }
}

fn variant_row(n: usize, v: TypedVariant) -> impl IntoView {
    let label = |what: &str| format!("{what} of variant {n}");
    view! {
        <tr>
            <td><input class="input" name="variant.name" value=v.name aria-label=label("Name") maxlength="100"/></td>
            <td><input class="input num percent" name="variant.weight" value=v.weight inputmode="decimal" aria-label=label("Weight")/></td>
            <td><input class="input" name="variant.provider" value=v.provider list="providers" aria-label=label("Provider")/></td>
            <td><input class="input" name="variant.model" value=v.model list="models" aria-label=label("Model")/></td>
            <td><input class="input" name="variant.prompt" value=v.prompt list="prompts" placeholder="none" aria-label=label("Prompt")/></td>
            <td><input type="checkbox" name="variant.shadow" value="yes" checked=v.shadow aria-label=label("Copy")/></td>
        </tr>
    }
}

fn targets(typed: &Typed) -> impl IntoView + use<> {
    let mut all = typed.targets.clone();
    all.extend(std::iter::repeat_n(TypedTarget::default(), SPARE_ROWS));
    let rows = all.into_iter().enumerate().map(|(i, t)| {
        let n = i + 1;
        view! {
            <tr data-row=""><td class="handle-cell"><span class="handle" draggable="true" title="Drag, or press Alt and an arrow key" aria-hidden="true"><Icon name="menu"/></span><input class="input num percent" name="target.place" data-place="" inputmode="numeric" value=t.place aria-label=format!("Place of stand-in {n}")/></td>
                <td><input class="input" name="target" list="targets" placeholder="provider/model" value=t.target aria-label=format!("Stand-in {n}")/></td></tr>
        }
        .into_any()
    });
    let causes = FailoverOn::ALL.map(|on| {
        let (value, words) = (word(&on), cause_words(on));
        view! { <label class="check"><input type="checkbox" name="on" value=value.clone() checked=typed.on.contains(&value)/>{words}</label> }
    });
    let (retries, total_ms) = (typed.retries.clone(), typed.total_ms.clone());
    view! {
        <section class="card stack"><div class="row wide"><h2>"When a target fails"</h2><span class="small muted">"in the order of their numbers; Alt and an arrow key moves one"</span></div>
            <div class="scroll"><table class="form-table"><thead><tr><th scope="col">"Place"</th><th scope="col">"Asked next"</th></tr></thead><tbody>{rows.collect_view()}</tbody></table></div>
            <fieldset class="checks"><legend>"Goes on after"</legend>{causes.collect_view()}</fieldset>
            <div class="fields">
                <Field label="Further tries at the same target" id="retries"><input class="input num" id="retries" name="retries" inputmode="numeric" value=retries/></Field>
                <Field label="Longest until the answer begins, ms" id="total_ms" help="Empty: as long as the tries may"><input class="input num" id="total_ms" name="total_ms" inputmode="numeric" value=total_ms/></Field>
            </div></section>
    }
}

fn cause_words(on: FailoverOn) -> &'static str {
    match on {
        FailoverOn::ServerError => "an error of the provider (5xx)",
        FailoverOn::RateLimited => "too many calls (429)",
        FailoverOn::Timeout => "a time limit",
        FailoverOn::Connect => "no connection",
        FailoverOn::StreamBeforeFirstToken => "a stream that breaks before its first word",
    }
}

fn rules(typed: &Typed) -> impl IntoView + use<> {
    let open = !typed.rules.is_empty();
    let mut all = typed.rules.clone();
    all.extend(std::iter::repeat_n(TypedRule::default(), SPARE_ROWS));
    let rows = all.into_iter().enumerate().map(|(i, r)| {
        let n = i + 1;
        view! {
            <tr><td><input class="input mono" name="rule.when" value=r.when placeholder="metadata.plan == \"gold\"" aria-label=format!("Condition of rule {n}")/></td>
                <td><input class="input" name="rule.variant" value=r.variant aria-label=format!("Variant of rule {n}")/></td></tr>
        }
        .into_any()
    });
    view! {
        <details class="card more" open=open><summary><h2>"Rules"</h2></summary>
            <p class="small muted">"The first that applies wins; what none claims goes by the split. Conditions are CEL over user, session, metadata, key, tokens, stream and now."</p>
            <div class="scroll"><table class="form-table"><thead><tr><th scope="col">"When"</th><th scope="col">"Variant"</th></tr></thead><tbody>{rows.collect_view()}</tbody></table></div>
        </details>
    }
}

fn select<T: serde::Serialize>(id: &'static str, chosen: &str, all: Vec<(T, &'static str)>) -> impl IntoView + use<T> {
    let options = all.into_iter().map(|(value, words)| {
        let value = word(&value);
        view! { <option value=value.clone() selected=value == chosen>{words}</option> }.into_any()
    });
    view! { <select class="input" id=id name=id>{options.collect_view()}</select> }
}

fn behaviour(typed: &Typed) -> impl IntoView + use<> {
    let sticky = select(
        "sticky_by",
        &typed.sticky_by,
        vec![
            (StickyBy::User, "one user keeps one variant"),
            (StickyBy::Session, "one conversation keeps one variant"),
            (StickyBy::Request, "every call is drawn anew"),
        ],
    );
    let choose = select(
        "choose",
        &typed.choose,
        vec![
            (Choose::Split, "by weight"),
            (Choose::LeastLatency, "whichever answers soonest now"),
            (Choose::Cheapest, "whichever costs least"),
        ],
    );
    let hang_up = select(
        "on_hang_up",
        &typed.on_hang_up,
        vec![(OnHangUp::Cancel, "stop the provider at once"), (OnHangUp::Finish, "read the answer to its end, for the log")],
    );
    let (log_bodies, drop_unsupported) = (typed.log_bodies, typed.drop_unsupported);
    view! {
        <section class="card stack"><h2>"How it treats its calls"</h2>
            <div class="fields">
                <Field label="Sticky" id="sticky_by">{sticky}</Field>
                <Field label="A variant is chosen" id="choose">{choose}</Field>
                <Field label="When the caller hangs up" id="on_hang_up">{hang_up}</Field>
            </div>
            <label class="check"><input type="checkbox" name="log_bodies" value="yes" checked=log_bodies/>"Keep what was said in the log"</label>
            <label class="check"><input type="checkbox" name="drop_unsupported" value="yes" checked=drop_unsupported/>"Leave out what a provider cannot be told, instead of refusing the call"</label>
        </section>
    }
}

fn danger(typed: &Typed) -> impl IntoView + use<> {
    let name = typed.name.clone();
    typed.revision.is_some().then(move || {
        view! {
            <details class="card more"><summary><h2>"Delete the route"</h2></summary>
                <form method="post" action=format!("/routes/{}/delete", encode(&name)) class="stack">
                    <p>"Apps that send this model name are refused from then on. The log stays."</p>
                    <Field label="Type the name to confirm" id="confirm"><input class="input" id="confirm" name="confirm" autocomplete="off" required/></Field>
                    <div class="row"><button class="btn danger">{format!("Delete {name}")}</button></div>
                </form>
            </details>
        }
    })
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/routes/new", get(new_page).post(save))
        .route("/routes/{name}/edit", get(edit_page))
        .route("/routes/{name}/delete", post(delete))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_a_route_and_stand_ins_come_in_order() {
        let pairs = [
            ("name", "bot"),
            ("sticky_by", "session"),
            ("choose", "split"),
            ("variant.name", "a"),
            ("variant.weight", "90"),
            ("variant.provider", "p"),
            ("variant.model", "m"),
            ("variant.prompt", "support@production"),
            ("variant.name", "b"),
            ("variant.weight", "10,5"),
            ("variant.provider", "p"),
            ("variant.model", "n"),
            ("variant.prompt", ""),
            ("variant.shadow", "yes"),
            ("variant.name", ""),
            ("variant.weight", ""),
            ("target.place", "2"),
            ("target", "x/late"),
            ("target.place", "1"),
            ("target", "y/org/first"),
            ("target.place", ""),
            ("target", ""),
            ("rule.when", "user == 'x'"),
            ("rule.variant", "b"),
            ("rule.when", ""),
            ("rule.variant", ""),
            ("on", "5xx"),
            ("on", "timeout"),
            ("retries", "2"),
            ("total_ms", ""),
            ("log_bodies", "yes"),
        ];
        let typed = Typed::from_form(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
        let draft = typed.draft().expect("a route");
        assert_eq!((draft.variants.len(), draft.variants[1].weight, draft.shadow.clone()), (2, 10.5, vec!["b".to_owned()]));
        assert_eq!(draft.variants[0].prompt.as_deref(), Some("support@production"));
        let order: Vec<_> = draft.failover.targets.iter().map(|t| (t.provider.as_str(), t.model.as_str())).collect();
        assert_eq!(order, [("y", "org/first"), ("x", "late")]);
        assert_eq!((draft.sticky_by, draft.rules.len(), draft.failover.retries, draft.log_bodies), (StickyBy::Session, 1, 2, true));
        assert_eq!(draft.failover.on, [FailoverOn::ServerError, FailoverOn::Timeout]);
    }

    #[test]
    fn what_is_no_number_is_named() {
        let typed = Typed {
            variants: vec![TypedVariant { name: "a".to_owned(), weight: "many".to_owned(), ..TypedVariant::default() }],
            ..Typed::new()
        };
        let fields = typed.draft().expect_err("refused").fields();
        assert_eq!(place_of(fields.keys().next().expect("a field")), "Variant 1, weight:");
    }
}
