//! The address of a call.

use crate::dialect::percent::{decode, encode};

/// What the address of a call says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The model's id, an inference profile's, or an ARN.
    pub model: String,
    /// Whether a stream is asked for.
    pub stream: bool,
}

/// Reads the path of an address: `…/model/{model}/converse` or `/converse-stream`; `None` for any other.
pub fn target(path: &str) -> Option<Target> {
    let path = path.split(['?', '#']).next()?;
    let (head, method) = path.rsplit_once('/')?;
    let stream = match method {
        "converse" => false,
        "converse-stream" => true,
        _ => return None,
    };
    let (before, model) = head.split_once("model/")?;
    // An ARN may stand there as it is, with slashes of its own.
    let model = decode(model).filter(|m| !m.is_empty() && (before.is_empty() || before.ends_with('/')))?;
    Some(Target { model, stream })
}

/// The path of a call, from `model/` on: what stands before depends on the provider. To sign it, Amazon escapes it once more.
pub fn path(model: &str, stream: bool) -> String {
    format!("model/{}/{}", encode(model), if stream { "converse-stream" } else { "converse" })
}

/// The path of a count. Only the models themselves are counted for, not the profiles that spread calls over regions
/// (`us.anthropic.claude-…`), so that the region before the name is left out.
/// Source: <https://docs.aws.amazon.com/bedrock/latest/userguide/count-tokens.html>.
pub fn count_path(model: &str) -> String {
    let own = REGIONS.iter().find_map(|region| model.strip_prefix(region)).unwrap_or(model);
    format!("model/{}/count-tokens", encode(own))
}

/// What the names of profiles begin with.
const REGIONS: [&str; 9] = ["us.", "us-gov.", "eu.", "apac.", "au.", "jp.", "ca.", "sa.", "global."];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_both_ways() {
        let read = |path: &str| target(path).map(|t| (t.model, t.stream));
        let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        for model in ["anthropic.claude-3-5-sonnet-20240620-v1:0", "us.amazon.nova-lite-v1:0", arn, "a b%", "../x"] {
            assert_eq!(read(&path(model, true)), Some((model.to_owned(), true)));
            assert_eq!(read(&format!("/{}", path(model, false))), Some((model.to_owned(), false)));
        }
        assert_eq!(path("amazon.nova-lite-v1:0", false), "model/amazon.nova-lite-v1%3A0/converse");
        assert_eq!(
            path(arn, true),
            "model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream"
        );
        assert_eq!(
            count_path("us.anthropic.claude-haiku-4-5-20251001-v1:0"),
            "model/anthropic.claude-haiku-4-5-20251001-v1%3A0/count-tokens"
        );
        assert_eq!(read(&format!("/model/{arn}/converse")), Some((arn.to_owned(), false)));
        assert_eq!(read("/model/m/invoke"), None);
        assert_eq!(read("/model//converse"), None);
    }
}
