//! The command line.

use super::{App, Applied, StartError, apply, lanes};
use crate::config::Options;
use crate::identity::Actor;
use crate::identity::model::{Role, Scope};
use crate::identity::service::{self, NewKey};
use crate::types::Fault;
use axum::Router;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::net::TcpListener;

/// AI gateway, feedback loop and control room for the weeks after a launch.
#[derive(Debug, Parser)]
#[command(name = "hypercare", version)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway and the control room
    Serve,
    /// Put declarative files into force; prints what changes
    Apply {
        /// TOML files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Write out what is stored
    Export {
        #[command(subcommand)]
        what: ExportCommand,
    },
    /// People
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Keys of applications
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Bring the database up to date
    Migrate,
    /// Look whether settings and database are in order
    Check,
    /// Run with sample traffic, to look around
    Demo(DemoArgs),
}

#[derive(Debug, Subcommand)]
enum ExportCommand {
    /// Providers, models, prompts, routes and surveys as a declarative file, without secrets
    Config {
        /// Write into this file instead of the terminal
        #[arg(long)]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Add a person
    Add {
        /// Address to sign in with
        #[arg(long)]
        email: String,
        /// admin, product, annotator or viewer
        #[arg(long)]
        role: RoleArg,
        /// Read the password from standard input instead of asking
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArg {
    Admin,
    Product,
    Annotator,
    Viewer,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Admin => Self::Admin,
            RoleArg::Product => Self::Product,
            RoleArg::Annotator => Self::Annotator,
            RoleArg::Viewer => Self::Viewer,
        }
    }
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a key; prints its secret once
    Create {
        /// Unique name
        #[arg(long)]
        name: String,
        /// What it may do: gateway, feedback, read, admin
        #[arg(long, value_delimiter = ',', required = true, value_parser = parse_scope)]
        scope: Vec<Scope>,
        /// Routes it may call; all when not given
        #[arg(long, value_delimiter = ',')]
        route: Vec<String>,
    },
}

fn parse_scope(word: &str) -> Result<Scope, String> {
    Scope::parse(word).ok_or_else(|| "must be gateway, feedback, read or admin".to_owned())
}

/// What `hypercare demo` takes.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Use this OpenAI-compatible provider instead of the built-in sample
    #[arg(long)]
    pub provider: Option<String>,
    /// Environment variable that holds the provider's key
    #[arg(long)]
    pub api_key_env: Option<String>,
    /// The provider's model
    #[arg(long)]
    pub model: Option<String>,
    /// Calls a second
    #[arg(long, default_value_t = 3.0)]
    pub rate: f64,
}

/// Runs the program; `pages` are mounted beside the gateway.
pub fn main(pages: fn() -> Router<App>) -> ExitCode {
    let cli = Cli::parse();
    let outcome =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| StartError::Io("cannot start".to_owned(), e));
    match outcome.and_then(|runtime| runtime.block_on(run(cli, pages))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("hypercare: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli, pages: fn() -> Router<App>) -> Result<(), StartError> {
    let options = cli.options.with_file()?;
    start_log(&options)?;
    match cli.command {
        Command::Serve => serve(options, pages).await,
        Command::Apply { files, dry_run } => apply_files(options, &files, dry_run).await,
        Command::Export { what: ExportCommand::Config { output } } => export_config(options, output).await,
        Command::User { command: UserCommand::Add { email, role, password_stdin } } => {
            add_user(options, &email, role.into(), password_stdin).await
        }
        Command::Key { command: KeyCommand::Create { name, scope, route } } => create_key(options, name, scope, route).await,
        Command::Migrate => migrate(options).await,
        Command::Check => check(options).await,
        Command::Demo(args) => demo(options, pages, args).await,
    }
}

fn start_log(options: &Options) -> Result<(), StartError> {
    use tracing_subscriber::EnvFilter;
    let wanted = options.log.as_deref().unwrap_or("info");
    let filter = EnvFilter::try_new(wanted).map_err(|e| StartError::Line(format!("--log: {e}")))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match options.log_format.as_deref() {
        Some("json") => builder.json().init(),
        None | Some("text") => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        Some(other) => return Err(StartError::Line(format!("--log-format: must be text or json, not `{other}`"))),
    }
    Ok(())
}

/// Binds, starts, and serves until a signal; then finishes the last answers and writes the log.
async fn serve(options: Options, pages: fn() -> Router<App>) -> Result<(), StartError> {
    serve_with(options, pages, |_, _| async { Ok(()) }).await
}

async fn serve_with<F, Fut>(options: Options, pages: fn() -> Router<App>, ready: F) -> Result<(), StartError>
where
    F: FnOnce(App, SocketAddr) -> Fut,
    Fut: Future<Output = Result<(), StartError>>,
{
    let mut settings = options.settle()?;
    let listener =
        TcpListener::bind(settings.listen).await.map_err(|e| StartError::Io(format!("cannot listen on {}", settings.listen), e))?;
    let address = listener.local_addr().map_err(|e| StartError::Io("cannot listen".to_owned(), e))?;
    settings.listen = address;
    let (app, jobs) = App::start(settings).await?;
    first_admin(&app).await?;
    tracing::info!(url = app.settings().public_url(), database = app.db().dialect(), "hypercare is ready");
    ready(app.clone(), address).await?;
    let stop = app.clone();
    tokio::spawn(async move {
        signal().await;
        tracing::info!("stopping: finishing the last answers");
        stop.stop();
    });
    lanes::serve(&app, listener, pages()).await.map_err(|e| StartError::Io("the server failed".to_owned(), e))?;
    jobs.stop().await;
    Ok(())
}

async fn signal() {
    let interrupt = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                () = interrupt => {}
                _ = terminate.recv() => {}
            },
            Err(_) => interrupt.await,
        }
    }
    #[cfg(not(unix))]
    interrupt.await;
}

/// The first admin from the settings, or a one-time link on the terminal.
async fn first_admin(app: &App) -> Result<(), StartError> {
    if !service::setup_pending(app).await? {
        return Ok(());
    }
    if let Some((email, password)) = &app.settings().first_admin {
        service::add_person(app, &Actor::Operator, email, Role::Admin, password).await?;
        tracing::info!(email, "the first admin was made");
    } else {
        let token = service::issue_setup_token(app).await?;
        eprintln!(
            "\n  Nobody can sign in yet. Open this link once to become the first admin:\n  {}/setup?token={token}\n",
            app.settings().public_url()
        );
    }
    Ok(())
}

fn print(applied: &Applied, dry_run: bool) {
    for line in &applied.lines {
        println!("{line}");
    }
    let mut object = "";
    let text = |value: &Option<serde_json::Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
    for (name, change) in &applied.fields {
        if name != object {
            println!("  {name}");
            object = name;
        }
        println!("    {}: {} → {}", change.path, text(&change.before), text(&change.after));
    }
    let verb = if dry_run { "would change" } else { "changed" };
    println!("{} {verb}, {} unchanged", applied.lines.len(), applied.unchanged);
}

async fn apply_files(options: Options, files: &[PathBuf], dry_run: bool) -> Result<(), StartError> {
    let mut all = super::apply::File::default();
    for path in files {
        all = all.and(super::apply::File::read(path).map_err(|e| StartError::Line(e.to_string()))?);
    }
    let app = App::open_only(options.settle()?).await?;
    let applied = apply(&app, &Actor::Operator, all, dry_run).await.map_err(|e| StartError::Line(e.to_string()))?;
    print(&applied, dry_run);
    app.db().close().await;
    Ok(())
}

async fn export_config(options: Options, output: Option<PathBuf>) -> Result<(), StartError> {
    let app = App::open_only(options.settle()?).await?;
    let text = super::export::config(&app, &Actor::Operator).await?;
    match output {
        Some(path) => std::fs::write(&path, text).map_err(|e| StartError::Io(path.display().to_string(), e))?,
        None => print!("{text}"),
    }
    app.db().close().await;
    Ok(())
}

async fn add_user(options: Options, email: &str, role: Role, from_stdin: bool) -> Result<(), StartError> {
    if !from_stdin && std::io::stdin().is_terminal() {
        eprint!("Password for {email}: ");
        let _ = std::io::stderr().flush();
    }
    let mut password = String::new();
    let read = if from_stdin { std::io::stdin().read_to_string(&mut password) } else { std::io::stdin().read_line(&mut password) };
    read.map_err(|e| StartError::Io("cannot read the password".to_owned(), e))?;
    let app = App::open_only(options.settle()?).await?;
    let person = service::add_person(&app, &Actor::Operator, email, role, password.trim_end_matches(['\n', '\r'])).await?;
    println!("{} can sign in as {}", person.email, person.role.as_str());
    app.db().close().await;
    Ok(())
}

async fn create_key(options: Options, name: String, scopes: Vec<Scope>, routes: Vec<String>) -> Result<(), StartError> {
    let app = App::open_only(options.settle()?).await?;
    let (_, secret) = service::create_key(&app, &Actor::Operator, NewKey { name, scopes, routes, ..NewKey::default() }).await?;
    println!("{secret}");
    app.db().close().await;
    Ok(())
}

async fn migrate(options: Options) -> Result<(), StartError> {
    let settings = options.settle()?;
    settings.prepare_folder()?;
    let db = crate::store::Db::open(&settings.database_url).await?;
    println!("the {} database is up to date", db.dialect());
    db.close().await;
    Ok(())
}

async fn check(options: Options) -> Result<(), StartError> {
    let app = App::open_only(options.settle()?).await?;
    let calls = crate::telemetry::store::count_all(app.db()).await.map_err(Fault::from)?;
    println!(
        "settings: ok\ndatabase: ok ({})\nconfiguration: version {}\nlogged calls: {calls}",
        app.db().dialect(),
        app.snapshot().version()
    );
    app.db().close().await;
    Ok(())
}

async fn demo(mut options: Options, pages: fn() -> Router<App>, args: DemoArgs) -> Result<(), StartError> {
    if options.admin_email.is_none() {
        let admin = crate::demo::people::PEOPLE[0];
        options.admin_email = Some(admin.email.to_owned());
        options.admin_password = Some(crate::demo::people::PASSWORD.to_owned());
    }
    serve_with(options, pages, |app, address| async move { crate::demo::start(app, address, args).await }).await
}
