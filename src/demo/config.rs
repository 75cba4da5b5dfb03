//! The demo's declarative file.

use std::fmt::Write as _;
use toml::Value;

/// The route the demo's application calls.
pub const ROUTE: &str = "support-bot";
/// The application's key.
pub const KEY: &str = "demo-app";
/// What prompt version 2 says and version 1 does not. The sample provider forgets early under these words, as models told to be short do.
pub const BRIEF: &str = "Be brief";
/// The name of the built-in provider.
pub const SAMPLE: &str = "sample";
/// The name of a real one.
pub const REAL: &str = "primary";
/// The better and slower sample model.
pub const LARGE: &str = "sample-large";
/// The quicker and cheaper one.
pub const SMALL: &str = "sample-small";

/// What its customers are asked now and then.
const SURVEYS: &str = r#"[[surveys]]
name = "satisfaction"
kind = "csat"
question = "How satisfied are you with this answer?"
follow_up = "What should it have said?"
sample = 0.6

[surveys.trigger]
event = "answer"
after_calls = 2

[surveys.translations.de]
question = "Wie zufrieden sind Sie mit dieser Antwort?"
follow_up = "Was hätte sie sagen sollen?"

[[surveys]]
name = "recommend"
kind = "nps"
question = "How likely are you to recommend our assistant to a friend?"
follow_up = "What is the main reason?"
rest_days = 90

[surveys.trigger]
event = "session_end"

"#;

const SHOP: &str = "You are the support assistant of {{ shop }}, an online shop for lamps and furniture.";

/// What `hypercare apply` puts into force for the demo: provider, models, prompt `support`, route [`ROUTE`] and key [`KEY`].
///
/// `provider_url` is where the provider answers, up to and without `/chat/completions`; `api_key` its key, also as `env:NAME`. `sample` says that it is the
/// built-in sample; otherwise both variants run on `model`. `key_secret` (24 characters or more) is what the application sends.
pub fn declarative(provider_url: &str, api_key: Option<&str>, model: Option<&str>, sample: bool, key_secret: &str) -> String {
    let provider = if sample { SAMPLE } else { REAL };
    let model = model.unwrap_or(LARGE);
    let mut out = reconnect(provider_url, api_key, sample, key_secret);
    if sample {
        for (name, window, price) in [
            (LARGE, 128_000, "{ input = 2.50, output = 10.00, cached_input = 1.25 }"),
            (SMALL, 32_000, "{ input = 0.15, output = 0.60, cached_input = 0.075 }"),
        ] {
            let _ = write!(out, "[[models]]\nprovider = \"sample\"\nname = \"{name}\"\ncontext_window = {window}\nprice = {price}\n\n");
        }
    }
    let first =
        format!("{SHOP} Answer fully and kindly, in the customer's language. Use what the customer has told you; never ask for it twice.");
    let second = format!("{SHOP} {BRIEF}: one sentence, no pleasantries.");
    out.push_str("[[prompts]]\nname = \"support\"\n\n");
    out.push_str(&version("The prompt of the launch", &first, "production"));
    out.push_str(&version("Shorter answers: cheaper and faster", &second, "candidate"));
    let _ = write!(out, "[[routes]]\nname = \"{ROUTE}\"\nsticky_by = \"user\"\n\n");
    for (name, weight) in [("control", 90), ("candidate", 10)] {
        let label = if name == "control" { "production" } else { name };
        let _ = write!(
            out,
            "[[routes.variants]]\nname = \"{name}\"\nweight = {weight}\nprovider = \"{provider}\"\nmodel = {}\nprompt = \"support@{label}\"\n\n",
            quoted(model)
        );
    }
    if sample {
        let _ = write!(out, "[routes.failover]\ntargets = [{{ provider = \"sample\", model = \"{SMALL}\" }}]\nretries = 1\n\n");
    }
    out.push_str(SURVEYS);
    out
}

/// What changes from one start of the demo to the next: the provider's address and key, and the application's key.
pub fn reconnect(provider_url: &str, api_key: Option<&str>, sample: bool, key_secret: &str) -> String {
    let name = if sample { SAMPLE } else { REAL };
    let mut out = format!("[[providers]]\nname = \"{name}\"\nkind = \"openai\"\nbase_url = {}\n", quoted(provider_url));
    if let Some(key) = api_key {
        let _ = writeln!(out, "api_keys = [{}]", quoted(key));
    }
    if sample {
        // Only the demo may say this: everything that shows an answer then shows that it is made up.
        out.push_str("sample = true\n");
    }
    let _ = write!(
        out,
        "\n[[keys]]\nname = \"{KEY}\"\nsecret = {}\nscopes = [\"gateway\", \"feedback\"]\nroutes = [\"{ROUTE}\"]\n\n",
        quoted(key_secret)
    );
    out
}

fn version(note: &str, system: &str, label: &str) -> String {
    format!(
        "[[prompts.versions]]\nnote = {}\nmessages = [{{ role = \"system\", content = {} }}]\nparameters = {{ temperature = 0.2 }}\n\
         variables = {{ shop = {{ default = \"Nordlicht\", sample = \"Nordlicht\" }} }}\nlabels = [\"{label}\"]\n\n",
        quoted(note),
        quoted(system)
    )
}

/// A text as a TOML string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::DeclarativeFile;

    #[test]
    fn both_files_hold() {
        let secret = "demo-secret-of-24-characters";
        for text in [
            declarative("http://127.0.0.1:9100/v1", None, None, true, secret),
            declarative("https://models.example/v1", Some("env:MODELS_KEY"), Some("odd \"model\"\\name"), false, secret),
        ] {
            if let Err(why) = DeclarativeFile::parse("demo.toml", &text) {
                panic!("{why}\n{text}");
            }
        }
    }

    #[test]
    fn a_real_model_serves_both_variants_and_nothing_claims_to_be_a_sample() {
        let text =
            declarative("https://models.example/v1", Some("env:MODELS_KEY"), Some("some-model"), false, "demo-secret-of-24-characters");
        let file: toml::Table = toml::from_str(&text).expect("TOML");
        let variants = file["routes"][0]["variants"].as_array().expect("variants");
        assert_eq!(variants.len(), 2);
        assert!(variants.iter().all(|v| v["model"].as_str() == Some("some-model") && v["provider"].as_str() == Some("primary")));
        assert!(!text.contains("sample = true"));
        assert!(!text.contains(SMALL));
    }

    #[test]
    fn only_the_second_version_is_brief() {
        let text = declarative("http://127.0.0.1:9100/v1", None, None, true, "demo-secret-of-24-characters");
        let file: toml::Table = toml::from_str(&text).expect("TOML");
        let brief: Vec<bool> = (0..2)
            .map(|i| file["prompts"][0]["versions"][i]["messages"][0]["content"].as_str().is_some_and(|c| c.contains(BRIEF)))
            .collect();
        assert_eq!(brief, [false, true]);
    }
}
