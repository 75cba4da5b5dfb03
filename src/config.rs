//! Process settings: flag > environment > `hypercare.toml` > default.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;
use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest request body, unless set.
const MAX_BODY_BYTES: usize = 20 * 1024 * 1024;
/// Model calls under way at once, unless set: a slow stream each, they fit into a gigabyte.
const MAX_IN_FLIGHT: usize = 20_000;
/// How long a caller may pause within a request, unless set.
const REQUEST_IDLE: Duration = Duration::from_secs(30);

/// What can be set. Each field may come from a flag, the environment, or `hypercare.toml` in the working folder.
#[derive(Clone, Debug, Default, clap::Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Address to listen on [default: 127.0.0.1:8787]
    #[arg(long, env = "HYPERCARE_LISTEN", global = true)]
    pub listen: Option<SocketAddr>,
    /// Address people and applications use, when it is not the one listened on
    #[arg(long, env = "HYPERCARE_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,
    /// Folder of the database file, the spool and the master key [default: ./data]
    #[arg(long, env = "HYPERCARE_DATA_DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// sqlite://… or postgres://… [default: hypercare.db in the data folder]
    #[arg(long, env = "HYPERCARE_DATABASE_URL", global = true, hide_env_values = true)]
    pub database_url: Option<String>,
    /// Key for stored secrets: 32 bytes, base64 [default: made in the data folder]
    #[arg(long, env = "HYPERCARE_MASTER_KEY", global = true, hide_env_values = true, hide = true)]
    pub master_key: Option<String>,
    /// E-mail address of the first admin
    #[arg(long, env = "HYPERCARE_ADMIN_EMAIL", global = true)]
    pub admin_email: Option<String>,
    /// Password of the first admin
    #[arg(long, env = "HYPERCARE_ADMIN_PASSWORD", global = true, hide_env_values = true, hide = true)]
    pub admin_password: Option<String>,
    /// Mail server that news go out by, like `smtps://user:password@mail.example.org` or `smtp://mail.example.org:587?tls=required` [default: none]
    #[arg(long, env = "HYPERCARE_SMTP_URL", global = true, hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Sender of e-mail, like `hypercare <care@example.org>`; needed with a mail server
    #[arg(long, env = "HYPERCARE_MAIL_FROM", global = true)]
    pub mail_from: Option<String>,
    /// What to log, like `info` or `hypercare=debug` [default: info]
    #[arg(long, env = "HYPERCARE_LOG", global = true)]
    pub log: Option<String>,
    /// `text` or `json` [default: text]
    #[arg(long, env = "HYPERCARE_LOG_FORMAT", global = true)]
    pub log_format: Option<String>,
    /// Largest request body in bytes [default: 20971520]
    #[arg(long, env = "HYPERCARE_MAX_BODY_BYTES", global = true)]
    pub max_body_bytes: Option<usize>,
    /// Model calls under way at once; beyond them callers are asked to come back [default: 20000]
    #[arg(long, env = "HYPERCARE_MAX_IN_FLIGHT", global = true)]
    pub max_in_flight: Option<usize>,
    /// Milliseconds a caller may take for the head of a request, and between two pieces of its body [default: 30000]
    #[arg(long, env = "HYPERCARE_REQUEST_IDLE_MS", global = true)]
    pub request_idle_ms: Option<u64>,
}

/// Why the settings do not hold.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file does not parse.
    #[error("{path}: {why}")]
    File {
        /// Which file.
        path: String,
        /// Line, column and what is wrong.
        why: String,
    },
    /// A value does not hold.
    #[error("{name}: {why}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The data folder cannot be used.
    #[error("cannot use the data folder {path}: {source}")]
    Folder {
        /// Which folder.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

/// How e-mail goes out.
#[derive(Clone)]
pub struct Mail {
    /// The mail server, as lettre reads it.
    pub url: String,
    /// Who it is from.
    pub from: lettre::message::Mailbox,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address of the server has its password in it.
        f.debug_struct("Mail").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Mail {
    fn new(url: Option<String>, from: Option<String>) -> Result<Option<Self>, ConfigError> {
        let Some(url) = url else { return Ok(None) };
        let wrong = |name: &'static str, why: String| ConfigError::Value { name, why };
        if let Err(e) = lettre::AsyncSmtpTransport::<lettre::Tokio1Executor>::from_url(&url) {
            return Err(wrong("--smtp-url", format!("is not an address like smtps://user:password@mail.example.org: {e}")));
        }
        let from = from.ok_or_else(|| wrong("--mail-from", "is missing: with a mail server, say who e-mail is from".to_owned()))?;
        let from =
            from.parse().map_err(|e| wrong("--mail-from", format!("`{from}` is not an address like hypercare <care@example.org>: {e}")))?;
        Ok(Some(Self { url, from }))
    }
}

/// Settings in force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address listened on.
    pub listen: SocketAddr,
    /// Folder of the database file, the spool and the master key.
    pub data_dir: PathBuf,
    /// Where the database is.
    pub database_url: String,
    /// Largest request body in bytes.
    pub max_body_bytes: usize,
    /// Model calls under way at once.
    pub max_in_flight: usize,
    /// How long a caller may take for the head of a request, and between two pieces of its body.
    pub request_idle: Duration,
    /// Address and password of the first admin, when both are set.
    pub first_admin: Option<(String, String)>,
    /// How e-mail goes out; none without a mail server.
    pub mail: Option<Mail>,
    public_url: Option<String>,
    master_key: Option<String>,
}

impl Options {
    /// Fills what no flag or variable set from `hypercare.toml` in the working folder, if there is one.
    pub fn with_file(self) -> Result<Self, ConfigError> {
        let path = Path::new("hypercare.toml");
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(self),
            Err(e) => return Err(ConfigError::File { path: path.display().to_string(), why: e.to_string() }),
        };
        let file: Self = toml::from_str(&text).map_err(|e| ConfigError::File { path: path.display().to_string(), why: e.to_string() })?;
        Ok(Self {
            listen: self.listen.or(file.listen),
            public_url: self.public_url.or(file.public_url),
            data_dir: self.data_dir.or(file.data_dir),
            database_url: self.database_url.or(file.database_url),
            master_key: self.master_key.or(file.master_key),
            admin_email: self.admin_email.or(file.admin_email),
            admin_password: self.admin_password.or(file.admin_password),
            smtp_url: self.smtp_url.or(file.smtp_url),
            mail_from: self.mail_from.or(file.mail_from),
            log: self.log.or(file.log),
            log_format: self.log_format.or(file.log_format),
            max_body_bytes: self.max_body_bytes.or(file.max_body_bytes),
            max_in_flight: self.max_in_flight.or(file.max_in_flight),
            request_idle_ms: self.request_idle_ms.or(file.request_idle_ms),
        })
    }

    /// Checks the values and fills in defaults.
    pub fn settle(self) -> Result<Settings, ConfigError> {
        let data_dir = self.data_dir.unwrap_or_else(|| PathBuf::from("./data"));
        if let Some(url) = &self.public_url
            && !url.parse::<http::Uri>().is_ok_and(|u| matches!(u.scheme_str(), Some("http" | "https")))
        {
            return Err(ConfigError::Value { name: "--public-url", why: format!("`{url}` is not an address like https://ai.example.org") });
        }
        let first_admin = match (self.admin_email, self.admin_password) {
            (Some(email), Some(password)) => Some((email, password)),
            (None, None) => None,
            _ => {
                return Err(ConfigError::Value {
                    name: "HYPERCARE_ADMIN_EMAIL",
                    why: "needs HYPERCARE_ADMIN_PASSWORD, and the other way round".to_owned(),
                });
            }
        };
        Ok(Settings {
            mail: Mail::new(self.smtp_url, self.mail_from)?,
            listen: self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8787))),
            database_url: self.database_url.unwrap_or_else(|| format!("sqlite://{}", data_dir.join("hypercare.db").display())),
            data_dir,
            max_body_bytes: self.max_body_bytes.unwrap_or(MAX_BODY_BYTES),
            max_in_flight: self.max_in_flight.unwrap_or(MAX_IN_FLIGHT),
            request_idle: match self.request_idle_ms {
                Some(0) => return Err(ConfigError::Value { name: "--request-idle-ms", why: "must be at least 1".to_owned() }),
                Some(ms) => Duration::from_millis(ms),
                None => REQUEST_IDLE,
            },
            first_admin,
            public_url: self.public_url,
            master_key: self.master_key,
        })
    }
}

impl Settings {
    /// Settings of a server on a folder of its own, everything else as by default.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data_dir: folder.to_owned(),
            database_url: format!("sqlite://{}", folder.join("hypercare.db").display()),
            max_body_bytes: MAX_BODY_BYTES,
            max_in_flight: MAX_IN_FLIGHT,
            request_idle: REQUEST_IDLE,
            first_admin: None,
            mail: None,
            public_url: None,
            master_key: None,
        }
    }

    /// The address people and applications use, without a slash at the end.
    pub fn public_url(&self) -> String {
        self.public_url.as_ref().map_or_else(|| format!("http://{}", self.listen), |url| url.trim_end_matches('/').to_owned())
    }

    /// Makes the data folder if it is missing, for its owner only.
    pub fn prepare_folder(&self) -> Result<(), ConfigError> {
        let failed = |source| ConfigError::Folder { path: self.data_dir.display().to_string(), source };
        fs::create_dir_all(&self.data_dir).map_err(failed)
    }

    /// The master key: from the environment, else from `master.key` in the data folder, which is made (mode 0600) when it is missing.
    pub fn master_key(&self) -> Result<[u8; 32], ConfigError> {
        let wrong = |why: &str| ConfigError::Value { name: "HYPERCARE_MASTER_KEY", why: why.to_owned() };
        let path = self.data_dir.join("master.key");
        let failed = |source| ConfigError::Folder { path: path.display().to_string(), source };
        let text = match &self.master_key {
            Some(text) => text.clone(),
            None => match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(e) if e.kind() == io::ErrorKind::NotFound => make_key(&path).map_err(failed)?,
                Err(e) => return Err(failed(e)),
            },
        };
        let bytes = STANDARD.decode(text.trim()).map_err(|_| wrong("is not base64"))?;
        bytes.try_into().map_err(|_| wrong("must be 32 bytes"))
    }
}

fn make_key(path: &Path) -> io::Result<String> {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("the system gives no randomness"))?;
    let text = STANDARD.encode(key);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(text)
}
