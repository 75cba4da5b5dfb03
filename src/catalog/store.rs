//! SQL of models.

use super::model::{Model, Price};
use crate::store::{Db, Tx, sql};
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

#[derive(sqlx::FromRow)]
struct ModelRow {
    provider: String,
    name: String,
    context_window: Option<i64>,
    max_output_tokens: Option<i64>,
    price: Option<Json<Price>>,
}

impl ModelRow {
    fn model(self) -> Model {
        Model {
            provider: self.provider,
            name: self.name,
            context_window: self.context_window.and_then(|n| u32::try_from(n).ok()),
            max_output_tokens: self.max_output_tokens.and_then(|n| u32::try_from(n).ok()),
            price: self.price.map(|json| json.0),
        }
    }
}

pub async fn all(db: &Db) -> Result<Vec<Model>> {
    let rows = sql!(
        db.read(),
        fetch_all::<ModelRow>,
        "SELECT provider, name, context_window, max_output_tokens, price FROM models ORDER BY provider, name"
    )?;
    Ok(rows.into_iter().map(ModelRow::model).collect())
}

pub async fn get(tx: &mut Tx, provider: &str, name: &str) -> Result<Option<Model>> {
    const SQL: &str = "SELECT provider, name, context_window, max_output_tokens, price FROM models WHERE provider = $1 AND name = $2";
    Ok(sql!(tx.on(), fetch_optional::<ModelRow>, SQL, provider, name)?.map(ModelRow::model))
}

pub async fn upsert(tx: &mut Tx, model: &Model) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO models (provider, name, context_window, max_output_tokens, price) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (provider, name) DO UPDATE SET context_window = excluded.context_window, max_output_tokens = excluded.max_output_tokens,
           price = excluded.price",
        &model.provider,
        &model.name,
        model.context_window.map(i64::from),
        model.max_output_tokens.map(i64::from),
        model.price.as_ref().map(Json)
    )?;
    Ok(())
}

pub async fn remove(tx: &mut Tx, provider: &str, name: &str) -> Result<()> {
    sql!(tx.on(), execute, "DELETE FROM models WHERE provider = $1 AND name = $2", provider, name)?;
    Ok(())
}
