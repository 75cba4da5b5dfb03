//! A `hypercare` of a command's own: temporary data folder, free port, configured from a file, gone when dropped.

use crate::shell::{self, Background};
use crate::temp::TempDir;
use crate::{http, machine};
use anyhow::{Context, Result};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a start may take (a debug binary on a busy machine is slow to migrate its database).
const START_LIMIT: Duration = Duration::from_mins(1);

/// Who can sign in there.
pub const ADMIN: (&str, &str) = ("admin@example.org", "an admin of tests only");

/// A running instance.
pub struct Gateway {
    /// Where it listens.
    pub address: SocketAddr,
    // In this order: the program ends before its folder goes.
    process: Background,
    folder: TempDir,
}

impl Gateway {
    /// Applies the configuration, starts the server and waits until it is ready. Without a database's address it keeps everything in its folder.
    pub fn start(binary: &Path, configuration: &str, database: Option<&str>) -> Result<Self> {
        let folder = TempDir::new("gateway")?;
        let file = folder.path().join("configuration.toml");
        fs::write(&file, configuration).with_context(|| format!("cannot write {}", file.display()))?;
        let address = http::free_address()?;
        let hypercare = |subcommand: &str| {
            let mut command = Command::new(binary);
            command.arg(subcommand).current_dir(folder.path()).env("HYPERCARE_DATA_DIR", folder.path().join("data"));
            command.env("HYPERCARE_LISTEN", address.to_string()).env("HYPERCARE_LOG", "warn");
            command.env("HYPERCARE_ADMIN_EMAIL", ADMIN.0).env("HYPERCARE_ADMIN_PASSWORD", ADMIN.1);
            command.envs(database.map(|url| ("HYPERCARE_DATABASE_URL", url)));
            command
        };
        shell::capture(hypercare("apply").arg(&file))?;

        let log = folder.path().join("log");
        let output = fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut process = Background::start(hypercare("serve").stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output))?;
        http::wait_until_ready(address, "/readyz", START_LIMIT, || process.is_running())
            .with_context(|| format!("hypercare did not start; it said:\n{}", fs::read_to_string(&log).unwrap_or_default()))?;
        Ok(Self { address, process, folder })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// The last lines of its log, for a report of what went wrong.
    pub fn log_tail(&self) -> String {
        let text = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// The most memory it ever held, in MiB.
    pub fn peak_memory(&self) -> Option<u64> {
        machine::peak_memory(self.process.id())
    }

    /// Ends it in an orderly way; says whether it did not have to be killed.
    pub fn stop(self) -> bool {
        self.process.terminate(Duration::from_secs(10))
    }
}
