//! Against Amazon's published test suite of Signature Version 4 (`aws-c-auth`), and its rules for keys.

use super::*;

/// The suite's secret.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// The suite's instant: 2015-08-30T12:36:00Z.
const AT: Instant = Instant(1_440_938_160_000_000);

fn key(session_token: Option<&str>) -> AccessKey {
    AccessKey { id: "AKIDEXAMPLE".to_owned(), secret: SECRET.to_owned(), session_token: session_token.map(str::to_owned) }
}

/// The headers of the suite's empty POST.
fn vanilla(signer: &Signer, at: Instant) -> Vec<(String, String)> {
    let call = Call { host: "example.amazonaws.com", path: "/", body: b"" };
    let headers = signer.sign(call, at).expect("in the calendar");
    assert!(headers.iter().all(|(_, value)| value.is_sensitive()), "nothing of it is shown");
    headers.iter().map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned())).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn post_vanilla() {
    let signer = Signer::of_service(key(None), "us-east-1", "service");
    let expected = [
        pair(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        pair("x-amz-date", "20150830T123600Z"),
    ];
    assert_eq!(vanilla(&signer, AT), expected);
    // With the day's key at hand, with another day's, and with its own again.
    assert_eq!(vanilla(&signer, AT), expected);
    assert_ne!(vanilla(&signer, Instant(AT.0 + Duration::DAY.0))[0], expected[0]);
    assert_eq!(vanilla(&signer, AT), expected);
}

#[test]
fn post_sts_header_before() {
    let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
    let headers = vanilla(&Signer::of_service(key(Some(token)), "us-east-1", "service"), AT);
    let (_, authorization) = &headers[0];
    assert!(
        authorization.ends_with(
            "SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
        ),
        "{authorization}"
    );
    assert_eq!(headers[2], pair("x-amz-security-token", token));
}

#[test]
fn double_encode_path() {
    let call = Call { host: "tj9n5r0m12.execute-api.us-east-1.amazonaws.com", path: "/test/@connections/JBDvjfGEIAMCERw%3D", body: b"" };
    let (canonical, _) = canonical(call, "20210511T154045Z", None);
    assert_eq!(
        canonical,
        "POST\n/test/%40connections/JBDvjfGEIAMCERw%253D\n\nhost:tj9n5r0m12.execute-api.us-east-1.amazonaws.com\nx-amz-date:20210511T154045Z\n\nhost;x-amz-date\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(canonical_path("/model/amazon.nova-lite-v1%3A0/converse"), "/model/amazon.nova-lite-v1%253A0/converse");
}

#[test]
fn the_body_is_signed() {
    // The hash of the suite's form, `post-x-www-form-urlencoded`.
    let (canonical, _) = canonical(Call { host: "h", path: "/", body: b"Param1=value1" }, "20150830T123600Z", None);
    assert!(canonical.ends_with("\n9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"), "{canonical}");
}

#[test]
fn keys_are_read_or_refused_with_a_reason() {
    let parse = Credential::parse;
    assert_eq!(parse(&format!(" AKIDEXAMPLE:{SECRET}\n")), Ok(Credential::AccessKey(key(None))));
    let temporary = AccessKey { id: "ASIAEXAMPLE".to_owned(), ..key(Some("FwoGZXIvYXdz//8=")) };
    assert_eq!(parse(&format!("ASIAEXAMPLE:{SECRET}:FwoGZXIvYXdz//8=")), Ok(Credential::AccessKey(temporary)));
    let bearer = parse("ABSKQmVkcm9ja0FQSUtleS0=").expect("a key");
    let value = bearer.bearer().expect("a header");
    assert_eq!((value.as_bytes(), value.is_sensitive()), (&b"Bearer ABSKQmVkcm9ja0FQSUtleS0="[..], true));
    assert!(matches!(parse("bedrock-api-key-YmVkcm9jaw==&Version=1"), Ok(Credential::Bearer(_))));
    assert_eq!(parse("AKIDEXAMPLE"), Err(BadKey::Form));
    assert_eq!(parse("a:b:c:d"), Err(BadKey::Form));
    assert_eq!(parse(""), Err(BadKey::Form));
    assert_eq!(parse(&format!(":{SECRET}")), Err(BadKey::Id));
    assert_eq!(parse("AKIDEXAMPLE:"), Err(BadKey::Secret));
    assert_eq!(parse("AKIDEXAMPLE:a b"), Err(BadKey::Secret));
    assert_eq!(parse("AKIDEXAMPLE:a:"), Err(BadKey::Token));
    assert_eq!(parse(&format!("ASIAEXAMPLE:{SECRET}")), Err(BadKey::NoToken));
    assert_eq!(parse("ABSK with blanks"), Err(BadKey::Bearer));
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?} {:?}", Credential::AccessKey(key(Some("token"))), Credential::Bearer("ABSKx".to_owned()));
    assert!(shown.contains("AKIDEXAMPLE") && !shown.contains(SECRET) && !shown.contains("token") && !shown.contains("ABSK"), "{shown}");
}

#[test]
fn an_endpoint_tells_its_region() {
    assert_eq!(region_of("https://bedrock-runtime.us-east-1.amazonaws.com"), Some("us-east-1"));
    assert_eq!(region_of("https://bedrock-runtime.eu-central-1.amazonaws.com:443/"), Some("eu-central-1"));
    assert_eq!(region_of("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com"), Some("us-gov-west-1"));
    assert_eq!(region_of("https://vpce-0a-1b.bedrock-runtime.us-west-2.vpce.amazonaws.com"), Some("us-west-2"));
    assert_eq!(region_of("https://bedrock-runtime.amazonaws.com"), None);
    assert_eq!(region_of("https://bedrock-runtime.us-east-1.example.org"), None);
    assert_eq!(region_of("http://bedrock-runtime.us-east-1.amazonaws.com"), None);
    assert!(Signer::new(key(None), "us-east-1").is_some() && Signer::new(key(None), "nowhere/at all").is_none());
}
