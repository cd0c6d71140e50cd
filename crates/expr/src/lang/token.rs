//! Text to tokens, as expr-lang v1.17 (`parser/lexer`) cuts it: numbers with `_`, both kinds of strings with
//! Go's escapes, raw strings, bytes, comments. Places are counted in characters.
//! Not here: what a sequence of tokens means.

use super::{Fault, MAX_EXPRESSION_BYTES};

/// What a token is; the text goes with it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Identifier,
    Number,
    Text,
    Bytes,
    Operator,
    Bracket,
    End,
}

/// One token and the character it begins at.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) at: usize,
}

impl Token {
    pub(super) fn is(&self, kind: &Kind, text: &str) -> bool {
        self.kind == *kind && self.text == text
    }

    pub(super) fn operator(&self, text: &str) -> bool {
        self.is(&Kind::Operator, text)
    }

    pub(super) fn bracket(&self, text: &str) -> bool {
        self.is(&Kind::Bracket, text)
    }

    /// The token as Go's messages show it.
    pub(super) fn shown(&self) -> String {
        let kind = match self.kind {
            Kind::Identifier => "Identifier",
            Kind::Number => "Number",
            Kind::Text => "String",
            Kind::Bytes => "Bytes",
            Kind::Operator => "Operator",
            Kind::Bracket => "Bracket",
            Kind::End => "EOF",
        };
        if self.text.is_empty() {
            kind.to_owned()
        } else {
            format!("{kind}({})", super::print::quoted(&self.text))
        }
    }
}

/// Returns the tokens of `source`, the last one being the end, and the fault behind them if there is one.
pub(super) fn tokens(source: &str) -> (Vec<Token>, Option<Fault>) {
    if source.len() > MAX_EXPRESSION_BYTES {
        let message = format!("expression is longer than {MAX_EXPRESSION_BYTES} bytes");
        return (Vec::new(), Some(Fault { at: 0, message }));
    }
    let mut lexer = Lexer { chars: source.chars().collect(), at: 0, start: 0, found: Vec::new() };
    let fault = lexer.run().err();
    (lexer.found, fault)
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    start: usize,
    found: Vec<Token>,
}

pub(super) fn is_alphabetic(one: char) -> bool {
    one == '_' || one == '$' || one.is_alphabetic()
}

pub(super) fn is_alphanumeric(one: char) -> bool {
    is_alphabetic(one) || one.is_numeric()
}

impl Lexer {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let one = self.peek();
        if one.is_some() {
            self.at = self.at.saturating_add(1);
        }
        one
    }

    fn accept(&mut self, valid: &str) -> bool {
        let taken = self.peek().is_some_and(|one| valid.contains(one));
        if taken {
            self.at = self.at.saturating_add(1);
        }
        taken
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    fn word(&self) -> String {
        self.chars.get(self.start..self.at).unwrap_or_default().iter().collect()
    }

    fn emit(&mut self, kind: Kind) {
        let text = self.word();
        self.emit_text(kind, text);
    }

    fn emit_text(&mut self, kind: Kind, text: String) {
        self.found.push(Token { kind, text, at: self.start });
        self.start = self.at;
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault { at: self.at.saturating_sub(1), message: message.into() }
    }

    fn run(&mut self) -> Result<(), Fault> {
        while let Some(one) = self.next() {
            match one {
                _ if one.is_whitespace() => self.start = self.at,
                '\'' | '"' => {
                    self.scan_string(one)?;
                    let word = self.word();
                    let text = unescape(&word).map_err(|reason| self.fault(reason))?;
                    self.emit_text(Kind::Text, text);
                }
                '`' => self.raw_string()?,
                'b' | 'B' if matches!(self.peek(), Some('\'' | '"')) => {
                    let quote = self.next().unwrap_or('"');
                    self.scan_string(quote)?;
                    let word: String = self.word().chars().skip(1).collect();
                    let text = unescape(&word).map_err(|reason| self.fault(reason))?;
                    self.emit_text(Kind::Bytes, text);
                }
                '0'..='9' => {
                    self.at = self.start;
                    self.number()?;
                }
                '?' => {
                    self.accept(".?");
                    self.emit(Kind::Operator);
                }
                '/' => self.slash()?,
                '#' => self.pointer(),
                '|' | ':' => {
                    self.accept(if one == '|' { "|" } else { ":" });
                    self.emit(Kind::Operator);
                }
                '(' | '[' | '{' | ')' | ']' | '}' => self.emit(Kind::Bracket),
                ',' | ';' | '%' | '+' | '-' | '^' => self.emit(Kind::Operator),
                '&' | '!' | '=' | '*' | '<' | '>' => {
                    self.accept("&=*");
                    self.emit(Kind::Operator);
                }
                '.' => self.dot()?,
                _ if is_alphanumeric(one) => self.identifier(),
                _ => {
                    let code = u32::from(one);
                    return Err(self.fault(format!("unrecognized character: U+{code:04X} '{one}'")));
                }
            }
        }
        let at = self.at.saturating_sub(1);
        self.found.push(Token { kind: Kind::End, text: String::new(), at });
        Ok(())
    }

    fn slash(&mut self) -> Result<(), Fault> {
        if self.accept("/") {
            while self.next().is_some_and(|one| one != '\n') {}
            self.start = self.at;
        } else if self.accept("*") {
            loop {
                match self.next() {
                    None => return Err(self.fault("unclosed comment")),
                    Some('*') if self.accept("/") => break,
                    Some(_) => {}
                }
            }
            self.start = self.at;
        } else {
            self.emit(Kind::Operator);
        }
        Ok(())
    }

    fn pointer(&mut self) {
        self.accept("#");
        self.emit(Kind::Operator);
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if self.at > self.start {
            self.emit(Kind::Identifier);
        }
    }

    fn dot(&mut self) -> Result<(), Fault> {
        if self.peek().is_some_and(|one| one.is_ascii_digit()) {
            return self.number();
        }
        self.accept(".");
        self.emit(Kind::Operator);
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        let mut digits = "0123456789_";
        if self.at == self.start && self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        let end = self.at;
        if self.accept(".") {
            if self.peek() == Some('.') {
                self.at = end;
                self.emit(Kind::Number);
                return Ok(());
            }
            self.accept_run(digits);
        }
        if self.accept("eE") {
            self.accept("+-");
            self.accept_run(digits);
        }
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            let word = self.word();
            return Err(self.fault(format!("bad number syntax: {}", super::print::quoted(&word))));
        }
        self.emit(Kind::Number);
        Ok(())
    }

    fn identifier(&mut self) {
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        let word = self.word();
        match word.as_str() {
            "not" => self.not(),
            "in" | "or" | "and" | "matches" | "contains" | "startsWith" | "endsWith" | "let" | "if"
            | "else" => {
                self.emit(Kind::Operator);
            }
            _ => self.emit(Kind::Identifier),
        }
    }

    fn not(&mut self) {
        self.emit(Kind::Operator);
        self.accept_run(" ");
        self.start = self.at;
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        match self.word().as_str() {
            "in" | "matches" | "contains" | "startsWith" | "endsWith" => self.emit(Kind::Operator),
            _ => self.at = self.start,
        }
    }

    fn scan_string(&mut self, quote: char) -> Result<(), Fault> {
        loop {
            match self.next() {
                None => {
                    self.at = self.at.saturating_add(1);
                    return Err(self.fault("literal not terminated"));
                }
                Some('\n') => return Err(self.fault("literal not terminated")),
                Some('\\') => {
                    self.next();
                }
                Some(one) if one == quote => return Ok(()),
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self) -> Result<(), Fault> {
        let mut text = String::new();
        loop {
            match self.next() {
                None => {
                    self.at = self.at.saturating_add(1);
                    return Err(self.fault("literal not terminated"));
                }
                Some('`') if self.peek() == Some('`') => {
                    self.next();
                    text.push('`');
                }
                Some('`') => break,
                Some(one) => text.push(one),
            }
        }
        self.emit_text(Kind::Text, text);
        Ok(())
    }
}

/// Returns the text of a quoted string; the escapes are those of Go and `\'`, `` \` ``, `\?`, `\u{…}`.
fn unescape(quoted: &str) -> Result<String, &'static str> {
    const UNABLE: &str = "unable to unescape string";
    let quoted = quoted.replace("\r\n", "\n").replace('\r', "\n");
    let mut chars = quoted.chars();
    chars.next();
    chars.next_back();
    let mut text = String::with_capacity(quoted.len());
    while let Some(one) = chars.next() {
        if one != '\\' {
            text.push(one);
            continue;
        }
        let plain = match chars.next().ok_or(UNABLE)? {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            same @ ('\\' | '\'' | '"' | '`' | '?') => same,
            'x' | 'X' => digits(&mut chars, 2, 16)?,
            'u' if chars.as_str().starts_with('{') => braced(&mut chars)?,
            'u' => digits(&mut chars, 4, 16)?,
            'U' => digits(&mut chars, 8, 16)?,
            first @ '0'..='3' => octal(first, &mut chars)?,
            _ => return Err("invalid char escape"),
        };
        text.push(plain);
    }
    Ok(text)
}

fn digits(chars: &mut std::str::Chars<'_>, count: usize, radix: u32) -> Result<char, &'static str> {
    let mut code: u32 = 0;
    for _ in 0..count {
        let digit = chars.next().and_then(|one| one.to_digit(radix)).ok_or("invalid char escape")?;
        code = code.wrapping_mul(radix).wrapping_add(digit);
    }
    if code > u32::from(char::MAX) {
        return Err("unable to unescape string");
    }
    Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn octal(first: char, chars: &mut std::str::Chars<'_>) -> Result<char, &'static str> {
    let mut code = first.to_digit(8).unwrap_or(0);
    for _ in 0..2 {
        let digit = chars.next().and_then(|one| one.to_digit(8)).ok_or("invalid char escape")?;
        code = code.wrapping_mul(8).wrapping_add(digit);
    }
    Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn braced(chars: &mut std::str::Chars<'_>) -> Result<char, &'static str> {
    chars.next();
    let mut code: u32 = 0;
    for read in 0..7 {
        match chars.next() {
            Some('}') if read > 0 => {
                return if code > u32::from(char::MAX) {
                    Err("unable to unescape string")
                } else {
                    Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
                };
            }
            Some(one) => {
                let digit = one.to_digit(16).ok_or("invalid char escape")?;
                code = code.wrapping_mul(16).wrapping_add(digit);
            }
            None => break,
        }
    }
    Err("invalid char escape")
}
