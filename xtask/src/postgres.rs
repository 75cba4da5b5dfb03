//! A PostgreSQL of a command's own: a fresh cluster in a temporary folder on a free port, gone when it ends.

use crate::cleanup::Cleanup;
use crate::temp::TempDir;
use crate::{apt, http, shell};
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A running cluster; stopped and removed when dropped.
pub struct Postgres {
    /// An empty database whose owner may create others.
    pub url: String,
    // In this order: the server stops before its folder goes.
    _stop: Cleanup,
    _folder: TempDir,
}

impl Postgres {
    /// Installs PostgreSQL if need be, and starts a cluster that trades all safety for speed.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        let folder = TempDir::new("pg")?;
        let owner = Owner::find()?;
        owner.give(folder.path())?;
        let data = folder.path().join("data");

        let mut initdb = owner.command(&programs.join("initdb"), folder.path());
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--pgdata"]).arg(&data);
        shell::capture(&mut initdb)?;

        let port = http::free_address()?.port();
        let settings = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_connections=200 \
             -c fsync=off -c synchronous_commit=off -c full_page_writes=off",
            folder.path().display()
        );
        let log = folder.path().join("log");
        let mut start = owner.command(&programs.join("pg_ctl"), folder.path());
        start.args(["start", "--wait", "--timeout=60", "--silent", "--pgdata"]).arg(&data).arg("--log").arg(&log);
        start.args(["--options", &settings]);
        // Before the start: an interruption may come while the server is on its way.
        let mut stop = owner.command(&programs.join("pg_ctl"), folder.path());
        stop.args(["stop", "--mode=immediate", "--wait", "--silent", "--pgdata"]).arg(&data);
        let stop = Cleanup::register(move || drop(stop.stdout(Stdio::null()).stderr(Stdio::null()).status()));
        // Its output is not captured: the server would inherit the pipe and keep it open.
        shell::run(&mut start).with_context(|| fs::read_to_string(&log).unwrap_or_default())?;

        Ok(Self { url: format!("postgres://postgres@127.0.0.1:{port}/postgres"), _stop: stop, _folder: folder })
    }

    /// Does at once what autovacuum does within a minute of a large import: statistics, and the map of pages that need no second look.
    pub fn settle(&self) -> Result<()> {
        shell::capture(Command::new(programs()?.join("psql")).args(["--quiet", "--command", "VACUUM ANALYZE"]).arg(&self.url)).map(drop)
    }
}

/// The folder of `initdb`: the newest version Debian installed, or the one on the search path.
fn programs() -> Result<PathBuf> {
    if let Some(folder) = installed() {
        return Ok(folder);
    }
    apt::install(&["postgresql"], "what runs on PostgreSQL")?;
    installed().context("PostgreSQL is installed but `initdb` is nowhere to be found")
}

fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path()).filter(|folder| folder.join("bin/initdb").exists()).max_by_key(|folder| {
        let version = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        version.and_then(|text| text.parse::<u32>().ok())
    });
    newest.map(|folder| folder.join("bin")).or_else(|| Some(shell::find("initdb")?.parent()?.to_owned()))
}

/// Whom the cluster belongs to: PostgreSQL refuses to run as root.
#[derive(Clone, Copy)]
enum Owner {
    /// The person who runs the tests.
    Me,
    /// Another user and group.
    Other { user: u32, group: u32 },
}

impl Owner {
    const NAME: &str = "postgres";

    fn find() -> Result<Self> {
        if !apt::is_root() {
            return Ok(Self::Me);
        }
        if id("-u").is_err() {
            shell::capture(Command::new("useradd").args(["--system", "--user-group", "--no-create-home", Self::NAME]))?;
        }
        Ok(Self::Other { user: id("-u")?, group: id("-g")? })
    }

    fn give(self, folder: &Path) -> Result<()> {
        if let Self::Other { user, group } = self {
            chown(folder, Some(user), Some(group)).with_context(|| format!("cannot give away {}", folder.display()))?;
        }
        Ok(())
    }

    /// A program run as the owner, in a folder the owner may read.
    fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        if let Self::Other { user, group } = self {
            command.uid(user).gid(group);
        }
        command
    }
}

fn id(flag: &str) -> Result<u32> {
    let text = shell::capture(Command::new("id").args([flag, Owner::NAME]))?;
    text.trim().parse().context("`id` printed no number")
}
