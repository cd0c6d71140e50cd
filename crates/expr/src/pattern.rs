//! Regular expressions as Go's `regexp/syntax` reads them, written in the words of the `regex` crate: classes of
//! Perl (`\d`) are of ASCII, a brace that repeats nothing is a brace, a class knows no operations on sets, `\Q…\E`.
//! What Go refuses is refused in its words. Matching itself is the same in both: linear, leftmost first.
//! Not here: `\C` (a single byte), which can't be matched in text; `(?U)` between an atom and its repetition.

use std::{fmt::Write as _, iter::Peekable, str::CharIndices};

use regex::{Regex, RegexBuilder};

use crate::{MAX_REGEX_BYTES, error::shortened};

/// Go's limit for the counts of a repetition.
const MAX_REPEAT: u32 = 1000;
const POSIX: &[&str] = &[
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// Compiles a pattern of limited size.
///
/// # Errors
/// Go's words.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let failed = |reason: &str| format!("error parsing regexp: {}", shortened(reason));
    let translated = translate(pattern).map_err(|reason| failed(&reason))?;
    RegexBuilder::new(&translated).size_limit(MAX_REGEX_BYTES).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => failed(&format!("expression too large: `{pattern}`")),
        // the place in the translation would mislead
        other => failed(&format!(
            "{}: `{pattern}`",
            other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ")
        )),
    })
}

fn translate(pattern: &str) -> Result<String, String> {
    let chars = pattern.char_indices().peekable();
    let mut reader =
        Reader { pattern, chars, out: String::with_capacity(pattern.len()), flags: String::new() };
    reader.read()?;
    Ok(reader.out)
}

/// What stands before the place that is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing that could be repeated.
    Nothing,
    Atom,
    /// A repetition that begins at this byte.
    Repetition(usize),
}

struct Reader<'a> {
    pattern: &'a str,
    chars: Peekable<CharIndices<'a>>,
    out: String,
    /// Flags that are set for what follows; they are written when it is known to be no repetition of what precedes.
    flags: String,
}

impl<'a> Reader<'a> {
    fn at(&mut self) -> usize {
        self.chars.peek().map_or(self.pattern.len(), |(at, _)| *at)
    }

    fn rest(&mut self) -> &'a str {
        let at = self.at();
        self.pattern.get(at..).unwrap_or_default()
    }

    fn since(&mut self, start: usize) -> &'a str {
        let at = self.at();
        self.pattern.get(start..at).unwrap_or_default()
    }

    fn skip(&mut self, bytes: usize) {
        let end = self.at().saturating_add(bytes);
        while self.chars.next_if(|(at, _)| *at < end).is_some() {}
    }

    /// Writes a character that means itself, within a class or not.
    fn literal(&mut self, one: char) {
        if one.is_ascii() && !one.is_ascii_alphanumeric() {
            let _ = write!(self.out, "\\x{:02x}", u32::from(one));
        } else {
            self.out.push(one);
        }
    }

    fn read(&mut self) -> Result<(), String> {
        let mut before = Before::Nothing;
        let mut open = 0_usize;
        while let Some((at, one)) = self.chars.next() {
            let repeats = matches!(one, '*' | '+' | '?')
                || one == '{' && repeat(self.pattern.get(at..).unwrap_or_default()).is_some();
            if !repeats {
                self.out.push_str(&std::mem::take(&mut self.flags));
            }
            before = match one {
                '\\' => self.escape(at)?,
                '[' => {
                    self.class(at)?;
                    Before::Atom
                }
                '(' => {
                    if self.group(at)? {
                        open = open.saturating_add(1);
                        Before::Nothing
                    } else if before == Before::Nothing {
                        before
                    } else {
                        Before::Atom
                    }
                }
                ')' => {
                    self.out.push(')');
                    open = open.checked_sub(1).ok_or_else(|| format!("unexpected ): `{}`", self.pattern))?;
                    Before::Atom
                }
                '|' => {
                    self.out.push('|');
                    Before::Nothing
                }
                '*' | '+' | '?' => {
                    self.out.push(one);
                    self.repetition(at, before)?
                }
                '{' => match repeat(self.pattern.get(at..).unwrap_or_default()) {
                    Some((text, least, most)) => {
                        if least > MAX_REPEAT || most.is_some_and(|most| most > MAX_REPEAT || most < least) {
                            return Err(format!("invalid repeat count: `{text}`"));
                        }
                        self.out.push_str(text);
                        self.skip(text.len().saturating_sub(1));
                        self.repetition(at, before)?
                    }
                    None => {
                        self.literal('{');
                        Before::Atom
                    }
                },
                '.' | '^' | '$' => {
                    self.out.push(one);
                    Before::Atom
                }
                _ => {
                    self.literal(one);
                    Before::Atom
                }
            };
        }
        self.out.push_str(&std::mem::take(&mut self.flags));
        if open > 0 {
            return Err(format!("missing closing ): `{}`", self.pattern));
        }
        Ok(())
    }

    /// Reads on behind the operator of a repetition that begins at `start`.
    fn repetition(&mut self, start: usize, before: Before) -> Result<Before, String> {
        if self.chars.next_if(|(_, one)| *one == '?').is_some() {
            self.out.push('?');
        }
        match before {
            Before::Nothing => {
                Err(format!("missing argument to repetition operator: `{}`", self.since(start)))
            }
            Before::Repetition(first) => {
                Err(format!("invalid nested repetition operator: `{}`", self.since(first)))
            }
            Before::Atom => Ok(Before::Repetition(start)),
        }
    }

    /// Reads what opens a group or sets flags, from behind its parenthesis, and tells whether it opens one.
    fn group(&mut self, start: usize) -> Result<bool, String> {
        let rest = self.rest();
        let Some(flags) = rest.strip_prefix('?') else {
            self.out.push('(');
            return Ok(true);
        };
        if flags.starts_with("P<") || flags.starts_with('<') {
            let end = flags.find('>').map(|end| end.saturating_add(1));
            let name = end.and_then(|end| flags.get(..end)).unwrap_or(flags);
            let word = name.trim_start_matches('P').trim_start_matches('<').trim_end_matches('>');
            let is_word = |one: char| one.is_ascii_alphanumeric() || one == '_';
            if end.is_none() || word.is_empty() || !word.chars().all(is_word) {
                return Err(format!("invalid named capture: `(?{name}`"));
            }
            // a name of digits is none here; its group has its number
            if word.starts_with(|one: char| one.is_ascii_digit()) {
                self.out.push('(');
            } else {
                let _ = write!(self.out, "(?{name}");
            }
            self.skip(name.len().saturating_add(1));
            return Ok(true);
        }
        let end = flags.find([':', ')']).unwrap_or(flags.len());
        let letters = flags.get(..end).unwrap_or_default();
        let wrong =
            letters.find(|one| !"imsU-".contains(one)).or_else(|| (end == flags.len()).then_some(end));
        if let Some(wrong) = wrong {
            let end = start.saturating_add(2).saturating_add(wrong);
            let next = self.pattern.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
            let shown = self.pattern.get(start..end.saturating_add(next)).unwrap_or_default();
            return Err(format!("invalid or unsupported Perl syntax: `{shown}`"));
        }
        let opens = flags.get(end..).is_some_and(|rest| rest.starts_with(':'));
        let out = if opens { &mut self.out } else { &mut self.flags };
        let _ = write!(out, "(?{letters}{}", if opens { ':' } else { ')' });
        self.skip(end.saturating_add(2));
        Ok(opens)
    }

    /// Reads an escape outside of a class, from behind its backslash.
    fn escape(&mut self, start: usize) -> Result<Before, String> {
        if self.rest().starts_with('Q') {
            self.skip(1);
            let rest = self.rest();
            let (quoted, length) = match rest.split_once("\\E") {
                Some((quoted, _)) => (quoted, quoted.len().saturating_add(2)),
                None => (rest, rest.len()),
            };
            quoted.chars().for_each(|one| self.literal(one));
            self.skip(length);
            return Ok(if quoted.is_empty() { Before::Nothing } else { Before::Atom });
        }
        match self.chars.peek().map(|(_, one)| *one) {
            Some('b') => self.out.push_str("(?-u:\\b)"),
            Some('B') => self.out.push_str("(?-u:\\B)"),
            Some('A') => self.out.push_str("\\A"),
            Some('z') => self.out.push_str("\\z"),
            _ if self.perl_class() || self.unicode_class()? => return Ok(Before::Atom),
            _ => {
                let one = self.escaped(start)?;
                self.literal(one);
                return Ok(Before::Atom);
            }
        }
        self.skip(1);
        Ok(Before::Atom)
    }

    /// Reads `d`, `s`, `w` or their opposites.
    fn perl_class(&mut self) -> bool {
        self.out.push_str(match self.chars.peek().map(|(_, one)| *one) {
            Some('d') => "[0-9]",
            Some('D') => "[^0-9]",
            Some('s') => "[\\t\\n\\f\\r ]",
            Some('S') => "[^\\t\\n\\f\\r ]",
            Some('w') => "[0-9A-Za-z_]",
            Some('W') => "[^0-9A-Za-z_]",
            _ => return false,
        });
        self.skip(1);
        true
    }

    /// Reads `pN`, `p{Greek}`, `p{^Greek}` or their opposites.
    fn unicode_class(&mut self) -> Result<bool, String> {
        let rest = self.rest();
        let Some(name) = rest.strip_prefix(['p', 'P']) else { return Ok(false) };
        let length = match name.chars().next() {
            Some('{') => name.find('}').map(|end| end.saturating_add(1)),
            Some(one) => Some(one.len_utf8()),
            None => None,
        };
        let class = length.and_then(|length| rest.get(..length.saturating_add(1))).unwrap_or(rest);
        let (opposite, name) = match class.split_once('^') {
            Some((_, name)) => (true, name),
            None => (false, class.get(1..).unwrap_or_default()),
        };
        let name = name.trim_start_matches('{').trim_end_matches('}');
        let letter = if class.starts_with('P') == opposite { 'p' } else { 'P' };
        let class_here = format!("\\{letter}{{{name}}}");
        let is_name = name.chars().all(|one| one.is_ascii_alphabetic() || one == '_');
        if !is_name || Regex::new(&class_here).is_err() {
            return Err(format!("invalid character class range: `\\{class}`"));
        }
        self.out.push_str(&class_here);
        self.skip(class.len());
        Ok(true)
    }

    /// Reads an escaped character, from behind its backslash.
    fn escaped(&mut self, start: usize) -> Result<char, String> {
        let Some((_, one)) = self.chars.next() else {
            return Err("trailing backslash at end of expression: ``".to_owned());
        };
        let found = match one {
            '0'..='7' => self.octal(one),
            'x' => self.hexadecimal(),
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            _ if one.is_ascii_punctuation() || one.is_ascii() && !one.is_ascii_alphanumeric() => Some(one),
            _ => None,
        };
        found.ok_or_else(|| format!("invalid escape sequence: `{}`", self.since(start)))
    }

    /// Reads up to three octal digits; one that isn't 0 and stands alone would be a reference back.
    fn octal(&mut self, first: char) -> Option<char> {
        let is_octal = |(_, one): &(usize, char)| matches!(one, '0'..='7');
        let mut code = first.to_digit(8)?;
        if first != '0' && !self.chars.peek().is_some_and(is_octal) {
            return None;
        }
        for _ in 0..2 {
            let Some((_, digit)) = self.chars.next_if(is_octal) else { break };
            code = code.saturating_mul(8).saturating_add(digit.to_digit(8)?);
        }
        char::from_u32(code)
    }

    fn hexadecimal(&mut self) -> Option<char> {
        let braced = self.chars.next_if(|(_, one)| *one == '{').is_some();
        let mut code = 0_u32;
        let mut digits = 0_usize;
        loop {
            if !braced && digits == 2 {
                return char::from_u32(code);
            }
            let (_, one) = self.chars.next()?;
            if braced && one == '}' {
                return if digits == 0 { None } else { char::from_u32(code) };
            }
            code = code.checked_mul(16)?.checked_add(one.to_digit(16)?)?;
            digits = digits.saturating_add(1);
        }
    }

    /// Reads a class, from behind its bracket.
    fn class(&mut self, start: usize) -> Result<(), String> {
        self.out.push('[');
        if self.chars.next_if(|(_, one)| *one == '^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let rest = self.rest();
            match rest.chars().next() {
                None => {
                    return Err(format!(
                        "missing closing ]: `{}`",
                        self.pattern.get(start..).unwrap_or_default()
                    ));
                }
                Some(']') if !first => {
                    self.skip(1);
                    self.out.push(']');
                    return Ok(());
                }
                Some(_) => {}
            }
            first = false;
            if self.posix_class(rest)? {
                continue;
            }
            let item = self.at();
            if rest.starts_with('\\') {
                self.skip(1);
                if self.perl_class() || self.unicode_class()? {
                    continue;
                }
            }
            let low = self.class_char(item)?;
            let mut following = self.rest().chars();
            let is_range = following.next() == Some('-') && following.next().is_some_and(|one| one != ']');
            self.literal(low);
            if is_range {
                self.skip(1);
                let end = self.at();
                if self.rest().starts_with('\\') {
                    self.skip(1);
                }
                let high = self.class_char(end)?;
                if high < low {
                    return Err(format!("invalid character class range: `{}`", self.since(item)));
                }
                self.out.push('-');
                self.literal(high);
            }
        }
    }

    /// Reads a character of a class that began at `start`, from behind its backslash if it has one.
    fn class_char(&mut self, start: usize) -> Result<char, String> {
        if self.at() > start {
            return self.escaped(start);
        }
        self.chars.next().map(|(_, one)| one).ok_or_else(|| "missing closing ]".to_owned())
    }

    fn posix_class(&mut self, rest: &str) -> Result<bool, String> {
        let Some(end) = rest.strip_prefix("[:").and_then(|name| name.find(":]")) else { return Ok(false) };
        let shown = rest.get(..end.saturating_add(4)).unwrap_or_default();
        let name = shown.trim_start_matches("[:").trim_end_matches(":]").trim_start_matches('^');
        if !POSIX.contains(&name) {
            return Err(format!("invalid character class range: `{shown}`"));
        }
        self.out.push_str(shown);
        self.skip(shown.len());
        Ok(true)
    }
}

/// Returns the text of a repetition `{n}`, `{n,}` or `{n,m}` at the beginning of `text`, and its counts.
fn repeat(text: &str) -> Option<(&str, u32, Option<u32>)> {
    let end = text.find('}')?;
    let counts = text.get(1..end)?;
    let (least, most) = match counts.split_once(',') {
        Some((least, most)) => (least, Some(most)),
        None => (counts, None),
    };
    let number = |text: &str| {
        let fits = !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text.len() == 1 || !text.starts_with('0'));
        // what is too large is over the limit, too
        fits.then(|| text.parse().unwrap_or(u32::MAX))
    };
    let least = number(least)?;
    let most = match most {
        None => Some(least),
        Some("") => None,
        Some(most) => Some(number(most)?),
    };
    Some((text.get(..=end)?, least, most))
}
