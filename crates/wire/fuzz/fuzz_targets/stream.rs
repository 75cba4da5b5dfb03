//! The first bytes pick the provider's and the caller's dialect and where the bytes are cut. In the same dialect every byte passes unchanged.
#![no_main]

use hypercare_wire::chat::Seen;
use hypercare_wire::dialect::Dialect;
use hypercare_wire::form::ErrorKind;
use hypercare_wire::passage::Passage;
use hypercare_wire::sse::Decoder;
use hypercare_wire_fuzz::{dialect, pieces, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(([provider, caller, step], bytes)) = split(data) else { return };
    let (provider, caller) = (dialect(provider), dialect(caller));
    let whole = pass(provider, caller, &[bytes]);
    assert_eq!(pass(provider, caller, &pieces(bytes, step)), whole, "cut elsewhere, it is another stream");
});

/// What the caller gets, and whether the model came to its end.
fn pass(provider: Dialect, caller: Dialect, pieces: &[&[u8]]) -> (Vec<u8>, bool) {
    let (mut passage, mut decoder) = (Passage::new(provider, caller, 1, true), Decoder::new());
    let (mut out, mut failed) = (Vec::new(), false);
    'bytes: for piece in pieces {
        decoder.push(piece);
        while let Ok(Some(event)) = decoder.next_event() {
            let raw = event.raw.clone();
            let passed = passage.event(event);
            if provider == caller && passed.seen != Seen::Error {
                assert_eq!(passed.bytes, raw, "in the same dialect bytes pass");
            }
            out.extend(passed.bytes);
            if passed.seen == Seen::Error {
                failed = true;
                break 'bytes;
            }
        }
    }
    match passage.end().filter(|_| !failed) {
        Some(last) => out.extend(last),
        None => out.extend(passage.error(ErrorKind::Api, "cut short", "cut")),
    }
    let done = passage.is_done();
    let _ = passage.into_summary();
    (out, done)
}
