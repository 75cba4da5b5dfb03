//! What people and keys may do to people and keys.

use super::model::{AuditEntry, KeyLimits, KeySummary, Permission, Person, Role, Scope};
use super::{Actor, crypto, store};
use crate::server::App;
use crate::store::Tx;
use crate::types::{Duration, Fault, Id, Instant};
use std::collections::BTreeMap;
use std::net::IpAddr;

const SESSION_LENGTH: Duration = Duration::DAY.times(14);
const SETUP_TOKEN: &str = "setup_token_hash";
const WRONG_LOGIN: &str = "E-mail address or password is wrong.";
/// Verified when the address is unknown, so that the answer takes as long as for a known one and tells nothing.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$mGzYnYyV0ol2q1cJ0kDdVtCXAwbVWTg3xMLqP9ygsqM";

/// Signs in; gives the person and the session token for the cookie. After five wrong tries for one address or twenty from one machine within
/// fifteen minutes further tries are refused until the span is over.
pub async fn login(app: &App, email: &str, password: &str, ip: Option<IpAddr>) -> Result<(Person, String), Fault> {
    let email = email.trim().to_lowercase();
    app.login_throttle().check(&email, ip, app.now())?;
    let known = store::password_hash(app.db(), &email).await?;
    let hash = known.clone().unwrap_or_else(|| NOBODY.to_owned());
    let right = crypto::verify_password(password.to_owned(), hash).await? && known.is_some();
    if !right {
        app.login_throttle().failed(&email, ip, app.now());
        return Err(Fault::Unauthorised(WRONG_LOGIN.to_owned()));
    }
    app.login_throttle().succeeded(&email);
    let mut tx = app.db().begin().await?;
    let person = store::person_by_email(&mut tx, &email).await?.ok_or_else(|| Fault::Unauthorised(WRONG_LOGIN.to_owned()))?;
    let token = open_session(app, &mut tx, &person).await?;
    tx.commit().await?;
    Ok((person, token))
}

async fn open_session(app: &App, tx: &mut Tx, person: &Person) -> Result<String, Fault> {
    let token = crypto::random_token(32)?;
    let now = app.now();
    store::insert_session(tx, &crypto::digest_text(&token), &person.id, now, now.plus(SESSION_LENGTH)).await?;
    store::touch_login(tx, &person.id, now).await?;
    Ok(token)
}

/// Ends the session of this token.
pub async fn logout(app: &App, token: &str) -> Result<(), Fault> {
    Ok(store::delete_session(app.db(), &crypto::digest_text(token)).await?)
}

/// Who is signed in with this token.
pub async fn person_of_session(app: &App, token: &str) -> Result<Option<Person>, Fault> {
    Ok(store::person_of_session(app.db(), &crypto::digest_text(token), app.now()).await?)
}

/// `Set-Cookie` for a session token.
pub fn session_cookie(app: &App, token: &str) -> String {
    let secure = if app.settings().public_url().starts_with("https://") { "; Secure" } else { "" };
    format!("{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", super::http::COOKIE, SESSION_LENGTH.0 / 1_000_000)
}

/// `Set-Cookie` that ends the session in the browser.
pub fn clear_cookie(_app: &App) -> String {
    format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0", super::http::COOKIE)
}

/// Whether there is no admin yet, so that nobody could let anybody in.
pub async fn setup_pending(app: &App) -> Result<bool, Fault> {
    Ok(store::count_admins(app.db()).await? == 0)
}

/// Makes the one-time token of the set-up link; an earlier one stops working.
pub async fn issue_setup_token(app: &App) -> Result<String, Fault> {
    let token = crypto::random_token(24)?;
    let mut tx = app.db().begin().await?;
    store::put_setting(&mut tx, SETUP_TOKEN, &crypto::digest_text(&token)).await?;
    tx.commit().await?;
    Ok(token)
}

/// The first run: whoever holds the link becomes the first admin and is signed in.
pub async fn complete_setup(app: &App, setup_token: &str, email: &str, password: &str) -> Result<(Person, String), Fault> {
    let expected = store::setting(app.db(), SETUP_TOKEN).await?;
    if expected.as_deref() != Some(crypto::digest_text(setup_token).as_str()) || !setup_pending(app).await? {
        return Err(Fault::Forbidden("This set-up link is used up or wrong. The newest one is in the server's output.".to_owned()));
    }
    let person = new_person(app, email, Role::Admin, password)?;
    let hash = crypto::hash_password(password.to_owned()).await?;
    let mut tx = app.db().begin().await?;
    if store::delete_setting(&mut tx, SETUP_TOKEN).await? == 0 {
        return Err(Fault::Forbidden("This set-up link was used a moment ago.".to_owned()));
    }
    store::insert_person(&mut tx, &person, &hash).await?;
    record(app, &mut tx, &Actor::Person(person.clone()), Change::new("identity.person.set_up", &person.email).after(&person)).await?;
    let token = open_session(app, &mut tx, &person).await?;
    tx.commit().await?;
    Ok((person, token))
}

fn new_person(app: &App, email: &str, role: Role, password: &str) -> Result<Person, Fault> {
    let email = email.trim().to_lowercase();
    let mut wrong = BTreeMap::new();
    let plausible = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    if !plausible || email.len() > 254 || email.chars().any(char::is_whitespace) {
        wrong.insert("email".to_owned(), "Please give an e-mail address, like ann@example.org.".to_owned());
    }
    if password.chars().count() < 10 {
        wrong.insert("password".to_owned(), "Please use at least 10 characters.".to_owned());
    } else if password.len() > 1_000 {
        wrong.insert("password".to_owned(), "Please use at most 1,000 characters.".to_owned());
    }
    Fault::check(wrong)?;
    Ok(Person { id: Id::new(), email, role, safety: false, created_at: app.now(), last_login_at: None, disabled_at: None })
}

/// All people, by address.
pub async fn list_people(app: &App, actor: &Actor) -> Result<Vec<Person>, Fault> {
    actor.require(Permission::ManagePeople)?;
    Ok(store::people(app.db()).await?)
}

/// Adds a person.
pub async fn add_person(app: &App, actor: &Actor, email: &str, role: Role, password: &str) -> Result<Person, Fault> {
    actor.require(Permission::ManagePeople)?;
    let person = new_person(app, email, role, password)?;
    let hash = crypto::hash_password(password.to_owned()).await?;
    let mut tx = app.db().begin().await?;
    if store::person_by_email(&mut tx, &person.email).await?.is_some() {
        return Err(Fault::field("email", "Somebody with this address exists already."));
    }
    store::insert_person(&mut tx, &person, &hash).await?;
    record(app, &mut tx, actor, Change::new("identity.person.add", &person.email).after(&person)).await?;
    tx.commit().await?;
    Ok(person)
}

/// Makes a person within a transaction, or changes the role of a known one; a known one's password stays. Tells whether anything changed.
pub async fn put_person(app: &App, tx: &mut Tx, actor: &Actor, email: &str, role: Role, password: &str) -> Result<bool, Fault> {
    actor.require(Permission::ManagePeople)?;
    let new = new_person(app, email, role, password)?;
    let Some(before) = store::person_by_email(tx, &new.email).await? else {
        let hash = crypto::hash_password(password.to_owned()).await?;
        store::insert_person(tx, &new, &hash).await?;
        record(app, tx, actor, Change::new("identity.person.add", &new.email).after(&new)).await?;
        return Ok(true);
    };
    if before.role == role {
        return Ok(false);
    }
    store::update_role(tx, &before.id, role).await?;
    keep_an_admin(tx).await?;
    let after = Person { role, ..before.clone() };
    record(app, tx, actor, Change::new("identity.person.set_role", &before.email).before(&before).after(&after)).await?;
    Ok(true)
}

/// Sets a new password and ends the person's sessions.
pub async fn set_password(app: &App, actor: &Actor, email: &str, password: &str) -> Result<(), Fault> {
    actor.require(Permission::ManagePeople)?;
    let checked = new_person(app, email, Role::Viewer, password)?;
    let hash = crypto::hash_password(password.to_owned()).await?;
    let mut tx = app.db().begin().await?;
    let person =
        store::person_by_email(&mut tx, &checked.email).await?.ok_or_else(|| Fault::NotFound("There is no such person.".to_owned()))?;
    store::update_password(&mut tx, &person.id, &hash).await?;
    store::delete_sessions_of(&mut tx, &person.id).await?;
    record(app, &mut tx, actor, Change::new("identity.person.set_password", &person.email)).await?;
    Ok(tx.commit().await?)
}

/// Changes a role. The last admin stays one.
pub async fn set_role(app: &App, actor: &Actor, id: &Id, role: Role) -> Result<(), Fault> {
    actor.require(Permission::ManagePeople)?;
    let mut tx = app.db().begin().await?;
    let before = store::person(&mut tx, id).await?.ok_or_else(|| Fault::NotFound("There is no such person.".to_owned()))?;
    if before.role == role {
        return Ok(());
    }
    store::update_role(&mut tx, id, role).await?;
    keep_an_admin(&mut tx).await?;
    let after = Person { role, ..before.clone() };
    record(app, &mut tx, actor, Change::new("identity.person.set_role", &before.email).before(&before).after(&after)).await?;
    Ok(tx.commit().await?)
}

/// Locks a person out (their sessions end at once) or lets them in again. The last admin stays.
pub async fn set_disabled(app: &App, actor: &Actor, id: &Id, disabled: bool) -> Result<(), Fault> {
    actor.require(Permission::ManagePeople)?;
    let mut tx = app.db().begin().await?;
    let before = store::person(&mut tx, id).await?.ok_or_else(|| Fault::NotFound("There is no such person.".to_owned()))?;
    let after = Person { disabled_at: disabled.then(|| app.now()), ..before.clone() };
    store::update_disabled(&mut tx, id, after.disabled_at).await?;
    if disabled {
        store::delete_sessions_of(&mut tx, id).await?;
    }
    keep_an_admin(&mut tx).await?;
    record(app, &mut tx, actor, Change::new("identity.person.set_disabled", &before.email).before(&before).after(&after)).await?;
    Ok(tx.commit().await?)
}

/// Takes a person into the safety team, who read what was reported as harmful or as private data; or out of it.
pub async fn set_safety(app: &App, actor: &Actor, id: &Id, safety: bool) -> Result<(), Fault> {
    actor.require(Permission::ManagePeople)?;
    let mut tx = app.db().begin().await?;
    let before = store::person(&mut tx, id).await?.ok_or_else(|| Fault::NotFound("There is no such person.".to_owned()))?;
    let after = Person { safety, ..before.clone() };
    store::update_safety(&mut tx, id, safety).await?;
    record(app, &mut tx, actor, Change::new("identity.person.set_safety", &before.email).before(&before).after(&after)).await?;
    Ok(tx.commit().await?)
}

async fn keep_an_admin(tx: &mut Tx) -> Result<(), Fault> {
    if store::count_active_admins(tx).await? == 0 {
        return Err(Fault::Conflict("This is the last admin. Make somebody else an admin first.".to_owned()));
    }
    Ok(())
}

/// A key to be made.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    /// Unique name.
    pub name: String,
    /// What it may do; at least one.
    pub scopes: Vec<Scope>,
    /// Routes it may call; empty: all.
    pub routes: Vec<String>,
    /// Its limits.
    pub limits: KeyLimits,
}

/// All keys, by name, revoked ones too.
pub async fn list_keys(app: &App, actor: &Actor) -> Result<Vec<KeySummary>, Fault> {
    actor.require(Permission::ManageKeys)?;
    Ok(store::keys(app.db()).await?.into_iter().map(store::KeyRow::summary).collect())
}

/// Makes a key. The secret is given here and never again.
pub async fn create_key(app: &App, actor: &Actor, key: NewKey) -> Result<(KeySummary, String), Fault> {
    actor.require(Permission::ManageKeys)?;
    let secret = format!("hc-{}", crypto::random_token(30)?);
    let mut tx = app.db().begin().await?;
    if store::key_by_name(&mut tx, key.name.trim()).await?.is_some() {
        return Err(Fault::field("name", "There is a key of that name already."));
    }
    let (_, summary) = put_key(app, &mut tx, actor, key, &secret).await?;
    tx.commit().await?;
    app.reload().await?;
    Ok((summary, secret))
}

/// Makes or changes a key within a transaction (declarative files). Tells whether anything changed.
pub async fn put_key(app: &App, tx: &mut Tx, actor: &Actor, key: NewKey, secret: &str) -> Result<(bool, KeySummary), Fault> {
    let mut wrong = BTreeMap::new();
    let name = key.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 {
        wrong.insert("name".to_owned(), "Please give a name of 1 to 100 characters.".to_owned());
    }
    if key.scopes.is_empty() {
        wrong.insert("scopes".to_owned(), "Please choose at least one thing the key may do.".to_owned());
    }
    if secret.chars().count() < 24 {
        wrong.insert("secret".to_owned(), "The secret must have at least 24 characters.".to_owned());
    }
    Fault::check(wrong)?;
    let before = store::key_by_name(tx, &name).await?;
    let mut scopes = key.scopes;
    scopes.sort_unstable();
    scopes.dedup();
    let summary = KeySummary {
        id: Id::new(),
        name: name.clone(),
        hint: format!("{}…", secret.chars().take(7).collect::<String>()),
        scopes,
        routes: key.routes,
        limits: key.limits,
        created_at: app.now(),
        revoked_at: None,
    };
    let hash = crypto::digest_text(secret);
    let Some(before) = before else {
        store::upsert_key(tx, &summary, &hash).await?;
        record(app, tx, actor, Change::new("identity.key.create", &name).after(&summary)).await?;
        return Ok((true, summary));
    };
    let same_secret = before.secret_hash == hash;
    let before = before.summary();
    let summary = KeySummary { id: before.id.clone(), created_at: before.created_at, ..summary };
    if before == summary && same_secret {
        return Ok((false, summary));
    }
    store::upsert_key(tx, &summary, &hash).await?;
    record(app, tx, actor, Change::new("identity.key.change", &name).before(&before).after(&summary)).await?;
    Ok((true, summary))
}

/// Ends a key; it is refused on every replica within a second.
pub async fn revoke_key(app: &App, actor: &Actor, id: &Id) -> Result<(), Fault> {
    actor.require(Permission::ManageKeys)?;
    let mut tx = app.db().begin().await?;
    let name = store::revoke_key(&mut tx, id, app.now()).await?;
    let name = name.ok_or_else(|| Fault::NotFound("There is no such key, or it is revoked already.".to_owned()))?;
    record(app, &mut tx, actor, Change::new("identity.key.revoke", &name)).await?;
    tx.commit().await?;
    app.reload().await
}

/// One change, for the audit log.
pub struct Change<'a> {
    action: &'static str,
    object: &'a str,
    reason: &'a str,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
}

impl<'a> Change<'a> {
    /// `action` is `room.entity.verb`, `object` the name of the thing.
    pub fn new(action: &'static str, object: &'a str) -> Self {
        Self { action, object, reason: "", before: None, after: None }
    }

    /// Why, in the person's words.
    #[must_use]
    pub fn reason(mut self, reason: &'a str) -> Self {
        self.reason = reason;
        self
    }

    /// What it was.
    #[must_use]
    pub fn before(mut self, value: &impl serde::Serialize) -> Self {
        self.before = serde_json::to_value(value).ok();
        self
    }

    /// What it is now.
    #[must_use]
    pub fn after(mut self, value: &impl serde::Serialize) -> Self {
        self.after = serde_json::to_value(value).ok();
        self
    }
}

/// Writes a change into the audit log, in the transaction that makes it: neither is there without the other.
pub async fn record(app: &App, tx: &mut Tx, actor: &Actor, change: Change<'_>) -> Result<(), Fault> {
    note(app, tx, actor, change).await?;
    Ok(store::bump_config_version(tx).await?)
}

/// [`record`] for what no replica keeps in memory: none has to load anything.
pub async fn note(app: &App, tx: &mut Tx, actor: &Actor, change: Change<'_>) -> Result<(), Fault> {
    let at: Instant = app.now();
    let entry = AuditEntry {
        id: Id::new(),
        at,
        actor: actor.name(),
        action: change.action.to_owned(),
        object: change.object.to_owned(),
        reason: change.reason.to_owned(),
        before: change.before,
        after: change.after,
    };
    Ok(store::insert_audit(tx, &entry).await?)
}
