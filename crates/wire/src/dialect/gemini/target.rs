//! The address of a call.

use crate::dialect::percent::{decode, encode};

/// What the address of a call says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The model, without `models/`.
    pub model: String,
    /// Whether a stream is asked for.
    pub stream: bool,
}

/// Reads the path of an address: `…/models/{model}:generateContent` or `:streamGenerateContent`; `None` for any other.
pub fn target(path: &str) -> Option<Target> {
    let (model, method) = method(path)?;
    let stream = match method {
        "generateContent" => false,
        "streamGenerateContent" => true,
        _ => return None,
    };
    Some(Target { model, stream })
}

/// The model and the method of an address: `…/models/{model}:{method}`; `None` for any other.
pub fn method(path: &str) -> Option<(String, &str)> {
    let path = path.split(['?', '#']).next()?;
    let (head, method) = path.rsplit_once(':')?;
    let model = match (head.rsplit_once("models/"), head.rfind("tunedModels/")) {
        (_, Some(at)) => &head[at..],
        (Some((_, model)), None) => model,
        (None, None) => return None,
    };
    let model = decode(model)?;
    (!model.is_empty()).then_some((model, method))
}

/// The path and query of a call, from `models/` on: what stands before depends on the provider.
pub fn path(model: &str, stream: bool) -> String {
    let mut out = match model.strip_prefix("tunedModels/") {
        Some(tuned) => format!("tunedModels/{}", encode(tuned)),
        None => format!("models/{}", encode(model.strip_prefix("models/").unwrap_or(model))),
    };
    out.push_str(if stream { ":streamGenerateContent?alt=sse" } else { ":generateContent" });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_both_ways() {
        let read = |path: &str| target(path).map(|t| (t.model, t.stream));
        assert_eq!(read("/v1beta/models/gemini-2.5-pro:generateContent"), Some(("gemini-2.5-pro".to_owned(), false)));
        assert_eq!(read("/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse"), Some(("gemini-3-flash".to_owned(), true)));
        assert_eq!(read("/v1beta/tunedModels/mine-1:generateContent"), Some(("tunedModels/mine-1".to_owned(), false)));
        assert_eq!(read("/v1beta/models/gemini-2.5-pro:countTokens"), None);
        assert_eq!(read("/v1beta/models/:generateContent"), None);
        for model in ["gemini-2.5-pro", "team/fast", "a b%", "../x", "tunedModels/mine-1"] {
            assert_eq!(read(&path(model, true)), Some((model.to_owned(), true)));
        }
        assert_eq!(path("models/gemini-2.5-pro", false), "models/gemini-2.5-pro:generateContent");
        assert_eq!(path("../x?k#", false), "models/..%2Fx%3Fk%23:generateContent");
    }
}
