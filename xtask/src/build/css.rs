//! One style sheet from many: tokens first, the others in the order of their names, comments and idle white space dropped.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// All of `style/`, as one text. `@import` lines serve editors and are dropped: the order here is the order.
pub fn bundle(folder: &Path) -> Result<String> {
    let mut files = crate::build::site::files_below(folder)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "css"));
    files.sort_by_key(|file| (file.file_name() != Some("tokens.css".as_ref()), file.clone()));
    let mut sheet = String::new();
    for file in files {
        sheet.push_str(&minify(&without_imports(&read(&file)?)));
        sheet.push('\n');
    }
    Ok(sheet)
}

fn read(file: &PathBuf) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn without_imports(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("@import"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Drops comments and the white space that never means anything: around braces and semicolons, and all but one space elsewhere. Strings stay
/// as they are. Deliberately no more: a space next to `+`, `:` or `(` can have a meaning, and compression takes care of the rest.
fn minify(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut space = false;
    while let Some(char) = rest.next() {
        if char == '/' && rest.peek() == Some(&'*') {
            skip_comment(&mut rest);
            space = true;
        } else if char.is_whitespace() {
            space = true;
        } else {
            if space && !matches!(char, '{' | '}' | ';') && !out.ends_with(['{', '}', ';']) && !out.is_empty() {
                out.push(' ');
            }
            space = false;
            out.push(char);
            if matches!(char, '"' | '\'') {
                copy_string(char, &mut rest, &mut out);
            }
        }
    }
    out
}

fn skip_comment(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    let mut previous = ' ';
    rest.next();
    for char in rest.by_ref() {
        if previous == '*' && char == '/' {
            return;
        }
        previous = char;
    }
}

fn copy_string(quote: char, rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    let mut escaped = false;
    for char in rest.by_ref() {
        out.push(char);
        if char == quote && !escaped {
            return;
        }
        escaped = char == '\\' && !escaped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_what_never_means_anything() {
        let text = "/* head */\n:root {\n  --gap: 4px;   --font: \"A  B\", serif;\n}\n\n.a  > .b :hover { color: red; }\n";
        assert_eq!(minify(text), ":root{--gap: 4px;--font: \"A  B\", serif;}.a > .b :hover{color: red;}");
    }

    #[test]
    fn keeps_strings_that_look_like_comments_or_ends() {
        assert_eq!(minify(r#"a::before { content: "/* \" }  */" }"#), r#"a::before{content: "/* \" }  */"}"#);
        assert_eq!(minify("a { width: calc(1px  +  2px) }"), "a{width: calc(1px + 2px)}");
    }

    #[test]
    fn drops_imports() {
        assert_eq!(without_imports("@import \"tokens.css\";\na { }"), "a { }");
    }
}
