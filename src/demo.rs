//! `hypercare demo`: a made-up shop with a support bot, so that every screen shows life within a minute.
//!
//! Nothing here is special to the rest of the program. The sample provider is an upstream like any other, the traffic only uses the public surface, and
//! the set-up is a declarative file as anybody would write it.

pub mod config;
mod dice;
pub mod people;
pub mod sample;
mod topics;
pub mod traffic;
mod words;

use crate::identity::crypto::random_token;
use crate::identity::{Actor, model::Role};
use crate::server::{App, DeclarativeFile, StartError, apply, command::DemoArgs};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// Puts the demo's set-up into force and starts the sample provider and the traffic; both end with the server.
pub(crate) async fn start(app: App, address: SocketAddr, args: DemoArgs) -> Result<(), StartError> {
    let secret = format!("demo-{}", random_token(24)?);
    let api_key = args.api_key_env.map(|name| format!("env:{name}"));
    let sample = args.provider.is_none();
    let (url, model) = match args.provider {
        Some(url) => {
            let model = match args.model {
                Some(model) => model,
                None => first_model(&url, api_key.as_deref()).await?,
            };
            (url, Some(model))
        }
        None => (start_sample().await?, None),
    };
    let provider = if sample { config::SAMPLE } else { config::REAL };
    // Started again on the same data, it keeps what people have changed since: prompts, split, passwords.
    let known = crate::providers::service::list(&app, &Actor::Operator).await?.iter().any(|p| p.name == provider);
    let mut text = if known {
        config::reconnect(&url, api_key.as_deref(), sample, &secret)
    } else {
        config::declarative(&url, api_key.as_deref(), model.as_deref(), sample, &secret)
    };
    text.push_str(&people::declarative());
    let file = DeclarativeFile::parse("the demo", &text).map_err(|e| StartError::Line(e.to_string()))?;
    apply(&app, &Actor::Operator, file, false).await.map_err(|e| StartError::Line(e.to_string()))?;
    announce(&app.settings().public_url(), sample);
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    let gateway = format!("http://{}", SocketAddr::new(ip, address.port()));
    tokio::spawn(traffic::run(gateway, secret, config::ROUTE.to_owned(), args.rate, app.stopping()));
    Ok(())
}

/// The sample provider's address; it listens on a port of its own on this machine only.
async fn start_sample() -> Result<String, StartError> {
    let fail = |e| StartError::Io("the sample provider cannot listen".to_owned(), e);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    tokio::spawn(async {
        if let Err(e) = sample::serve(listener).await {
            tracing::error!(error = %e, "the sample provider ended");
        }
    });
    Ok(format!("http://{address}/v1"))
}

/// The first model a provider lists, for who names none.
async fn first_model(url: &str, api_key: Option<&str>) -> Result<String, StartError> {
    let name_it = |why: String| StartError::Line(format!("cannot ask {url} for its models ({why}); name one with --model"));
    let mut request =
        reqwest::Client::new().get(format!("{}/models", url.trim_end_matches('/'))).timeout(std::time::Duration::from_secs(10));
    if let Some(name) = api_key.and_then(|key| key.strip_prefix("env:")) {
        request = request.bearer_auth(std::env::var(name).map_err(|e| StartError::Line(format!("{name}: {e}")))?);
    }
    let answer = async { request.send().await?.error_for_status()?.json::<serde_json::Value>().await };
    let answer = answer.await.map_err(|e| name_it(e.to_string()))?;
    answer["data"][0]["id"].as_str().map(str::to_owned).ok_or_else(|| name_it("it lists none".to_owned()))
}

fn announce(url: &str, sample: bool) {
    println!("\n  Hypercare demo: {url}");
    if sample {
        println!("  The answers are made up by a built-in sample provider; no model is behind them.");
    }
    println!("\n  Sign in as (password of all: {})", people::PASSWORD);
    for person in people::PEOPLE {
        println!("    {:<24} {}: {}", person.email, Role::label(person.role), person.purpose);
    }
    println!();
}
