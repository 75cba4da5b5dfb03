//! What may happen to models.

use super::model::Model;
use super::store;
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::identity::service::{Change, record};
use crate::server::App;
use crate::store::Tx;
use crate::types::Fault;

/// All models, by provider and name.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Model>, Fault> {
    actor.require(Permission::ReadConfig)?;
    Ok(store::all(app.db()).await?)
}

/// Makes or changes a model within a transaction. Tells whether anything changed.
pub async fn put(app: &App, tx: &mut Tx, actor: &Actor, model: &Model) -> Result<bool, Fault> {
    actor.require(Permission::WriteProviders)?;
    if let Some(price) = model.price {
        let all = [price.input, price.output, price.cached_input.unwrap_or(0.0), price.cache_write.unwrap_or(0.0)];
        if all.iter().any(|p| !p.is_finite() || *p < 0.0) {
            return Err(Fault::field("price", "must be numbers of 0 or more: US dollars per million tokens"));
        }
    }
    let before = store::get(tx, &model.provider, &model.name).await?;
    if before.as_ref() == Some(model) {
        return Ok(false);
    }
    store::upsert(tx, model).await?;
    let object = format!("{}/{}", model.provider, model.name);
    let change = Change::new("catalog.model.put", &object).after(model);
    let change = if let Some(before) = &before { change.before(before) } else { change };
    record(app, tx, actor, change).await?;
    Ok(true)
}
