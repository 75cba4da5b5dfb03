//! What every handler and job shares.

use crate::config::{ConfigError, Settings};
use crate::feedback::limit::IntakeLimit;
use crate::gateway::{Background, InFlight, Snapshot};
use crate::identity::{LoginThrottle, MasterKey};
use crate::issues::service::public::StatusPage;
use crate::store::{Db, OpenError};
use crate::telemetry::{Counters, LiveEvent, LiveFeed, LogQueue};
use crate::types::{Fault, Id, Instant};
use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{self, MissedTickBehavior};

/// How often a replica looks whether another one changed the configuration.
const LOOK_FOR_CHANGES: Duration = Duration::from_millis(400);

/// How often a replica says that it is there, when nothing changes.
const TELL_EVERY: crate::types::Duration = crate::types::Duration(5_000_000);

/// How long the database may take to tell before it counts as slow.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);

/// What the last look at the database found: it answered, took too long, or could not be asked.
const DATABASE_ANSWERS: u8 = 0;
const DATABASE_SLOW: u8 = 1;
const DATABASE_AWAY: u8 = 2;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings do not hold.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Something stored cannot be used.
    #[error("{}", cause(.0))]
    Fault(#[from] Fault),
    /// The system refuses something.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// A line for the person at the terminal.
    #[error("{0}")]
    Line(String),
}

fn cause(fault: &Fault) -> String {
    match fault {
        Fault::Internal(cause) => cause.to_string(),
        other => other.to_string(),
    }
}

/// The running product; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    db: Db,
    settings: Settings,
    master_key: MasterKey,
    snapshot: ArcSwap<Snapshot>,
    reloading: Mutex<()>,
    log: LogQueue,
    counters: Arc<Counters>,
    database: AtomicU8,
    spooled: std::sync::OnceLock<crate::telemetry::Spool>,
    background: Background,
    in_flight: InFlight,
    live: LiveFeed,
    throttle: LoginThrottle,
    status_page: ArcSwap<StatusPage>,
    intake_limit: IntakeLimit,
    replica: String,
    started_at: Instant,
    clock: fn() -> Instant,
    stop: watch::Sender<bool>,
}

/// Background work; ends when [`Jobs::stop`] is called.
pub struct Jobs {
    app: App,
    writer: JoinHandle<()>,
    /// Tells the writer that no more calls come.
    last: oneshot::Sender<()>,
    others: Vec<JoinHandle<()>>,
}

/// The one place that reads the system's clock.
#[expect(clippy::disallowed_methods, reason = "everything else asks the App")]
fn system_clock() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Instant(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

impl App {
    /// Opens everything and starts the background work.
    pub async fn start(settings: Settings) -> Result<(Self, Jobs), StartError> {
        let app = Self::open(settings).await?;
        let spool_folder = app.settings().data_dir.join("spool");
        let spool =
            crate::telemetry::Spool::open(spool_folder.clone()).await.map_err(|e| StartError::Io(spool_folder.display().to_string(), e))?;
        let _ = app.0.spooled.set(spool.clone());
        let (last, came) = oneshot::channel();
        let writer = tokio::spawn(crate::telemetry::jobs::write_log(app.clone(), spool, came));
        let others = vec![
            tokio::spawn(crate::telemetry::jobs::pulse(app.clone())),
            tokio::spawn(crate::feedback::jobs::link(app.clone())),
            tokio::spawn(crate::themes::jobs::follow(app.clone())),
            tokio::spawn(crate::issues::jobs::watch(app.clone())),
            tokio::spawn(crate::notify::jobs::deliver(app.clone())),
            tokio::spawn(crate::gateway::jobs::forget_answers(app.clone())),
            tokio::spawn(crate::routing::jobs::run_schedule(app.clone())),
            tokio::spawn(follow_changes(app.clone())),
        ];
        Ok((app.clone(), Jobs { app, writer, last, others }))
    }

    /// Opens everything without background work, for one-off commands.
    pub async fn open_only(settings: Settings) -> Result<Self, StartError> {
        Self::open(settings).await
    }

    async fn open(settings: Settings) -> Result<Self, StartError> {
        settings.prepare_folder()?;
        let master_key = MasterKey::new(&settings.master_key()?)?;
        let db = Db::open(&settings.database_url).await?;
        let in_flight = InFlight::at_most(settings.max_in_flight);
        let app = Self(Arc::new(Inner {
            db,
            settings,
            master_key,
            snapshot: ArcSwap::from_pointee(Snapshot::default()),
            reloading: Mutex::new(()),
            log: LogQueue::new(),
            counters: Arc::default(),
            database: AtomicU8::new(DATABASE_ANSWERS),
            spooled: std::sync::OnceLock::new(),
            background: Background::here(),
            in_flight,
            live: LiveFeed::default(),
            throttle: LoginThrottle::default(),
            status_page: ArcSwap::default(),
            intake_limit: IntakeLimit::default(),
            replica: Id::new().to_string(),
            started_at: system_clock(),
            clock: system_clock,
            stop: watch::Sender::new(false),
        }));
        app.reload().await?;
        Ok(app)
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// Settings in force.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The key of stored secrets and signatures.
    pub fn master_key(&self) -> &MasterKey {
        &self.0.master_key
    }

    /// All configuration the hot path needs, as of now.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.0.snapshot.load()
    }

    /// The way into the request log.
    pub(crate) fn log(&self) -> &LogQueue {
        &self.0.log
    }

    /// What scrapers are told of calls.
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.0.counters
    }

    /// Bytes of calls that wait on disk for the database.
    pub fn spooled_bytes(&self) -> u64 {
        self.0.spooled.get().map_or(0, crate::telemetry::Spool::bytes)
    }

    /// Whether the database did not answer when it was last asked: then a key that is unknown here may be a new one.
    pub(crate) fn database_silent(&self) -> bool {
        self.0.database.load(Ordering::Relaxed) != DATABASE_ANSWERS
    }

    /// Whether the database could not be asked at all; one that is only slow is worth waiting for.
    pub(crate) fn database_away(&self) -> bool {
        self.0.database.load(Ordering::Relaxed) == DATABASE_AWAY
    }

    /// What calls leave to others.
    pub(crate) fn background(&self) -> &Background {
        &self.0.background
    }

    /// Calls under way.
    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.0.in_flight
    }

    /// The live feed.
    pub fn live(&self) -> &LiveFeed {
        &self.0.live
    }

    /// Slows down guessing of passwords.
    pub(crate) fn login_throttle(&self) -> &LoginThrottle {
        &self.0.throttle
    }

    /// How fast feedback may come in.
    pub(crate) fn intake_limit(&self) -> &IntakeLimit {
        &self.0.intake_limit
    }

    /// What users are told of known problems, as last read.
    pub(crate) fn status_page(&self) -> Guard<Arc<StatusPage>> {
        self.0.status_page.load()
    }

    /// Puts another public page in place.
    pub(crate) fn set_status_page(&self, page: StatusPage) {
        self.0.status_page.store(Arc::new(page));
    }

    /// The name of this process among replicas, new at every start.
    pub fn replica(&self) -> &str {
        &self.0.replica
    }

    /// When this process started.
    pub fn started_at(&self) -> Instant {
        self.0.started_at
    }

    /// The time.
    pub fn now(&self) -> Instant {
        (self.0.clock)()
    }

    /// Ends when the server is told to stop.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.0.stop.subscribe();
        async move {
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }

    /// Tells everything to stop: live streams end, so that the server can finish its last answers.
    pub fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    /// Puts the stored configuration into force here, at once; other replicas follow within half a second.
    pub async fn reload(&self) -> Result<(), Fault> {
        let _turn = self.0.reloading.lock().await;
        let old = self.0.snapshot.load_full();
        let new = Snapshot::load(self, &old).await?;
        if new.version() != old.version() {
            self.0.live.publish(LiveEvent::Config { kind: "snapshot", name: new.version().to_string() });
        }
        self.0.snapshot.store(Arc::new(new));
        Ok(())
    }
}

/// Follows what other replicas change.
async fn follow_changes(app: App) {
    let mut tick = time::interval(LOOK_FOR_CHANGES);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = (0, Instant(0));
    loop {
        tick.tick().await;
        let version = time::timeout(DATABASE_PATIENCE, crate::identity::store::config_version(app.db())).await;
        let found = match &version {
            Ok(Ok(_)) => DATABASE_ANSWERS,
            Err(_) if !app.database_silent() => DATABASE_SLOW,
            // A driver tries for a while to reach a server that is gone: slow twice running is away.
            Err(_) | Ok(Err(_)) => DATABASE_AWAY,
        };
        app.0.database.store(found, Ordering::Relaxed);
        let version = version.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        match version {
            Ok(version) if version != app.snapshot().version() => {
                if let Err(e) = app.reload().await {
                    tracing::error!(error = ?e, "the changed configuration cannot be loaded; the former one stays in force");
                }
            }
            Ok(_) => {}
            Err(e) => tracing::debug!(error = %e, "the database does not answer; the configuration stays as it is"),
        }
        let (version, now) = (app.snapshot().version(), app.now());
        if !app.database_silent() && (told.0 != version || now.since(told.1) >= TELL_EVERY) {
            match super::replicas::tell(&app, version).await {
                Ok(()) => told = (version, now),
                Err(e) => tracing::debug!(error = ?e, "the other replicas could not be told which configuration is in force here"),
            }
        }
    }
}

impl Jobs {
    /// Stops background work, when the last answer was given; returns when every finished call is in the database or the spool.
    pub async fn stop(self) {
        self.app.stop();
        let _ = self.last.send(());
        for job in &self.others {
            job.abort();
        }
        let _ = self.writer.await;
        // Without a database it is forgotten a little later.
        let _ = time::timeout(DATABASE_PATIENCE, crate::identity::store::remove_replica(self.app.db(), self.app.replica())).await;
        self.app.db().close().await;
    }
}
