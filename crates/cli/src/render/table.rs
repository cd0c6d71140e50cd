//! A table of text with aligned columns, two spaces apart, as `kubectl` and `argo` print.
//! Not here: borders, wrapping, colours across columns.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

/// Returns the rows under the headings, each column as wide as its widest cell; no trailing spaces.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let headings = headings.map(str::to_owned).to_vec();
    let rows = rows.iter().map(|row| row.to_vec());
    aligned(&std::iter::once(headings).chain(rows).collect::<Vec<_>>())
}

/// Returns rows, each column as wide as its widest cell; no trailing spaces.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let mut text = String::new();
    for row in rows {
        line(&mut text, &widths, row.iter().map(String::as_str));
    }
    text
}

fn line<'a>(text: &mut String, widths: &[usize], cells: impl Iterator<Item = &'a str>) {
    let begin = text.len();
    for (cell, widest) in cells.zip(widths) {
        let gap = widest.saturating_sub(width(cell)).saturating_add(2);
        let _ = write!(text, "{cell}{:gap$}", "");
    }
    let kept = text.trim_end().len().max(begin);
    text.truncate(kept);
    text.push('\n');
}

/// Returns the columns a text takes on a terminal, escape sequences not counted.
pub fn width(text: &str) -> usize {
    pieces(text).map(|(_, columns)| columns).sum()
}

/// Returns each character of a text with the columns it takes; those of an escape sequence take none.
fn pieces(text: &str) -> impl Iterator<Item = (char, usize)> {
    let mut escaped = false;
    text.chars().map(move |character| {
        let columns = if escaped || character == '\u{1b}' { 0 } else { character.width().unwrap_or(0) };
        escaped = (escaped && character != 'm') || character == '\u{1b}';
        (character, columns)
    })
}

/// Returns `text` without control characters, so that nothing a workflow says can steer the terminal.
pub fn tame(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' => ' ',
            character if character.is_control() || is_direction(character) => '\u{fffd}',
            character => character,
        })
        .collect()
}

/// Whether the character changes the direction of what follows (CVE-2021-42574).
const fn is_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns `text` cut to `columns` with an ellipsis; a colour that is cut in two is ended.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut left = columns.saturating_sub(1);
    for (character, columns) in pieces(text) {
        let Some(less) = left.checked_sub(columns) else { break };
        left = less;
        kept.push(character);
    }
    kept.push('…');
    if kept.contains('\u{1b}') {
        kept.push_str("\u{1b}[0m");
    }
    kept
}
