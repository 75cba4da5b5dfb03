//! The first bytes pick the provider's dialect and the status. Whatever it answers, every caller gets an envelope of his own.
#![no_main]

use hypercare_wire::error::read_upstream_error;
use hypercare_wire_fuzz::{DIALECTS, dialect, must_be_json, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(([first, high, low], body)) = split(data) else { return };
    let _ = read_upstream_error(body);
    let failure = dialect(first).read_error(u16::from_be_bytes([high, low]), body);
    assert!(!failure.kind.name().is_empty());
    for caller in DIALECTS {
        must_be_json("error", &caller.write_error(&failure));
    }
});
