//! Which token may follow which. Source: govaluate `lexerState.go`, with words already strings.

use super::lexer::Token;

/// Checks the order of the tokens and that the last one may be the last.
pub(super) fn check(tokens: &[Token]) -> Result<(), String> {
    let mut before: Option<&Token> = None;
    for token in tokens {
        if !may_follow(before, token) {
            return Err(match before {
                None => format!("Cannot begin with {}", name(token)),
                Some(before) => {
                    format!("Cannot transition token types from {} to {}", name(before), name(token))
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
    let operand =
        matches!(next, Token::Number(_) | Token::Bool(_) | Token::Text(_) | Token::Word(_) | Token::Open);
    match before {
        Some(before) if before.ends_operand() => {
            matches!(
                next,
                Token::Modifier(_)
                    | Token::Comparator(_)
                    | Token::Logical(_)
                    | Token::Ternary(_)
                    | Token::Separator
                    | Token::Close
            )
        }
        // A word is a string to Argo, and no prefix applies to a string.
        Some(Token::Prefix(_)) => matches!(next, Token::Number(_) | Token::Bool(_) | Token::Open),
        _ => operand || matches!(next, Token::Prefix(_)),
    }
}

const fn name(token: &Token) -> &'static str {
    match token {
        Token::Number(_) => "NUMERIC",
        Token::Bool(_) => "BOOLEAN",
        Token::Text(_) => "STRING",
        Token::Word(_) => "VARIABLE",
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
