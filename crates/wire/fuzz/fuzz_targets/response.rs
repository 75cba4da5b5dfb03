//! The first byte picks the provider's dialect. Whatever it answers, every caller gets JSON.
#![no_main]

use hypercare_wire::chat::summarise_response;
use hypercare_wire::count;
use hypercare_wire::passage::summary_of;
use hypercare_wire_fuzz::{DIALECTS, dialect, must_be_json, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(([first], body)) = split(data) else { return };
    let provider = dialect(first);
    let _ = summarise_response(body);
    let _ = count::read(provider, body);
    let Ok(response) = provider.read_response(body) else { return };
    let _ = summary_of(&response);
    for caller in DIALECTS {
        let written = caller.write_response(&response, 1);
        must_be_json("answer", &written);
        assert!(caller.read_response(&written).is_ok(), "{caller:?} reads its own: {}", String::from_utf8_lossy(&written));
    }
});
