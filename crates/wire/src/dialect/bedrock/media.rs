//! Formats of pictures, documents and sound, by Amazon's names.

/// Type, name.
type Formats = [(&'static str, &'static str)];

/// Pictures.
pub(super) const PICTURES: &Formats =
    &[("image/jpeg", "jpeg"), ("image/png", "png"), ("image/gif", "gif"), ("image/webp", "webp"), ("image/jpg", "jpeg")];

/// Documents.
pub(super) const DOCUMENTS: &Formats = &[
    ("application/pdf", "pdf"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
    ("text/html", "html"),
    ("text/csv", "csv"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
];

/// Sound.
pub(super) const SOUNDS: [&str; 15] =
    ["mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm"];

/// The name of a type.
pub(super) fn format_of(formats: &Formats, media_type: &str) -> Option<&'static str> {
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    formats.iter().find(|(kind, _)| kind.eq_ignore_ascii_case(media_type)).map(|(_, name)| *name)
}

/// The type of a name.
pub(super) fn media_type_of(formats: &Formats, name: &str) -> Option<String> {
    formats.iter().find(|(_, format)| *format == name).map(|(kind, _)| (*kind).to_owned())
}
