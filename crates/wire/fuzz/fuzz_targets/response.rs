//! The first byte picks the provider's dialect. Whatever it answers, every caller gets JSON.
#![no_main]

use hypercare_wire::chat::{ResponseSummary, count_response, summarise_response};
use hypercare_wire::count;
use hypercare_wire::passage::summary_of;
use hypercare_wire_fuzz::{DIALECTS, dialect, must_be_json, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(([first], body)) = split(data) else { return };
    let provider = dialect(first);
    counted_alike(body);
    let _ = count::read(provider, body);
    let Ok(response) = provider.read_response(body) else { return };
    let _ = summary_of(&response);
    for caller in DIALECTS {
        let written = caller.write_response(&response, 1);
        must_be_json("answer", &written);
        assert!(caller.read_response(&written).is_ok(), "{caller:?} reads its own: {}", String::from_utf8_lossy(&written));
    }
});

/// What is only counted says the same as what is read, unless that gives up.
fn counted_alike(body: &[u8]) {
    let (counted, read) = (count_response(body), summarise_response(body));
    if read != ResponseSummary::default() {
        assert_eq!((counted.usage, &counted.finish_reason, &counted.upstream_id), (read.usage, &read.finish_reason, &read.upstream_id));
    }
}
