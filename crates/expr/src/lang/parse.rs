//! Tokens to a tree: expr-lang v1.17's Pratt parser (`parser/parser.go`) with its precedences and messages.
//! Deliberately bounded: [`MAX_NODES`] parts, [`MAX_EXPRESSION_DEPTH`] levels of nesting, [`MAX_EXPRESSION_HEIGHT`] of operators in a row.
//! Not here: types (`check`).

use super::{
    Fault, MAX_EXPRESSION_DEPTH, MAX_EXPRESSION_HEIGHT, MAX_NODES,
    ast::{Binary, Kind, Node, Unary},
    token::{self, Token, is_alphabetic, is_alphanumeric},
};
use crate::lang::builtin;

const OPEN_BRACE: &str = "{";
const CLOSE_BRACE: &str = "}";

/// Returns the tree of `source`. A name for which `overridden` is true is a variable, not a builtin; the names
/// of the builtins that are called are put into `called`.
pub(super) fn parse(
    source: &str,
    overridden: &dyn Fn(&str) -> bool,
    called: &mut Vec<String>,
) -> Result<Node, Fault> {
    let (tokens, fault) = token::tokens(source);
    let mut parser = Parser { tokens, fault, at: 0, predicates: 0, depth: 0, nodes: 0, overridden, called };
    let node = parser.sequence()?;
    let rest = parser.current()?;
    if rest.kind != token::Kind::End {
        return Err(unexpected(&rest));
    }
    Ok(node)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    fault: Option<Fault>,
    at: usize,
    predicates: usize,
    depth: usize,
    nodes: usize,
    overridden: &'a dyn Fn(&str) -> bool,
    called: &'a mut Vec<String>,
}

fn fault(token: &Token, message: impl Into<String>) -> Fault {
    Fault { at: token.at, message: message.into() }
}

fn unexpected(token: &Token) -> Fault {
    fault(token, format!("unexpected token {}", token.shown()))
}

impl Parser<'_> {
    fn current(&self) -> Result<Token, Fault> {
        match (self.tokens.get(self.at), &self.fault) {
            (Some(token), _) => Ok(token.clone()),
            (None, Some(fault)) => Err(fault.clone()),
            (None, None) => Err(Fault { at: 0, message: "unexpected end of expression".to_owned() }),
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_operator(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.operator(text))
    }

    fn is_bracket(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.bracket(text))
    }

    fn advance(&mut self) -> Result<(), Fault> {
        self.at = self.at.saturating_add(1);
        self.current().map(drop)
    }

    fn expect_bracket(&mut self, text: &str) -> Result<(), Fault> {
        let token = self.current()?;
        if token.bracket(text) { self.advance_over(&token) } else { Err(unexpected(&token)) }
    }

    fn expect_operator(&mut self, text: &str) -> Result<(), Fault> {
        let token = self.current()?;
        if token.operator(text) { self.advance_over(&token) } else { Err(unexpected(&token)) }
    }

    fn advance_over(&mut self, token: &Token) -> Result<(), Fault> {
        if token.kind == token::Kind::End { Ok(()) } else { self.advance() }
    }

    fn node(&mut self, kind: Kind, at: usize) -> Result<Node, Fault> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES {
            let message = "compilation failed: expression exceeds maximum allowed nodes".to_owned();
            return Err(Fault { at, message });
        }
        let mut node = Node { kind, at, height: 1 };
        let below = node.parts().iter().map(|part| part.height).max().unwrap_or(0);
        node.height = below.saturating_add(1);
        if node.height > MAX_EXPRESSION_HEIGHT {
            return Err(too_deep(at));
        }
        Ok(node)
    }

    fn sequence(&mut self) -> Result<Node, Fault> {
        let first = self.expression(0)?;
        if !self.is_operator(";") {
            return Ok(first);
        }
        let at = first.at;
        let mut items = vec![first];
        while self.is_operator(";") {
            self.advance()?;
            if self.peek().is_some_and(|token| token.kind == token::Kind::End) {
                break;
            }
            items.push(self.expression(0)?);
        }
        match <[Node; 1]>::try_from(items) {
            Ok([only]) => Ok(only),
            Err(items) => self.node(Kind::Sequence(items), at),
        }
    }

    fn expression(&mut self, precedence: u32) -> Result<Node, Fault> {
        let start = self.current()?;
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_EXPRESSION_DEPTH {
            return Err(too_deep(start.at));
        }
        let node = if precedence == 0 && start.operator("let") {
            self.declaration()
        } else if precedence == 0 && start.operator("if") {
            self.conditional_if()
        } else {
            self.operation(precedence)
        };
        self.depth = self.depth.saturating_sub(1);
        node
    }

    fn operation(&mut self, precedence: u32) -> Result<Node, Fault> {
        let mut left = self.primary()?;
        let mut previous_coalesces = false;
        loop {
            let mut token = self.current()?;
            if token.kind != token::Kind::Operator {
                break;
            }
            if token.text == "|" && precedence == 0 {
                self.advance()?;
                let name = self.current()?;
                if name.kind != token::Kind::Identifier {
                    return Err(unexpected(&name));
                }
                self.advance()?;
                left = self.call(&name, vec![left], true)?;
                previous_coalesces = false;
                continue;
            }
            let negated = token.text == "not";
            if negated {
                let next = self.tokens.get(self.at.saturating_add(1)).cloned();
                let Some(next) = next else { return Err(self.fault.clone().unwrap_or(unexpected(&token))) };
                if !matches!(next.text.as_str(), "contains" | "matches" | "startsWith" | "endsWith" | "in") {
                    return Err(unexpected(&next));
                }
                if precedence > 20 {
                    break;
                }
                self.advance()?;
                token = next;
            }
            let Some((operator, binds, right)) = Binary::of(&token.text) else { break };
            if binds < precedence {
                break;
            }
            self.advance()?;
            if previous_coalesces && operator != Binary::Coalesce {
                let message = format!(
                    "Operator ({}) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses.",
                    token.text
                );
                return Err(fault(&token, message));
            }
            previous_coalesces = operator == Binary::Coalesce;
            if operator.is_comparison() {
                left = self.comparison(left, token, operator, binds)?;
                continue;
            }
            let operand = self.expression(if right { binds } else { binds.saturating_add(1) })?;
            left = self.node(Kind::Binary(operator, Box::new(left), Box::new(operand)), token.at)?;
            if negated {
                left = self.node(Kind::Unary(Unary::Not, Box::new(left)), token.at)?;
            }
        }
        if precedence == 0 { self.ternary(left) } else { Ok(left) }
    }

    /// `a < b < c` is `a < b && b < c`.
    fn comparison(
        &mut self,
        left: Node,
        token: Token,
        operator: Binary,
        precedence: u32,
    ) -> Result<Node, Fault> {
        let (mut left, mut token, mut operator) = (left, token, operator);
        let mut root: Option<Node> = None;
        loop {
            let right = self.expression(precedence.saturating_add(1))?;
            let one = Kind::Binary(operator, Box::new(left), Box::new(right.clone()));
            let one = self.node(one, token.at)?;
            root = Some(match root {
                None => one,
                Some(before) => {
                    self.node(Kind::Binary(Binary::And, Box::new(before), Box::new(one)), token.at)?
                }
            });
            left = right;
            let next = self.current()?;
            match Binary::of(&next.text) {
                Some((further, ..)) if next.kind == token::Kind::Operator && further.is_comparison() => {
                    self.advance()?;
                    (token, operator) = (next, further);
                }
                _ => return root.map_or_else(|| Err(unexpected(&next)), Ok),
            }
        }
    }

    fn declaration(&mut self) -> Result<Node, Fault> {
        self.advance()?;
        let name = self.current()?;
        if name.kind != token::Kind::Identifier {
            return Err(unexpected(&name));
        }
        self.advance()?;
        self.expect_operator("=")?;
        let value = self.expression(0)?;
        self.expect_operator(";")?;
        let body = self.sequence()?;
        self.node(Kind::Let { name: name.text, value: Box::new(value), body: Box::new(body) }, name.at)
    }

    fn conditional_if(&mut self) -> Result<Node, Fault> {
        let start = self.current()?;
        self.advance()?;
        let test = self.expression(0)?;
        self.expect_bracket(OPEN_BRACE)?;
        let yes = self.sequence()?;
        self.expect_bracket(CLOSE_BRACE)?;
        self.expect_operator("else")?;
        let no = if self.is_operator("if") {
            self.expression(0)?
        } else {
            self.expect_bracket(OPEN_BRACE)?;
            let no = self.sequence()?;
            self.expect_bracket(CLOSE_BRACE)?;
            no
        };
        let kind = Kind::Condition { test: Box::new(test), yes: Box::new(yes), no: Box::new(no) };
        self.node(kind, start.at)
    }

    fn ternary(&mut self, node: Node) -> Result<Node, Fault> {
        let mut node = node;
        while self.is_operator("?") {
            self.advance()?;
            let (yes, no) = if self.is_operator(":") {
                self.advance()?;
                (node.clone(), self.expression(0)?)
            } else {
                let yes = self.expression(0)?;
                self.expect_operator(":")?;
                (yes, self.expression(0)?)
            };
            let at = self.current()?.at;
            let kind = Kind::Condition { test: Box::new(node), yes: Box::new(yes), no: Box::new(no) };
            node = self.node(kind, at)?;
        }
        Ok(node)
    }

    fn primary(&mut self) -> Result<Node, Fault> {
        let token = self.current()?;
        if token.kind == token::Kind::Operator {
            let unary = match token.text.as_str() {
                "not" | "!" => Some((Unary::Not, 50)),
                "-" => Some((Unary::Minus, 90)),
                "+" => Some((Unary::Plus, 90)),
                _ => None,
            };
            if let Some((operator, precedence)) = unary {
                self.advance()?;
                let operand = self.expression(precedence)?;
                let node = self.node(Kind::Unary(operator, Box::new(operand)), token.at)?;
                return self.postfix(node);
            }
        }
        if token.bracket("(") {
            self.advance()?;
            let inner = self.sequence()?;
            self.expect_bracket(")")?;
            return self.postfix(inner);
        }
        if self.predicates > 0 && (token.operator("#") || token.operator(".")) {
            let mut name = String::new();
            if token.text == "#" {
                self.advance()?;
                let next = self.current()?;
                if next.kind == token::Kind::Identifier {
                    name = next.text;
                    self.advance()?;
                }
            }
            let node = self.node(Kind::Pointer(name), token.at)?;
            return self.postfix(node);
        }
        if token.operator("::") {
            self.advance()?;
            let name = self.current()?;
            if name.kind != token::Kind::Identifier {
                return Err(unexpected(&name));
            }
            self.advance()?;
            let call = self.call(&name, Vec::new(), false)?;
            return self.postfix(call);
        }
        self.secondary(token)
    }

    fn secondary(&mut self, token: Token) -> Result<Node, Fault> {
        let at = token.at;
        let node = match token.kind {
            token::Kind::Identifier => {
                self.advance()?;
                match token.text.as_str() {
                    "true" => return self.node(Kind::Bool(true), at),
                    "false" => return self.node(Kind::Bool(false), at),
                    "nil" => return self.node(Kind::Nil, at),
                    _ if self.is_bracket("(") => self.call(&token, Vec::new(), true)?,
                    _ => self.node(Kind::Name(token.text), at)?,
                }
            }
            token::Kind::Number => {
                self.advance()?;
                let number = number(&token.text).map_err(|reason| Fault {
                    at: self.current().map_or(at, |next| next.at),
                    message: reason,
                })?;
                return self.node(number, at);
            }
            token::Kind::Text => {
                self.advance()?;
                self.node(Kind::Text(token.text), at)?
            }
            token::Kind::Bytes => {
                self.advance()?;
                self.node(Kind::Bytes(token.text), at)?
            }
            _ if token.bracket("[") => self.array(at)?,
            _ if token.bracket(OPEN_BRACE) => self.map(at)?,
            _ => return Err(unexpected(&token)),
        };
        self.postfix(node)
    }

    fn call(&mut self, name: &Token, first: Vec<Node>, check: bool) -> Result<Node, Fault> {
        let overridden = check && (self.overridden)(&name.text);
        if !overridden && builtin::is_builtin(&name.text) && !self.called.contains(&name.text) {
            self.called.push(name.text.clone());
        }
        let kind = match builtin::predicate_arity(&name.text) {
            Some((least, most)) if !overridden => {
                let args = self.predicate_arguments(first, least, most)?;
                Kind::Builtin { name: name.text.clone(), args }
            }
            _ if !overridden && builtin::is_builtin(&name.text) => {
                Kind::Builtin { name: name.text.clone(), args: self.arguments(first)? }
            }
            _ => {
                let callee = self.node(Kind::Name(name.text.clone()), name.at)?;
                Kind::Call { callee: Box::new(callee), args: self.arguments(first)? }
            }
        };
        self.node(kind, name.at)
    }

    /// The second argument is a predicate, the others are expressions.
    fn predicate_arguments(
        &mut self,
        first: Vec<Node>,
        least: usize,
        most: usize,
    ) -> Result<Vec<Node>, Fault> {
        let piped = first.len();
        let mut args = first;
        self.expect_bracket("(")?;
        while args.len() < most {
            if self.is_bracket(")") {
                if args.len() >= least {
                    break;
                }
                let token = self.current()?;
                let wanted = most.saturating_sub(piped);
                return Err(fault(&token, format!("expected at least {wanted} arguments")));
            }
            if args.len() > piped {
                self.expect_operator(",")?;
            }
            let arg = if args.len() == 1 { self.predicate()? } else { self.expression(0)? };
            args.push(arg);
        }
        if self.is_operator(",") {
            self.advance()?;
        }
        self.expect_bracket(")")?;
        Ok(args)
    }

    fn arguments(&mut self, first: Vec<Node>) -> Result<Vec<Node>, Fault> {
        let mut args = first;
        let piped = args.len();
        self.expect_bracket("(")?;
        while !self.is_bracket(")") {
            if args.len() > piped {
                self.expect_operator(",")?;
                if self.is_bracket(")") {
                    break;
                }
            }
            args.push(self.expression(0)?);
        }
        self.expect_bracket(")")?;
        Ok(args)
    }

    fn predicate(&mut self) -> Result<Node, Fault> {
        let start = self.current()?;
        let braces = start.bracket(OPEN_BRACE);
        if braces {
            self.advance()?;
        }
        self.predicates = self.predicates.saturating_add(1);
        let inner = if braces { self.sequence()? } else { self.expression(0)? };
        self.predicates = self.predicates.saturating_sub(1);
        if braces {
            self.expect_bracket(CLOSE_BRACE)?;
        } else if self.is_operator(";") {
            return Err(fault(&self.current()?, "wrap predicate with brackets { and }"));
        }
        self.node(Kind::Predicate(Box::new(inner)), start.at)
    }

    fn array(&mut self, at: usize) -> Result<Node, Fault> {
        self.expect_bracket("[")?;
        let mut items = Vec::new();
        while !self.is_bracket("]") {
            if !items.is_empty() {
                self.expect_operator(",")?;
                if self.is_bracket("]") {
                    break;
                }
            }
            items.push(self.expression(0)?);
        }
        self.expect_bracket("]")?;
        self.node(Kind::Array(items), at)
    }

    fn map(&mut self, at: usize) -> Result<Node, Fault> {
        self.expect_bracket(OPEN_BRACE)?;
        let mut pairs = Vec::new();
        while !self.is_bracket(CLOSE_BRACE) {
            if !pairs.is_empty() {
                self.expect_operator(",")?;
                if self.is_bracket(CLOSE_BRACE) {
                    break;
                }
            }
            let token = self.current()?;
            let key = match token.kind {
                token::Kind::Number | token::Kind::Text | token::Kind::Identifier => {
                    self.advance()?;
                    self.node(Kind::Text(token.text), token.at)?
                }
                _ if token.bracket("(") => self.expression(0)?,
                _ => {
                    let message = format!(
                        "a map key must be a quoted string, a number, a identifier, or an expression \
                         enclosed in parentheses (unexpected token {})",
                        token.shown()
                    );
                    return Err(fault(&token, message));
                }
            };
            self.expect_operator(":")?;
            let value = self.expression(0)?;
            pairs.push((key, value));
        }
        self.expect_bracket(CLOSE_BRACE)?;
        self.node(Kind::Map(pairs), at)
    }

    fn postfix(&mut self, node: Node) -> Result<Node, Fault> {
        let mut node = node;
        loop {
            let token = self.current()?;
            let mut optional = token.operator("?.");
            if optional || token.operator(".") {
                self.advance()?;
                if !(optional && self.is_bracket("[")) {
                    node = self.member(node, optional)?;
                    continue;
                }
            } else if token.bracket("[") {
                optional = false;
            } else {
                return Ok(node);
            }
            node = self.index(node, optional)?;
        }
    }

    fn member(&mut self, node: Node, optional: bool) -> Result<Node, Fault> {
        let name = self.current()?;
        let mut letters = name.text.chars();
        let valid = letters.next().is_some_and(is_alphabetic) && letters.all(is_alphanumeric);
        if name.kind != token::Kind::Identifier && !(name.kind == token::Kind::Operator && valid) {
            let at = self.tokens.get(self.at.saturating_add(1)).unwrap_or(&name).clone();
            return Err(fault(&at, "expected name"));
        }
        self.advance()?;
        let property = Box::new(self.node(Kind::Text(name.text), name.at)?);
        let (base, chained) = match node.kind {
            Kind::Chain(inner) => (inner, true),
            _ => (Box::new(node), false),
        };
        let method = self.is_bracket("(");
        let mut node = self.node(Kind::Member { base, property, optional, method }, name.at)?;
        if method {
            let args = self.arguments(Vec::new())?;
            node = self.node(Kind::Call { callee: Box::new(node), args }, name.at)?;
        }
        if chained || optional {
            node = self.node(Kind::Chain(Box::new(node)), name.at)?;
        }
        Ok(node)
    }

    fn index(&mut self, node: Node, optional: bool) -> Result<Node, Fault> {
        let at = self.current()?.at;
        self.advance()?;
        let base = Box::new(node);
        if self.is_operator(":") {
            self.advance()?;
            let to = self.slice_end()?;
            self.expect_bracket("]")?;
            return self.node(Kind::Slice { base, from: None, to }, at);
        }
        let from = self.expression(0)?;
        if self.is_operator(":") {
            self.advance()?;
            let to = self.slice_end()?;
            self.expect_bracket("]")?;
            return self.node(Kind::Slice { base, from: Some(Box::new(from)), to }, at);
        }
        let property = Box::new(from);
        let mut node = self.node(Kind::Member { base, property, optional, method: false }, at)?;
        if optional {
            node = self.node(Kind::Chain(Box::new(node)), at)?;
        }
        self.expect_bracket("]")?;
        Ok(node)
    }

    fn slice_end(&mut self) -> Result<Option<Box<Node>>, Fault> {
        if self.is_bracket("]") { Ok(None) } else { Ok(Some(Box::new(self.expression(0)?))) }
    }
}

fn too_deep(at: usize) -> Fault {
    Fault { at, message: format!("expression is nested deeper than {MAX_EXPRESSION_DEPTH} levels") }
}

fn number(text: &str) -> Result<Kind, String> {
    let plain = text.replace('_', "").to_lowercase();
    let radix = |radix: u32, name: &str| {
        i64::from_str_radix(plain.get(2..).unwrap_or_default(), radix).map(Kind::Int).map_err(|_| {
            format!(
                "invalid {name} literal: strconv.ParseInt: parsing {}: invalid syntax",
                super::print::quoted(text)
            )
        })
    };
    if plain.starts_with("0x") {
        radix(16, "hex")
    } else if plain.contains(['.', 'e']) {
        match plain.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Kind::Float(number)),
            _ => Err(format!("invalid float literal: {text}")),
        }
    } else if plain.starts_with("0b") {
        radix(2, "binary")
    } else if plain.starts_with("0o") {
        radix(8, "octal")
    } else {
        plain.parse().map(Kind::Int).map_err(|_| {
            format!(
                "invalid integer literal: strconv.ParseInt: parsing {}: value out of range",
                super::print::quoted(&plain)
            )
        })
    }
}
