//! The declarative file: all of it or nothing of it.

use crate::support::server::{KEYS, basic, provider};
use crate::support::{Place, Say, Server, Upstream, places};
use serde_json::{Value, json};

/// All that the control plane shows of the configuration.
async fn everything(server: &Server) -> Vec<Value> {
    let mut all = Vec::new();
    for list in ["providers", "models", "prompts", "routes", "keys", "users", "audit"] {
        all.push(server.read(&format!("/api/v1/{list}")).await);
    }
    all
}

#[tokio::test]
async fn a_second_time_changes_nothing() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let before = everything(&server).await;
        let applied = server.apply(&basic(&upstream)).await.expect("holds");
        assert_eq!(applied.lines, Vec::<String>::new());
        assert!(applied.unchanged >= 6);
        assert_eq!(everything(&server).await, before, "not even a line in the audit log");
    }
}

#[tokio::test]
async fn a_file_that_does_not_hold_changes_nothing_and_says_where() {
    let route = |variants: &str| format!("\n[[routes]]\nname = \"second\"\n{variants}");
    let arm = |weight: &str, provider: &str, prompt: &str| {
        format!("[[routes.variants]]\nname = \"v\"\nweight = {weight}\nprovider = \"{provider}\"\nmodel = \"m\"\nprompt = \"{prompt}\"\n")
    };
    let stories = [
        ("negative weight", route(&arm("-1", "primary", "support@1")), vec!["second", "weight"]),
        ("weight not a number", route(&arm("nan", "primary", "support@1")), vec!["second", "weight"]),
        ("endless weight", route(&arm("inf", "primary", "support@1")), vec!["second", "weight"]),
        ("all weights zero", route(&arm("0", "primary", "support@1")), vec!["second", "weight", "above 0"]),
        ("no variants", "\n[[routes]]\nname = \"second\"\nvariants = []\n".to_owned(), vec!["second", "variants"]),
        ("unknown provider", route(&arm("1", "nobody", "support@1")), vec!["second", "nobody"]),
        ("unknown prompt", route(&arm("1", "primary", "nothing@1")), vec!["second", "nothing"]),
        ("unknown version", route(&arm("1", "primary", "support@9")), vec!["second", "support", "9"]),
        ("unknown label", route(&arm("1", "primary", "support@staging")), vec!["second", "support", "staging"]),
        ("prompt without pin", route(&arm("1", "primary", "support")), vec!["second", "prompt"]),
        (
            "missing variable",
            provider("p2", "http://x.test/v1", "").replace("\"sk-p2-1\"", "\"env:NOT_SET_IN_ANY_TEST\""),
            vec!["NOT_SET_IN_ANY_TEST"],
        ),
        ("missing file", provider("p2", "http://x.test/v1", "").replace("\"sk-p2-1\"", "\"file:/not/there\""), vec!["/not/there"]),
        ("wrong address", provider("p2", "ftp://x", ""), vec!["p2", "base_url"]),
        ("short secret", "\n[[keys]]\nname = \"k\"\nsecret = \"short\"\nscopes = [\"read\"]\n".to_owned(), vec!["k", "24"]),
        (
            "no scope",
            "\n[[keys]]\nname = \"k\"\nsecret = \"0123456789-0123456789-0123456789\"\nscopes = []\n".to_owned(),
            vec!["k", "scopes"],
        ),
        (
            "broken template",
            "\n[[prompts]]\nname = \"bad\"\n[[prompts.versions]]\nmessages = [{ role = \"system\", content = \"{{ x\" }]\n".to_owned(),
            vec!["bad", "line 1"],
        ),
    ];
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let before = everything(&server).await;
        for (story, wrong, words) in &stories {
            // Something good stands in front, which must not stay alone.
            let good = provider("third", "http://third.test/v1", "");
            let error = server.apply(&format!("{good}{wrong}")).await.expect_err(story).to_string();
            for word in words {
                assert!(error.contains(word), "{story}: `{word}` is not in: {error}");
            }
            assert_eq!(everything(&server).await, before, "{story}");
        }
        assert_eq!(server.ask("ann").await.status(), 200);
    }
}

#[tokio::test]
async fn an_unknown_key_is_told_with_file_line_and_the_nearest_one() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    for (text, line, nearest) in [
        ("[[provider]]\nname = \"x\"\n", "line 1", "`providers`"),
        ("[[keys]]\nname = \"k\"\nsecrets = \"x\"\n", "line 3", "`secret`"),
        ("[[routes]]\nname = \"r\"\nsticky = \"user\"\n", "line 3", "`sticky_by`"),
        ("[[routes]]\nname = \"r\"\nsticky_by = \"usr\"\n", "line 3", "`user`"),
        ("[[keys]]\nname = \"k\"\n[keys.limits]\nrequest_per_minute = 1\n", "line 4", "`requests_per_minute`"),
    ] {
        let error = server.apply(text).await.expect_err("refused").to_string();
        assert!(error.starts_with("test.toml") && error.contains(line) && error.contains(nearest), "{error}");
    }
}

#[tokio::test]
async fn a_key_of_a_provider_is_never_shown_again() {
    let upstream = Upstream::start().await;
    let text = basic(&upstream).replace("sk-primary-1", "sk-primary-secret-0123456789");
    let server = Server::with(&Place::sqlite(), &text).await;
    let shown = json!(everything(&server).await).to_string();
    assert!(!shown.contains("primary-secret-01") && !shown.contains(crate::support::APP), "{shown}");
}

#[tokio::test]
async fn a_changed_file_is_in_force_at_once() {
    let (one, two) = (Upstream::start().await, Upstream::start().await);
    let server = Server::basic(&Place::sqlite(), &one).await;
    server.ask("ann").await;
    let applied = server.apply(&basic(&one).replace(&one.url, &two.url)).await.expect("holds");
    assert_eq!(applied.lines, ["~ provider primary"]);
    server.ask("ann").await;
    assert_eq!((one.calls(), two.calls()), (1, 1));
    assert!(!KEYS.is_empty());
}

#[tokio::test]
async fn what_is_exported_is_applied_without_a_change_here_and_whole_elsewhere() {
    let upstream = Upstream::start().await;
    let more = r#"
[[prompts]]
name = "a-bot"
protected = ["production"]
[[prompts.versions]]
messages = [{ role = "system", content = "{% include \"tone@live\" %} {{ n }}" }]
parameters = { temperature = 0.25, stop = ["END"] }
variables = { n = { type = "number", default = 3 }, who = { sample = "Ann" } }
tools = [{ type = "function", function = { name = "order", parameters = { type = "object" } } }]
response_format = { type = "json_object" }
labels = ["production"]

[[routes]]
name = "rich"
sticky_by = "request"
choose = "cheapest"
rules = [{ when = "tokens > 100", variant = "x" }]
shadow = ["x"]
[[routes.variants]]
name = "x"
weight = 1.5
provider = "primary"
model = "mock"
prompt = "a-bot@production"
[routes.failover]
targets = [{ provider = "primary", model = "other" }]
total_ms = 4000
"#;
    let shared = "\n[[prompts]]\nname = \"tone\"\n[[prompts.versions]]\nmessages = [{ role = \"system\", content = \"Be kind.\" }]\nlabels = [\"live\"]\n";
    for place in places().await {
        let server = Server::with(&place, &(basic(&upstream) + shared + more)).await;
        let exported = server.get("/api/v1/export/config").send().await.expect("an answer").text().await.expect("text");
        assert!(!exported.contains("sk-primary-1"), "no secret: {exported}");
        let applied = server.apply(&exported).await.expect("the file holds");
        assert_eq!(applied.lines, Vec::<String>::new(), "{exported}");
        upstream.then(Say::answer("ok"));
        assert_eq!(server.ask("u").await.status(), 200);
        assert_eq!(upstream.last().headers["authorization"], "Bearer sk-primary-1", "the keys are still there");
        let other = Place::sqlite();
        let copy = Server::with(&other, &(exported.clone() + KEYS)).await;
        assert_eq!(copy.get("/api/v1/export/config").send().await.expect("an answer").text().await.expect("text"), exported);
    }
}
