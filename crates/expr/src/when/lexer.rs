//! Text to tokens. Source: govaluate `parsing.go` readToken, readUntilFalse.
//! Any quote ends a string, a backslash takes the next character as it is, `[…]` is a word with any characters.

use super::time;

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A number.
    Number(f64),
    /// A quoted date, as seconds since 1970.
    Time(f64),
    /// `true`, `false`.
    Bool(bool),
    /// A quoted text.
    Text(String),
    /// A bare or bracketed word.
    Word(String),
    /// A bare word with dots in it.
    Accessor(String),
    /// A text that is matched against.
    Pattern(String),
    /// `-`, `!`, `~` before an operand.
    Prefix(&'static str),
    /// `+ - * / % ** & | ^ << >>`.
    Modifier(&'static str),
    /// `== != < <= > >= =~ !~ in`.
    Comparator(&'static str),
    /// `&&`, `||`.
    Logical(&'static str),
    /// `?`, `:`, `??`.
    Ternary(&'static str),
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `,`.
    Separator,
}

impl Token {
    /// Whether an operand ends with this token.
    pub(super) const fn ends_operand(&self) -> bool {
        matches!(
            self,
            Self::Number(_)
                | Self::Time(_)
                | Self::Bool(_)
                | Self::Text(_)
                | Self::Word(_)
                | Self::Accessor(_)
                | Self::Pattern(_)
                | Self::Close
        )
    }
}

const MODIFIERS: &[&str] = &["+", "-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>"];
const COMPARATORS: &[&str] = &["==", "!=", "<", "<=", ">", ">=", "=~", "!~"];
const PREFIXES: &[&str] = &["-", "!", "~"];

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

impl Reader<'_> {
    /// Reads as long as `belongs`, or up to a space if `stop_at_space`; a backslash takes the next character.
    /// Returns what was read and whether something ended it.
    fn read(&mut self, stop_at_space: bool, belongs: impl Fn(char) -> bool) -> (String, bool) {
        let mut read = String::new();
        while let Some(&next) = self.rest.peek() {
            if next == '\\' {
                self.rest.next();
                read.extend(self.rest.next());
                continue;
            }
            if (stop_at_space && next.is_whitespace()) || !belongs(next) {
                return (read, true);
            }
            read.push(next);
            self.rest.next();
        }
        (read, false)
    }
}

/// Reads the tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut reader = Reader { rest: text.chars().peekable() };
    let mut found: Vec<Token> = Vec::new();
    while let Some(&first) = reader.rest.peek() {
        if first.is_whitespace() {
            reader.rest.next();
            continue;
        }
        let operand_before = found.last().is_some_and(Token::ends_operand);
        found.push(token(&mut reader, first, operand_before)?);
    }
    Ok(found)
}

fn token(reader: &mut Reader<'_>, first: char, operand_before: bool) -> Result<Token, String> {
    match first {
        '0'..='9' | '.' => number(reader),
        ',' => single(reader, Token::Separator),
        '(' => single(reader, Token::Open),
        ')' => single(reader, Token::Close),
        '[' => {
            reader.rest.next();
            let (word, closed) = reader.read(false, |c| c != ']');
            reader.rest.next();
            if closed { Ok(Token::Word(word)) } else { Err("Unclosed parameter bracket".to_owned()) }
        }
        '\'' | '"' => {
            reader.rest.next();
            let (text, closed) = reader.read(false, |c| c != '\'' && c != '"');
            reader.rest.next();
            if !closed {
                return Err("Unclosed string literal".to_owned());
            }
            Ok(time::unix_seconds(&text).map_or(Token::Text(text), Token::Time))
        }
        letter if letter.is_alphabetic() => word(reader),
        _ => symbol(reader, operand_before),
    }
}

fn single(reader: &mut Reader<'_>, token: Token) -> Result<Token, String> {
    reader.rest.next();
    Ok(token)
}

fn number(reader: &mut Reader<'_>) -> Result<Token, String> {
    let mut ahead = reader.rest.clone();
    if ahead.next() == Some('0') && ahead.next() == Some('x') {
        reader.rest = ahead;
        let (digits, _) = reader.read(true, |c| c.is_ascii_hexdigit());
        return u64::from_str_radix(&digits, 16)
            .map(|number| Token::Number(number as f64))
            .map_err(|_| format!("Unable to parse hex value '{digits}' to uint64"));
    }
    let (digits, _) = reader.read(true, |c| c.is_ascii_digit() || c == '.');
    digits
        .parse()
        .map(Token::Number)
        .map_err(|_| format!("Unable to parse numeric value '{digits}' to float64"))
}

fn word(reader: &mut Reader<'_>) -> Result<Token, String> {
    let (word, _) = reader.read(true, |c| c.is_alphanumeric() || c == '_' || c == '.');
    Ok(match word.as_str() {
        "true" => Token::Bool(true),
        "false" => Token::Bool(false),
        "in" | "IN" => Token::Comparator("in"),
        _ if word.contains('.') => accessor(word)?,
        _ => Token::Word(word),
    })
}

/// Checks a word with dots. Nothing can be behind it: there are no parameters.
fn accessor(word: String) -> Result<Token, String> {
    if word.ends_with('.') {
        return Err(format!("Hanging accessor on token '{word}'"));
    }
    let hidden = |part: &&str| part.chars().next().is_none_or(|first| !first.to_uppercase().eq([first]));
    match word.split('.').skip(1).find(hidden) {
        Some(part) => Err(format!("Unable to access unexported field '{part}' in token '{word}'")),
        None => Ok(Token::Accessor(word)),
    }
}

fn symbol(reader: &mut Reader<'_>, operand_before: bool) -> Result<Token, String> {
    let (symbol, _) =
        reader.read(true, |c| !(c.is_alphanumeric() || matches!(c, '(' | ')' | '[' | ']' | '\'' | '"')));
    let known = |list: &[&'static str]| list.iter().copied().find(|known| *known == symbol);
    if !operand_before && let Some(prefix) = known(PREFIXES) {
        return Ok(Token::Prefix(prefix));
    }
    if let Some(found) = known(MODIFIERS) {
        return Ok(Token::Modifier(found));
    }
    if let Some(found) = known(COMPARATORS) {
        return Ok(Token::Comparator(found));
    }
    if let Some(found) = known(&["&&", "||"]) {
        return Ok(Token::Logical(found));
    }
    if let Some(found) = known(&["?", ":", "??"]) {
        return Ok(Token::Ternary(found));
    }
    Err(format!("Invalid token: '{symbol}' (hint: try wrapping the affected expression in quotes (\"))"))
}
