//! The declarative file: the same objects as the REST API, put into force in one transaction.

mod file;

pub use file::{File, FileError};

use super::App;
use crate::catalog::model::Model;
use crate::identity::Actor;
use crate::identity::model::{FieldChange, Role};
use crate::identity::service::NewKey;
use crate::notify::service::NewChannel;
use crate::prompts::model::LabelGuard;
use crate::prompts::service::labels::{self, Move};
use crate::providers::service::NewProvider;
use crate::routing::model::RouteDraft;
use crate::store::Tx;
use crate::types::{Fault, Id};
use crate::{catalog, identity, notify, prompts, providers, routing, surveys};
use file::{ChannelTable, KeyTable, PromptTable, ProviderTable};

/// What applying a file changed (or would change), a line each.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Like `+ route support-bot` (new) or `~ provider primary` (changed).
    pub lines: Vec<String>,
    /// Things looked at that were as the file says.
    pub unchanged: usize,
    /// What changed in things that were there before, field by field: (object, path, before and after).
    pub fields: Vec<(String, FieldChange)>,
}

/// Fields that follow from a change, and are none by themselves.
const FOLLOWS: [&str; 3] = ["revision", "updated_at", "updated_by"];

/// Why a file was not applied. Nothing of it is in force then.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It does not parse, or names something that is not there.
    #[error(transparent)]
    File(#[from] FileError),
    /// An object does not hold.
    #[error("{object}: {fault}")]
    Object {
        /// Which: `route support-bot`.
        object: String,
        /// Why.
        fault: Fault,
    },
    /// The database does not take it.
    #[error("the database does not answer: {0}")]
    Database(#[from] sqlx::Error),
    /// It was stored, but could not be put into force here.
    #[error(transparent)]
    Reload(Fault),
}

/// Puts a file into force, or only says what it would change.
pub async fn apply(app: &App, actor: &Actor, file: File, dry_run: bool) -> Result<Applied, ApplyError> {
    let mut applied = Applied::default();
    let mut tx = app.db().begin().await?;
    let before = Id::new();
    let run = Run { app, actor, applied: &mut applied };
    run.all(&mut tx, file).await?;
    for entry in identity::store::audit_since(&mut tx, &before, &actor.name()).await? {
        if entry.before.is_some() {
            let changes = entry.changes().into_iter().filter(|change| !FOLLOWS.contains(&change.path.as_str()));
            applied.fields.extend(changes.map(|change| (entry.object.clone(), change)));
        }
    }
    if dry_run {
        return Ok(applied);
    }
    tx.commit().await?;
    app.reload().await.map_err(ApplyError::Reload)?;
    Ok(applied)
}

struct Run<'r> {
    app: &'r App,
    actor: &'r Actor,
    applied: &'r mut Applied,
}

impl Run<'_> {
    async fn all(mut self, tx: &mut Tx, file: File) -> Result<(), ApplyError> {
        for table in file.providers {
            let object = format!("provider {}", table.name);
            let result = self.provider(tx, table).await;
            self.note(&object, result)?;
        }
        for model in file.models {
            let object = format!("model {}/{}", model.provider, model.name);
            let model = Model {
                provider: model.provider,
                name: model.name,
                context_window: model.context_window,
                max_output_tokens: model.max_output_tokens,
                price: model.price,
            };
            let result = catalog::service::put(self.app, tx, self.actor, &model).await;
            self.note(&object, result)?;
        }
        let lock = file.lock.map(|lock| lock.reason);
        for table in file.prompts {
            let name = table.name.clone();
            self.prompt(tx, table).await?;
            self.lock(tx, "prompt", &name, lock.as_deref()).await?;
        }
        for draft in file.routes {
            let name = draft.name.clone();
            let result = self.route(tx, draft).await;
            self.note(&format!("route {name}"), result)?;
            self.lock(tx, "route", &name, lock.as_deref()).await?;
        }
        for draft in file.surveys {
            let name = draft.name.clone();
            let result = surveys::service::put(self.app, tx, self.actor, draft).await;
            self.note(&format!("survey {name}"), result)?;
            self.lock(tx, "survey", &name, lock.as_deref()).await?;
        }
        for table in file.keys {
            let object = format!("key {}", table.name);
            let result = self.key(tx, table).await;
            self.note(&object, result)?;
        }
        for table in file.users {
            let object = format!("user {}", table.email);
            let result = self.user(tx, &table.email, table.role, &table.password).await;
            self.note(&object, result)?;
        }
        for table in file.channels {
            let object = format!("channel {}", table.name);
            let result = self.channel(tx, table).await;
            self.note(&object, result)?;
        }
        Ok(())
    }

    fn note(&mut self, object: &str, result: Result<bool, Fault>) -> Result<(), ApplyError> {
        match result {
            Ok(true) => self.applied.lines.push(format!("~ {object}")),
            Ok(false) => self.applied.unchanged += 1,
            Err(fault) => return Err(ApplyError::Object { object: object.to_owned(), fault }),
        }
        Ok(())
    }

    async fn provider(&self, tx: &mut Tx, table: ProviderTable) -> Result<bool, Fault> {
        let secrets = |keys: Vec<String>| keys.iter().map(|key| file::secret("api_keys", key)).collect::<Result<Vec<_>, _>>();
        let api_keys = table.api_keys.map(secrets).transpose()?;
        let new = NewProvider {
            name: table.name,
            preset: table.preset,
            kind: table.kind,
            base_url: table.base_url,
            api_keys,
            timeouts: table.timeouts,
            max_in_flight: table.max_in_flight,
            sample: table.sample,
            draining: table.draining,
            responses_api: table.responses_api,
        };
        providers::service::put(self.app, tx, self.actor, &new).await
    }

    async fn prompt(&mut self, tx: &mut Tx, table: PromptTable) -> Result<(), ApplyError> {
        let name = table.name;
        for version in table.versions {
            let object = format!("prompt {name}");
            let fail = |fault| ApplyError::Object { object: object.clone(), fault };
            let (content, labels) = version.split();
            let number = if let Some(number) = prompts::service::find_same(tx, &name, &content).await.map_err(fail)? {
                self.applied.unchanged += 1;
                number
            } else {
                let made = prompts::service::add_version(self.app, tx, self.actor, &name, content).await.map_err(fail)?;
                self.applied.lines.push(format!("+ prompt {name}@{}", made.version));
                made.version
            };
            for label in labels {
                let object = format!("label {name}@{label} → {number}");
                let to = Move { prompt: &name, label: &label, version: number, reason: "applied from a file" };
                let moved = labels::move_label(self.app, tx, self.actor, to).await;
                self.note(&object, moved.map(|(changed, _)| changed))?;
            }
        }
        if table.protected.is_some() || table.gated.is_some() {
            let guard = LabelGuard { protected: table.protected.unwrap_or_default(), gated: table.gated.unwrap_or_default() };
            let put = labels::put_guard(self.app, tx, self.actor, &name, guard).await;
            self.note(&format!("protection of prompt {name}"), put.map(|(changed, _)| changed))?;
        }
        Ok(())
    }

    async fn lock(&mut self, tx: &mut Tx, kind: &str, name: &str, reason: Option<&str>) -> Result<(), ApplyError> {
        let object = format!("lock of {kind} {name}");
        match identity::locks::set(self.app, tx, kind, name, reason).await {
            // Without a lock before and after there is nothing to count.
            Ok(false) => Ok(()),
            changed => self.note(&object, changed),
        }
    }

    async fn route(&self, tx: &mut Tx, draft: RouteDraft) -> Result<bool, Fault> {
        routing::service::put(self.app, tx, self.actor, draft).await
    }

    async fn key(&self, tx: &mut Tx, table: KeyTable) -> Result<bool, Fault> {
        let secret = file::secret("secret", &table.secret)?;
        let new = NewKey { name: table.name, scopes: table.scopes, routes: table.routes, limits: table.limits };
        Ok(identity::service::put_key(self.app, tx, self.actor, new, &secret).await?.0)
    }

    async fn channel(&self, tx: &mut Tx, table: ChannelTable) -> Result<bool, Fault> {
        let secret = table.secret.map(|secret| file::secret("secret", &secret)).transpose()?.unwrap_or_default();
        let new = NewChannel {
            kind: table.kind,
            url: table.url,
            to: table.to,
            secret,
            allow_private: table.allow_private,
            events: table.events.unwrap_or_else(notify::service::everything),
        };
        Ok(notify::service::put(self.app, tx, self.actor, &table.name, new).await?.changed)
    }

    async fn user(&self, tx: &mut Tx, email: &str, role: Role, password: &str) -> Result<bool, Fault> {
        let password = file::secret("password", password)?;
        identity::service::put_person(self.app, tx, self.actor, email, role, &password).await
    }
}
