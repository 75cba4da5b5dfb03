//! Any bytes, cut anywhere, give the same events, and not a byte is changed.
#![no_main]

use hypercare_wire::sse::{Decoder, Event};
use hypercare_wire_fuzz::{pieces, split};
use libfuzzer_sys::fuzz_target;

fn decode(pieces: &[&[u8]]) -> (Vec<Event>, Vec<u8>) {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        while let Ok(Some(event)) = decoder.next_event() {
            events.push(event);
        }
    }
    (events, decoder.rest().to_vec())
}

fuzz_target!(|data: &[u8]| {
    let Some(([step], bytes)) = split(data) else { return };
    let (events, rest) = decode(&[bytes]);
    assert_eq!(decode(&pieces(bytes, step)), (events.clone(), rest.clone()));
    let mut all: Vec<u8> = events.iter().flat_map(|event| event.raw.to_vec()).collect();
    all.extend(rest);
    assert_eq!(all, bytes);
});
