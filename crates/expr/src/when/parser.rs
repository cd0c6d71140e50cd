//! Tokens to a tree. Source: govaluate `stagePlanner.go`: levels of precedence, each from left to right.

use super::{
    lexer::Token,
    value::{self, Value},
};
use crate::MAX_DEPTH;

/// A condition as a tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// A literal.
    Literal(Value),
    /// The name of a parameter, and there is none.
    Name(String),
    /// A prefix and its operand.
    Prefix(&'static str, Box<Self>),
    /// A first operand and what is done to it, from left to right.
    Chain(Box<Self>, Vec<(&'static str, Self)>),
}

/// The operators of each level, the weakest first.
const LEVELS: &[&[&str]] = &[
    &[","],
    &["?", ":", "??"],
    &["||"],
    &["&&"],
    &["==", "!=", "<", "<=", ">", ">=", "=~", "!~", "in"],
    &["&", "|", "^"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
    &["**"],
];

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

/// Makes a tree of the tokens.
pub(super) fn parse(tokens: Vec<Token>) -> Result<Tree, String> {
    let mut parser = Parser { tokens: tokens.into_iter().peekable(), depth: 0 };
    let tree = parser.level(LEVELS)?;
    match parser.tokens.next() {
        None => Ok(tree),
        Some(_) => Err("Unbalanced parenthesis".to_owned()),
    }
}

impl Parser {
    fn level(&mut self, levels: &[&[&str]]) -> Result<Tree, String> {
        let Some((operators, tighter)) = levels.split_first() else { return self.operand() };
        let first = self.level(tighter)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.operator(operators) {
            let matched = matches!(operator, "=~" | "!~");
            if matched && let Some(Token::Text(text)) = self.tokens.peek() {
                // A pattern that is written out is compiled whether it is needed or not.
                value::pattern(text)?;
            }
            rest.push((operator, self.level(tighter)?));
        }
        Ok(if rest.is_empty() { first } else { Tree::Chain(Box::new(first), rest) })
    }

    fn operator(&mut self, among: &[&str]) -> Option<&'static str> {
        let operator = match self.tokens.peek()? {
            Token::Modifier(text) | Token::Comparator(text) | Token::Logical(text) | Token::Ternary(text) => {
                *text
            }
            Token::Separator => ",",
            _ => return None,
        };
        among.contains(&operator).then(|| {
            self.tokens.next();
            operator
        })
    }

    /// A path of names, perhaps called with arguments; whatever it is, its first name is unknown.
    fn accessor(&mut self, path: &str) -> Result<Tree, String> {
        if self.tokens.peek() == Some(&Token::Open) {
            self.operand()?;
        }
        Ok(Tree::Name(path.split('.').next().unwrap_or(path).to_owned()))
    }

    fn operand(&mut self) -> Result<Tree, String> {
        match self.tokens.next() {
            Some(Token::Number(number) | Token::Time(number)) => Ok(Tree::Literal(Value::Number(number))),
            Some(Token::Bool(answer)) => Ok(Tree::Literal(Value::Bool(answer))),
            Some(Token::Text(text)) => Ok(Tree::Literal(Value::Text(text))),
            Some(Token::Pattern(pattern)) => Ok(Tree::Literal(Value::Pattern(value::pattern(&pattern)?))),
            Some(Token::Word(name)) => Ok(Tree::Name(name)),
            Some(Token::Accessor(path)) => self.accessor(&path),
            Some(Token::Prefix(prefix)) => Ok(Tree::Prefix(prefix, Box::new(self.operand()?))),
            Some(Token::Open) => {
                self.depth = self.depth.saturating_add(1);
                if self.depth > MAX_DEPTH {
                    return Err(format!("nested deeper than {MAX_DEPTH} levels"));
                }
                let inner = self.level(LEVELS)?;
                self.depth = self.depth.saturating_sub(1);
                match self.tokens.next() {
                    Some(Token::Close) => Ok(inner),
                    _ => Err("Unbalanced parenthesis".to_owned()),
                }
            }
            _ => Err("Unexpected end of expression".to_owned()),
        }
    }
}
