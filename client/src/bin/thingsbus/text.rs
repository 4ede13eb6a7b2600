//! Text on a terminal: what may be shown, how wide it is, and cutting it to fit.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands where something was cut off.
const CUT: char = '…';

/// `text` without what could move the cursor or turn the line around: such characters become `\u009b`, as JSON
/// writes them too.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_dangerous(character) {
            safe.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Control characters, and those that change the direction of writing.
fn is_dangerous(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// How many columns it takes.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// `text`, or as much of it as fits into `columns` with an ellipsis after it.
pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    // A byte takes at most one column: short texts need no counting.
    if text.len() <= columns || width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(mut left) = columns.checked_sub(1) else { return Cow::Borrowed("") };
    let mut end = 0;
    for (at, character) in text.char_indices() {
        let wide = character.width().unwrap_or(0);
        if wide > left {
            break;
        }
        left -= wide;
        end = at + character.len_utf8();
    }
    let mut kept = text.get(..end).unwrap_or_default().to_owned();
    kept.push(CUT);
    Cow::Owned(kept)
}

/// How many columns are left in the last line where `used` are taken already. What is wider than a line goes on in the
/// next one.
pub(crate) fn columns_left(columns: usize, used: usize) -> usize {
    if used < columns { columns - used } else { columns - used.checked_rem(columns).unwrap_or(columns) }
}

/// `text` in lines of at most `columns`, broken between words.
pub(crate) fn wrapped(text: &str, columns: usize) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut used = 0;
    for word in text.split(' ') {
        let wide = width(word);
        if used > 0 && used + 1 + wide > columns {
            out.push('\n');
            used = 0;
        } else if !out.is_empty() {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += wide;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_by_columns() {
        let check = |text: &str, columns, wanted: &str| {
            let cut = cut(text, columns);
            assert_eq!(cut, wanted);
            assert!(width(&cut) <= columns);
        };
        check("hello", 5, "hello");
        check("hello", 4, "hel…");
        check("hello", 1, "…");
        check("hello", 0, "");
        check("", 0, "");
        check("größe", 5, "größe");
        check("größe!", 5, "größ…");
        check("温度計", 6, "温度計");
        check("温度計", 5, "温度…");
        check("温度計", 4, "温…");
        check("e\u{301}e\u{301}e\u{301}", 3, "e\u{301}e\u{301}e\u{301}");
        check("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…");
    }

    #[test]
    fn lines_break_between_words() {
        let check = |columns, wanted: &str| assert_eq!(wrapped("no thing shop.temp here", columns), wanted);
        check(usize::MAX, "no thing shop.temp here");
        check(23, "no thing shop.temp here");
        check(22, "no thing shop.temp\nhere");
        check(10, "no thing\nshop.temp\nhere");
        check(1, "no\nthing\nshop.temp\nhere");
        assert_eq!(wrapped("", 5), "");
    }

    #[test]
    fn what_is_wider_than_a_line_goes_on_in_the_next() {
        let check = |columns, used, wanted| assert_eq!(columns_left(columns, used), wanted);
        check(40, 0, 40);
        check(40, 39, 1);
        check(40, 61, 19);
        check(40, 80, 40);
        check(0, 5, 0);
        check(usize::MAX, 5, usize::MAX - 5);
    }

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(shown("a\u{9b}2Jb\u{7f}\u{202e}c"), "a\\u009b2Jb\\u007f\\u202ec");
        assert_eq!(shown("\u{1b}[31m\n"), "\\u001b[31m\\u000a");
        assert!(matches!(shown("größe 温度"), Cow::Borrowed(_)));
    }
}
