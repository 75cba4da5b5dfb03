//! `kill -9` under load: what was acknowledged is there afterwards.
//!
//! The binary under test links its pages for minutes, so the victim is this very executable, told by a variable to be a server.

use crate::support::server::{eventually, header, hello};
use crate::support::{ADMIN, APP, Place, Server, Upstream, places};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const FOLDER: &str = "HYPERCARE_STORY_FOLDER";
const DATABASE: &str = "HYPERCARE_STORY_DATABASE";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "no test: the process that the story below starts and kills"]
async fn victim() {
    let (Ok(folder), Ok(database)) = (std::env::var(FOLDER), std::env::var(DATABASE)) else { return };
    let folder = Path::new(&folder);
    let mut settings = hypercare::config::Settings::in_folder(folder);
    settings.database_url = database;
    let server = Server::start(settings).await;
    std::fs::write(folder.join("url.part"), &server.url).expect("written");
    std::fs::rename(folder.join("url.part"), folder.join("url")).expect("renamed");
    std::future::pending::<()>().await;
}

/// A server in a process of its own; killed when dropped.
struct Victim {
    child: Child,
    url: String,
}

impl Victim {
    async fn start(place: &Place) -> Self {
        let file = place.dir.path().join("url");
        let _ = std::fs::remove_file(&file);
        let exe = std::env::current_exe().expect("this executable");
        let mut command = Command::new(exe);
        command.args(["--exact", "kill::victim", "--ignored", "--nocapture"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.env(FOLDER, place.dir.path()).env(DATABASE, place.settings().database_url);
        let child = command.spawn().expect("a process");
        let url = crate::support::eventually("the server is up", || async { std::fs::read_to_string(&file).ok() }).await;
        Self { child, url }
    }

    /// SIGKILL: no goodbye.
    fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Acknowledged feedback: its id and what it must say.
type Acknowledged = Arc<Mutex<Vec<(String, String)>>>;

/// Posts until the server is gone; every third piece is changed once more.
async fn press(client: Client, url: String, name: String, acknowledged: Acknowledged) {
    for i in 0.. {
        let _ = client.post(format!("{url}/v1/chat/completions")).bearer_auth(APP).json(&hello("bot")).send().await;
        for version in 0..=u8::from(i % 3 == 0) {
            let comment = format!("{name}-{i}-{version}");
            let body = json!({ "request_id": "r", "comment": comment, "idempotency_key": format!("{name}-{i}") });
            let Ok(response) = client.post(format!("{url}/v1/feedback")).bearer_auth(APP).json(&body).send().await else { return };
            assert!(response.status().is_success(), "{}", response.status());
            // Acknowledged with the status line, whatever happens to the body: but without the id there is nothing to look for.
            let Ok(stored) = response.json::<Value>().await else { return };
            let id = stored["id"].as_str().expect("id").to_owned();
            let mut all = acknowledged.lock().expect("list");
            all.retain(|(known, _)| *known != id);
            all.push((id, comment));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_three_kills() {
    for place in places().await {
        let upstream = Upstream::start().await;
        Server::basic(&place, &upstream).await.stop().await;
        let acknowledged = Acknowledged::default();
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().expect("client");
        for round in 0..3 {
            let mut victim = Victim::start(&place).await;
            let before = acknowledged.lock().expect("list").len();
            let load: Vec<_> = (0..4)
                .map(|n| tokio::spawn(press(client.clone(), victim.url.clone(), format!("{round}-{n}"), acknowledged.clone())))
                .collect();
            // A slow machine takes longer until it is under load.
            eventually("it takes feedback", async || (acknowledged.lock().expect("list").len() >= before + 5).then_some(())).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            victim.kill();
            for task in load {
                task.await.expect("the load ends with the server");
            }
        }
        let survivor = Victim::start(&place).await;
        let list = acknowledged.lock().expect("list").clone();
        for (id, comment) in list {
            let request = client.request(Method::GET, format!("{}/api/v1/feedback/{id}", survivor.url)).bearer_auth(ADMIN);
            let response = request.send().await.expect("answer");
            assert_eq!(response.status(), 200, "{comment} was acknowledged and is gone");
            let kept: Value = response.json().await.expect("JSON");
            let said = kept["comment"].as_str().expect("a comment");
            // A change whose answer was cut off may or may not have been stored.
            let newer = comment.strip_suffix("-0").is_some_and(|piece| said == format!("{piece}-1"));
            assert!(said == comment || newer, "acknowledged {comment}, kept {said}");
        }
        let call =
            client.post(format!("{}/v1/chat/completions", survivor.url)).bearer_auth(APP).json(&hello("bot")).send().await.expect("answer");
        assert_eq!((call.status().as_u16(), header(&call, "x-hypercare-route")), (200, "bot".to_owned()));
    }
}
