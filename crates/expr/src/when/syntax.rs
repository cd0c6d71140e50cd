//! Which token may follow which. Source: govaluate `lexerState.go`, `parsing.go` checkBalance.

use super::{lexer::Token, number};

/// Makes strings of bare words, and patterns of the strings that are matched against (Argo's second reading gets
/// the tokens of the first, in which govaluate has compiled those already).
pub(super) fn words_are_strings(tokens: &mut [Token]) {
    let mut after_match = false;
    for token in tokens {
        let matches = matches!(token, Token::Comparator("=~" | "!~"));
        match token {
            Token::Word(word) => *token = Token::Text(std::mem::take(word)),
            Token::Text(text) if after_match => *token = Token::Pattern(std::mem::take(text)),
            _ => {}
        }
        after_match = matches;
    }
}

/// Checks the parentheses, the order of the tokens and that the last one may be the last.
pub(super) fn check(tokens: &[Token]) -> Result<(), String> {
    let count = |one: &Token| tokens.iter().filter(|token| *token == one).count();
    if count(&Token::Open) != count(&Token::Close) {
        return Err("Unbalanced parenthesis".to_owned());
    }
    let mut before: Option<&Token> = None;
    for token in tokens {
        if !may_follow(before, token) {
            return Err(match (before, token) {
                (Some(Token::Word(word)), Token::Open) => format!("Undefined function {word}"),
                (None, token) => {
                    format!("Cannot transition token types from UNKNOWN [<nil>] to {}", shown(token))
                }
                (Some(before), token) => {
                    format!("Cannot transition token types from {} to {}", shown(before), shown(token))
                }
            });
        }
        before = Some(token);
    }
    match before {
        Some(last) if last.ends_operand() => Ok(()),
        _ => Err("Unexpected end of expression".to_owned()),
    }
}

fn may_follow(before: Option<&Token>, next: &Token) -> bool {
    let name = matches!(next, Token::Word(_) | Token::Accessor(_) | Token::Open);
    let plain = name || matches!(next, Token::Number(_) | Token::Bool(_));
    let operand = plain || matches!(next, Token::Text(_));
    match before {
        Some(Token::Accessor(_)) if *next == Token::Open => true,
        Some(before) if before.ends_operand() => match next {
            Token::Ternary(_) => !matches!(before, Token::Time(_) | Token::Pattern(_)),
            Token::Modifier(_) | Token::Comparator(_) | Token::Logical(_) => true,
            Token::Separator | Token::Close => true,
            _ => false,
        },
        Some(Token::Prefix(_)) => plain,
        Some(Token::Modifier(_)) => operand || matches!(next, Token::Prefix(_)),
        Some(Token::Comparator(_)) => {
            operand || matches!(next, Token::Prefix(_) | Token::Time(_) | Token::Pattern(_))
        }
        _ => operand || matches!(next, Token::Prefix(_) | Token::Time(_)),
    }
}

/// The kind of a token and its value, as govaluate's messages show them.
fn shown(token: &Token) -> String {
    let value = match token {
        Token::Number(number) => number::shown(*number),
        Token::Time(seconds) => number::shown(*seconds),
        Token::Bool(answer) => answer.to_string(),
        Token::Text(text) | Token::Word(text) | Token::Pattern(text) => text.clone(),
        Token::Accessor(path) => format!("[{}]", path.replace('.', " ")),
        Token::Prefix(text)
        | Token::Modifier(text)
        | Token::Comparator(text)
        | Token::Logical(text)
        | Token::Ternary(text) => (*text).to_owned(),
        // Go shows a rune as its number.
        Token::Open => "40".to_owned(),
        Token::Close => "41".to_owned(),
        Token::Separator => ",".to_owned(),
    };
    format!("{} [{value}]", name(token))
}

const fn name(token: &Token) -> &'static str {
    match token {
        Token::Number(_) => "NUMERIC",
        Token::Bool(_) => "BOOLEAN",
        Token::Text(_) => "STRING",
        Token::Word(_) => "VARIABLE",
        Token::Accessor(_) => "ACCESSOR",
        Token::Pattern(_) => "PATTERN",
        Token::Time(_) => "TIME",
        Token::Prefix(_) => "PREFIX",
        Token::Modifier(_) => "MODIFIER",
        Token::Comparator(_) => "COMPARATOR",
        Token::Logical(_) => "LOGICALOP",
        Token::Ternary(_) => "TERNARY",
        Token::Open => "CLAUSE",
        Token::Close => "CLAUSE_CLOSE",
        Token::Separator => "SEPARATOR",
    }
}
