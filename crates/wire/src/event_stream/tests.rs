//! Amazon's published messages, right and wrong: those of its library for Rust (`aws-smithy-eventstream`) and for C (`aws-c-event-stream`).

use super::*;
use proptest::prelude::*;

fn decode(chunks: &[&[u8]]) -> Result<Vec<(Bytes, Message)>, Broken> {
    let mut decoder = Decoder::new();
    let mut messages = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(message) = decoder.next_message()? {
            messages.push(message);
        }
    }
    Ok(messages)
}

fn header(name: &str, value: Value) -> Header {
    Header { name: name.to_owned(), value }
}

/// All types of headers, as Amazon's vector has them.
fn all_types() -> Message {
    let headers = vec![
        header("true", Value::Bool(true)),
        header("false", Value::Bool(false)),
        header("byte", Value::Byte(50)),
        header("short", Value::Int16(20_000)),
        header("int", Value::Int32(500_000)),
        header("long", Value::Int64(50_000_000_000)),
        header("bytes", Value::Bytes(Bytes::from_static(b"some bytes"))),
        header("str", Value::Text("some str".to_owned())),
        header("time", Value::Timestamp(5_000_000_000)),
        header("uuid", Value::Uuid(0xb79b_c914_de21_4e13_b8b2_bc47_e85b_7f0b)),
    ];
    Message { headers, payload: Bytes::from_static(b"some payload") }
}

#[test]
fn amazons_valid_messages_are_read_and_written_byte_for_byte() {
    let vectors: [(&[u8], Message); 4] = [
        (include_bytes!("../../tests/event_stream/valid_with_all_headers_and_payload"), all_types()),
        (
            include_bytes!("../../tests/event_stream/valid_empty_payload"),
            Message { headers: vec![header("some-header", Value::Int16(500))], payload: Bytes::new() },
        ),
        (
            include_bytes!("../../tests/event_stream/valid_no_headers"),
            Message { headers: Vec::new(), payload: Bytes::from_static(b"another test payload") },
        ),
        (
            b"\x00\x00\x00\x3D\x00\x00\x00\x20\x07\xFD\x83\x96\x0Ccontent-type\x07\x00\x10application/json{'foo':'bar'}\x8D\x9C\x08\xB1",
            Message {
                headers: vec![header("content-type", Value::Text("application/json".to_owned()))],
                payload: Bytes::from_static(b"{'foo':'bar'}"),
            },
        ),
    ];
    for (bytes, message) in vectors {
        let read = decode(&[bytes]).expect("valid");
        assert_eq!(read, [(Bytes::copy_from_slice(bytes), message.clone())]);
        assert_eq!(message.encode().as_deref(), Some(bytes));
    }
}

#[test]
fn amazons_invalid_messages_are_refused() {
    let vectors: [(&[u8], Broken); 3] = [
        (include_bytes!("../../tests/event_stream/invalid_prelude_checksum"), Broken::PreludeChecksum),
        (include_bytes!("../../tests/event_stream/invalid_message_checksum"), Broken::Checksum),
        (include_bytes!("../../tests/event_stream/invalid_headers_length"), Broken::Lengths),
    ];
    for (i, (bytes, why)) in vectors.into_iter().enumerate() {
        assert_eq!(decode(&[bytes]), Err(why), "vector {i}");
    }
}

#[test]
fn amazons_invalid_headers_are_refused_even_with_a_right_checksum() {
    let vectors: [&[u8]; 5] = [
        include_bytes!("../../tests/event_stream/invalid_header_name_length"),
        include_bytes!("../../tests/event_stream/invalid_header_name_length_too_long"),
        include_bytes!("../../tests/event_stream/invalid_header_string_length_cut_off"),
        include_bytes!("../../tests/event_stream/invalid_header_string_value_length"),
        include_bytes!("../../tests/event_stream/invalid_header_value_type"),
    ];
    for (i, bytes) in vectors.into_iter().enumerate() {
        assert!(decode(&[bytes]).is_err(), "vector {i}");
        let total = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        let mut sealed = bytes[..total - 4].to_vec();
        sealed.put_u32(crc32fast::hash(&sealed));
        assert_eq!(decode(&[&sealed]), Err(Broken::Header), "vector {i}");
    }
}

#[test]
fn a_message_without_end_is_refused_before_it_is_waited_for() {
    let mut prelude = Vec::new();
    prelude.put_u32(u32::try_from(MAX_EVENT + 1).expect("small"));
    prelude.put_u32(0);
    prelude.put_u32(crc32fast::hash(&prelude));
    assert_eq!(decode(&[&prelude]), Err(Broken::TooLarge));
}

#[test]
fn the_type_of_a_message_and_its_payload_are_one_object() {
    let data = |message: Message| String::from_utf8(message.as_data().to_vec()).expect("UTF-8");
    assert_eq!(data(Message::event("messageStart", r#"{"role":"assistant"}"#)), r#"{"messageStart":{"role":"assistant"}}"#);
    assert_eq!(data(Message::event("a\"b", "")), r#"{"a\"b":{}}"#);
    assert_eq!(data(Message::exception("throttlingException", r#"{"message":"slow"}"#)), r#"{"throttlingException":{"message":"slow"}}"#);
    let text = |name: &str, value: &str| header(name, Value::Text(value.to_owned()));
    let headers = vec![text(":message-type", "error"), text(":error-code", "InternalError"), text(":error-message", "An \"error\"")];
    assert_eq!(data(Message { headers, payload: Bytes::new() }), r#"{"error":{"code":"InternalError","message":"An \"error\""}}"#);
    assert_eq!(data(all_types()), "");
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i8>().prop_map(Value::Byte),
        any::<i16>().prop_map(Value::Int16),
        any::<i32>().prop_map(Value::Int32),
        any::<i64>().prop_map(Value::Int64),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| Value::Bytes(bytes.into())),
        ".{0,9}".prop_map(Value::Text),
        any::<i64>().prop_map(Value::Timestamp),
        any::<u128>().prop_map(Value::Uuid),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let header = ("[:a-zé]{1,9}", value()).prop_map(|(name, value)| Header { name, value });
    (prop::collection::vec(header, 0..5), prop::collection::vec(any::<u8>(), 0..60))
        .prop_map(|(headers, payload)| Message { headers, payload: payload.into() })
}

proptest! {
    #[test]
    fn any_chopping_gives_the_same_messages(
        messages in prop::collection::vec(message(), 0..5),
        cuts in prop::collection::vec(0..400_usize, 0..20),
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(|m| m.encode().expect("short")).collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
        cuts.sort_unstable();
        cuts.push(bytes.len());
        let (mut chunks, mut last) = (Vec::new(), 0);
        for cut in cuts {
            chunks.push(&bytes[last..cut]);
            last = cut;
        }
        let (raw, read): (Vec<Bytes>, Vec<Message>) = decode(&chunks).expect("valid").into_iter().unzip();
        prop_assert_eq!(read, messages);
        prop_assert_eq!(raw.concat(), bytes, "nothing is lost or changed");
    }

    #[test]
    fn garbage_is_refused_and_a_changed_byte_is_noticed(
        garbage in prop::collection::vec(any::<u8>(), 0..200),
        message in message(),
        at in any::<prop::sample::Index>(),
        change in 1..=255_u8,
    ) {
        // Bytes with right checksums are no garbage, and nobody finds them by chance.
        prop_assert!(decode(&[&garbage]).is_ok_and(|read| read.is_empty()) || garbage.len() >= PRELUDE);
        let mut bytes = message.encode().expect("short");
        bytes[at.index(message.encode().expect("short").len())] ^= change;
        prop_assert!(decode(&[&bytes]).is_err());
    }

    #[test]
    fn garbage_among_the_headers_never_panics(head in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut bytes = Vec::new();
        bytes.put_u32(u32::try_from(LEAST + head.len()).expect("short"));
        bytes.put_u32(u32::try_from(head.len()).expect("short"));
        bytes.put_u32(crc32fast::hash(&bytes));
        bytes.extend(&head);
        bytes.put_u32(crc32fast::hash(&bytes));
        let read = decode(&[&bytes]);
        prop_assert!(matches!(read, Ok(_) | Err(Broken::Header)));
    }
}
