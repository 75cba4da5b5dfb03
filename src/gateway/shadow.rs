//! Copies of calls for shadow variants. The caller never waits for one, nor learns of it: they run on the shared runtime, on connections of their own, and
//! there are only so many at once; what is too much is counted and left out.

use super::answer::Answer;
use super::call::Call;
use super::exchange::Exchange;
use super::http::Gateway;
use super::plan::Plan;
use super::snapshot::{RouteEntry, VariantEntry};
use super::tries::Ready;
use crate::prompts::render::Variables;
use crate::telemetry::{CallRecord, Captured};
use crate::types::Id;
use std::sync::Arc;
use std::time::Instant as Tick;

/// Sends a copy of the call to every shadow variant of the route but the one it goes to anyway.
pub(super) fn copy(exchange: &Exchange, route: &Arc<RouteEntry>, chosen: &VariantEntry, variables: &Variables, call: &mut Call) {
    let background = exchange.gateway.app.background();
    let Some(original) = call.record() else { return };
    for &place in &route.shadow {
        if route.variants.get(place).is_none_or(|variant| *variant.label.text == *chosen.label.text) {
            continue;
        }
        let Some(slot) = background.slot() else { continue };
        let gateway = Gateway::on(exchange.gateway.app.clone(), background.upstreams().clone());
        let exchange = Exchange { gateway, ..exchange.clone() };
        let record = record_of(&exchange, original);
        let (route, variables) = (route.clone(), variables.clone());
        background.spawn(async move {
            run(&exchange, &route, place, &variables, record).await;
            drop(slot);
        });
    }
}

fn record_of(exchange: &Exchange, original: &CallRecord) -> CallRecord {
    let mut names = original.names.clone();
    names.endpoint = exchange.snapshot.endpoints().shadow(exchange.endpoint);
    CallRecord {
        id: Id::new(),
        caller_id: None,
        shadow_of: Some(original.id.clone()),
        started_at: exchange.gateway.app.now(),
        names,
        status: 0,
        outcome: original.outcome,
        error_code: None,
        error_message: None,
        streamed: original.streamed,
        user_id: original.user_id.clone(),
        session_id: original.session_id.clone(),
        source_ip: original.source_ip,
        user_agent: original.user_agent.clone(),
        metadata: original.metadata.clone(),
        attempts: Vec::with_capacity(1),
        duration_us: 0,
        first_token_us: None,
        overhead_us: 0,
        price: None,
        keep_bodies: original.keep_bodies,
        request_body: original.request_body.clone(),
        rendered_prompt: None,
        captured: Captured::Nothing,
    }
}

async fn run(exchange: &Exchange, route: &Arc<RouteEntry>, place: usize, variables: &Variables, record: CallRecord) {
    let Some(variant) = route.variants.get(place) else { return };
    let body = record.request_body.clone();
    let mut call = Call::new(exchange.gateway.app.clone(), Tick::now(), record, None, None);
    call.routed(route, variant);
    let plan = Plan::shadow(variant);
    let sent = match exchange.parse(&body) {
        Ok(chat) => exchange.send(&plan, &chat, variables, &mut call).await.map(Answer::into_ready),
        Err(error) => Err(error),
    };
    call.answering(200);
    match sent {
        Ok(Ready::Whole { pieces, dialect, .. }) => call.completed(Captured::whole(dialect, pieces.into_iter())),
        Ok(Ready::Read { summary, .. }) => call.completed(Captured::Stream(summary)),
        Ok(Ready::Translated { body, summary }) => call.completed(Captured::Read(summary, body)),
        Ok(Ready::Stream(relay)) => {
            call.first_token();
            relay.into_outgoing(call).run_dry().await;
        }
        Err(error) => call.failed(&error, Captured::Nothing),
    }
}
