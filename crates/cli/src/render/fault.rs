//! Faults drawn into the text they are in, with code, place, and advice.
//! Not here: finding them (see `model`).

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use model::Fault;

use crate::{client::answer::SentFault, error::SourceText, render::table::tame, shell::Look};

/// The most faults that are drawn one by one.
const MOST: usize = 20;

/// A fault, wherever it was found: on this machine or by a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawable {
    /// The stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// File, line and column, both counted from 1.
    pub place: Option<(String, u32, u32)>,
    /// The bytes of the file it concerns.
    pub span: Option<Range<usize>>,
    /// What to do about it.
    pub help: Option<String>,
}

impl From<Fault> for Drawable {
    fn from(fault: Fault) -> Self {
        let place = fault.place.map(|place| (place.file.to_string(), place.line, place.column));
        Self {
            code: fault.code.0.to_owned(),
            message: fault.message,
            place,
            span: fault.span,
            help: fault.help,
        }
    }
}

impl From<SentFault> for Drawable {
    fn from(fault: SentFault) -> Self {
        let place = fault.file.map(|file| (file, fault.line.unwrap_or(1), fault.column.unwrap_or(1)));
        Self { code: fault.code, message: fault.message, place, span: None, help: fault.help }
    }
}

/// Returns the faults drawn, each with `file:line:column`, code, snippet and advice.
pub fn faults(faults: &[Drawable], sources: &[SourceText], look: Look) -> String {
    let mut text = String::new();
    for fault in faults.iter().take(MOST) {
        text.push_str(&one(fault, sources, look));
        text.push_str("\n\n");
    }
    let rest = faults.len().saturating_sub(MOST);
    if rest > 0 {
        text.push_str(&format!("… and {rest} more\n"));
    }
    text
}

fn one(fault: &Drawable, sources: &[SourceText], look: Look) -> String {
    let renderer =
        if look.colour { Renderer::styled() } else { Renderer::plain() }.term_width(look.width.max(60));
    let title = tame(&fault.message);
    let title = Level::ERROR.primary_title(title.as_str()).id(fault.code.as_str());
    let source =
        fault.place.as_ref().and_then(|(file, ..)| sources.iter().find(|source| source.file == *file));
    let span = source.zip(fault.place.as_ref()).and_then(|(source, (_, line, column))| {
        fault
            .span
            .clone()
            .and_then(|span| fitting(&source.text, span))
            .or_else(|| at(&source.text, *line, *column))
    });
    let help = fault.help.as_deref().map(tame);
    let mut group = match (&fault.place, source, span) {
        (Some((file, ..)), Some(source), Some(span)) => {
            let snippet = Snippet::source(source.text.as_str()).path(file.as_str()).fold(true);
            title.element(snippet.annotation(AnnotationKind::Primary.span(span)))
        }
        (Some((file, line, column)), _, _) => {
            let line = usize::try_from(*line).unwrap_or_default();
            let column = usize::try_from(*column).unwrap_or_default();
            title.element(Origin::path(file.as_str()).line(line).char_column(column))
        }
        _ => Group::with_title(title),
    };
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// Returns the span if it lies within the text on borders of characters, cut at the end of its first line.
fn fitting(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let marked = text.get(span.clone())?;
    let first = marked.split('\n').next().unwrap_or_default().trim_end();
    let end = span.start.checked_add(first.len().max(1))?;
    text.get(span.start..end).map(|_| span.start..end)
}

/// Returns the span of the rest of the word at line and column, both counted from 1.
fn at(text: &str, line: u32, column: u32) -> Option<Range<usize>> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let begin: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let content = text.get(begin..)?.split('\n').next()?;
    let offset = content.char_indices().nth(column).map_or(content.len(), |(offset, _)| offset);
    let rest = content.get(offset..)?;
    let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let start = begin.checked_add(offset)?;
    Some(start..start.checked_add(length)?)
}
