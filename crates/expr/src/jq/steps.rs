//! What a jq filter may cost: its steps are counted, and so are the sizes of its values and how deep it calls itself.
//! jaq has no hook for that, so a step is written into the filter: behind each pipe, sum and list, and before each body of
//! a definition or a fold.
//! Not here: time; a step takes about as long as its value is large.
//! Invariant: the steps of a filter are bounded by the size of its document, and what loops or grows takes steps.

use std::{cell::Cell, iter::once};

use jaq_core::{
    Cv, DataT, Exn, Lut, Native, ValX,
    data::HasLut,
    load::{
        lex::StrPart,
        parse::{BinaryOp, Def, Pattern, Term},
    },
    native::{Fun, v},
    ops::Math,
    path::{Part, Path},
};
use jaq_json::{Num, Val};

/// The most steps of a filter over a tiny document.
const MAX_STEPS: usize = 200_000;
/// The further steps for each byte of a document.
const STEPS_PER_BYTE: usize = 3;
/// How much of a value one step looks at: values and 64ths of texts.
const STEP_WEIGHT: usize = 64;
/// The largest value a filter makes: values and 64ths of texts, what is shared counted as often as it is shown.
const MAX_WEIGHT: usize = 4_000_000;
/// The longest text a filter makes, in bytes.
const MAX_TEXT: usize = 16 * 1024 * 1024;
/// The deepest nesting of a value that a filter makes.
const MAX_NESTING: usize = 10_000;
/// How much of the stack a filter may use, in bytes: less than [`super::STACK`].
const MAX_STACK: usize = 32 * 1024 * 1024;
/// The name of a step; nobody can write it.
const STEP: &str = " step";
/// The name of a multiplication whose result is of bounded size; nobody can write it.
const TIMES: &str = " times";
/// The name of jaq's own `range`; nobody can write it.
const RANGE: &str = " range";

/// Why a filter is ended; no `try` catches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Steps = 1,
    Size = 2,
    Depth = 3,
}

impl Limit {
    /// Returns the limit that ended a filter.
    pub(super) fn of(code: i32) -> &'static str {
        match code {
            1 => "the filter takes too many steps",
            2 => "the filter makes a value that is too large",
            3 => "the filter goes too deep",
            _ => "the filter ended itself",
        }
    }
}

/// What is counted while a filter runs.
#[derive(Debug)]
pub(super) struct Steps {
    left: Cell<usize>,
    /// Where the stack was when it began.
    base: usize,
}

impl Steps {
    pub(super) fn new(document_bytes: usize) -> Self {
        let further = document_bytes.saturating_mul(STEPS_PER_BYTE);
        Self { left: Cell::new(MAX_STEPS.saturating_add(further)), base: stack() }
    }

    fn take(&self, value: &Val) -> Result<(), Limit> {
        if stack().abs_diff(self.base) > MAX_STACK {
            return Err(Limit::Depth);
        }
        let mut weight = 0;
        weigh(value, MAX_NESTING, &mut weight)?;
        let left = self.left.get().saturating_sub(weight / STEP_WEIGHT + 1);
        self.left.set(left);
        if left == 0 { Err(Limit::Steps) } else { Ok(()) }
    }
}

fn weigh(value: &Val, depth: usize, weight: &mut usize) -> Result<(), Limit> {
    let deeper = depth.checked_sub(1).ok_or(Limit::Depth)?;
    *weight = weight.saturating_add(1);
    match value {
        Val::TStr(text) | Val::BStr(text) => *weight = weight.saturating_add(text.len() / STEP_WEIGHT),
        Val::Arr(items) => items.iter().try_for_each(|item| weigh(item, deeper, weight))?,
        Val::Obj(fields) => fields.values().try_for_each(|field| weigh(field, deeper, weight))?,
        Val::Null | Val::Bool(_) | Val::Num(_) => {}
    }
    if *weight > MAX_WEIGHT { Err(Limit::Size) } else { Ok(()) }
}

/// Returns where the stack is: the address of something on it.
#[inline(never)]
fn stack() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

/// Filters over JSON that count their steps.
pub(super) struct Counted;

/// What a running filter has at hand.
#[derive(Clone, Copy)]
pub(super) struct Hand<'a> {
    pub(super) lut: &'a Lut<Counted>,
    pub(super) steps: &'a Steps,
}

impl DataT for Counted {
    type V<'a> = Val;
    type Data<'a> = Hand<'a>;
}

impl<'a> HasLut<'a, Counted> for Hand<'a> {
    fn lut(&self) -> &'a Lut<Counted> {
        self.lut
    }
}

/// Returns the filters that are written into others.
pub(super) fn funs() -> [Fun<Counted>; 2] {
    let step = Native::new(|cv: Cv<'_, Counted>| {
        let taken = cv.0.data().steps.take(&cv.1);
        Box::new(once(taken.map(|()| cv.1).map_err(ended)))
    })
    .with_paths(|cv| {
        let taken = cv.0.data().steps.take(&cv.1.0);
        Box::new(once(taken.map(|()| cv.1).map_err(ended)))
    })
    .with_update(|cv, update| match cv.0.data().steps.take(&cv.1) {
        Ok(()) => update(cv.1),
        Err(limit) => Box::new(once(Err(ended(limit)))),
    });
    let times = Native::new(|mut cv: Cv<'_, Counted>| {
        let right = cv.0.pop_var();
        let left = cv.0.pop_var();
        Box::new(once(product(left, right)))
    });
    [(STEP, v(0), step), (TIMES, v(2), times)]
}

/// Returns the name that a filter of jaq's has here.
pub(super) fn name_of(native: &'static str, arguments: usize) -> &'static str {
    if (native, arguments) == ("range", 3) { RANGE } else { native }
}

/// Returns definitions that count what they give.
pub(super) fn defs<'s>() -> [Def<&'s str>; 1] {
    let arguments = ["$from", "$to", "$by"];
    let range = Term::Call(RANGE, arguments.map(Term::Var).to_vec());
    [Def { name: "range", args: arguments.to_vec(), body: after(range, step()) }]
}

fn ended<'a>(limit: Limit) -> Exn<'a, Val> {
    Exn::halt(limit as i32)
}

fn product<'a>(left: Val, right: Val) -> ValX<'a, Val> {
    let size = match (&left, &right) {
        (Val::TStr(text) | Val::BStr(text), Val::Num(number))
        | (Val::Num(number), Val::TStr(text) | Val::BStr(text)) => text.len().saturating_mul(times(number)),
        _ => 0,
    };
    if size > MAX_TEXT { Err(ended(Limit::Size)) } else { (left * right).map_err(Exn::from) }
}

/// Returns how often a text is repeated that is multiplied by `number`; what is no whole number fails by itself.
fn times(number: &Num) -> usize {
    match number {
        Num::Int(count) => usize::try_from(*count).unwrap_or(0),
        Num::BigInt(count) => {
            let text = count.to_string();
            if text.starts_with('-') { 0 } else { usize::MAX }
        }
        Num::Float(_) | Num::Dec(_) => 0,
    }
}

/// Returns a definition whose body counts its steps.
pub(super) fn counted_def(def: Def<&str>) -> Def<&str> {
    Def { name: def.name, args: def.args, body: after(step(), counted(def.body)) }
}

/// Returns a definition of jaq's or of this room's, which counts its steps.
pub(super) fn known_def<'s>(def: Def<&'static str>) -> Def<&'s str> {
    counted_def(def)
}

fn step<'s>() -> Term<&'s str> {
    Term::Call(STEP, Vec::new())
}

/// Returns `first | second`.
fn after<'s>(first: Term<&'s str>, second: Term<&'s str>) -> Term<&'s str> {
    Term::BinOp(Box::new(first), BinaryOp::Pipe(None), Box::new(second))
}

fn boxed(mut term: Box<Term<&str>>) -> Box<Term<&str>> {
    *term = counted(std::mem::take(&mut *term));
    term
}

/// Returns a filter that gives the same and counts its steps.
pub(super) fn counted(term: Term<&str>) -> Term<&str> {
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => term,
        Term::Str(format, parts) => {
            let part = |part| match part {
                StrPart::Term(term) => StrPart::Term(counted(term)),
                other => other,
            };
            after(Term::Str(format, parts.into_iter().map(part).collect()), step())
        }
        Term::Arr(None) => term,
        Term::Arr(Some(items)) => after(Term::Arr(Some(Box::new(after(counted(*items), step())))), step()),
        Term::Obj(fields) => {
            let field = |(name, value): (_, Option<_>)| (counted(name), value.map(counted));
            after(Term::Obj(fields.into_iter().map(field).collect()), step())
        }
        Term::Neg(inner) => Term::Neg(boxed(inner)),
        Term::BinOp(left, op, right) => of_two(boxed(left), op, boxed(right)),
        Term::Label(name, inner) => Term::Label(name, boxed(inner)),
        Term::Fold(name, of, pattern, mut parts) => {
            // the first says what it begins with
            for part in parts.iter_mut().skip(1) {
                *part = after(step(), counted(std::mem::take(part)));
            }
            Term::Fold(name, boxed(of), counted_pattern(pattern), parts)
        }
        Term::TryCatch(tried, caught) => Term::TryCatch(boxed(tried), caught.map(boxed)),
        Term::IfThenElse(cases, otherwise) => {
            let case = |(condition, then)| (counted(condition), counted(then));
            Term::IfThenElse(cases.into_iter().map(case).collect(), otherwise.map(boxed))
        }
        Term::Def(defs, inner) => Term::Def(defs.into_iter().map(counted_def).collect(), boxed(inner)),
        Term::Call(name, arguments) => {
            // an argument is evaluated as often as it is named, and may be another's argument
            let argument = |argument| match argument {
                Term::Num(_) | Term::Var(_) => argument,
                other => after(step(), counted(other)),
            };
            Term::Call(name, arguments.into_iter().map(argument).collect())
        }
        Term::Path(inner, path) => {
            let part = |(part, opt)| {
                let part = match part {
                    Part::Index(index) => Part::Index(counted(index)),
                    Part::Range(from, to) => Part::Range(from.map(counted), to.map(counted)),
                };
                (part, opt)
            };
            Term::Path(boxed(inner), Path(path.0.into_iter().map(part).collect()))
        }
    }
}

fn of_two<'s>(left: Box<Term<&'s str>>, op: BinaryOp<&'s str>, right: Box<Term<&'s str>>) -> Term<&'s str> {
    match op {
        BinaryOp::Pipe(None) => after(after(*left, step()), *right),
        BinaryOp::Pipe(Some(pattern)) => {
            Term::BinOp(left, BinaryOp::Pipe(Some(counted_pattern(pattern))), Box::new(after(step(), *right)))
        }
        BinaryOp::Math(Math::Mul) => after(Term::Call(TIMES, vec![*left, *right]), step()),
        BinaryOp::Math(_) => after(Term::BinOp(left, op, right), step()),
        op => Term::BinOp(left, op, right),
    }
}

fn counted_pattern(pattern: Pattern<&str>) -> Pattern<&str> {
    match pattern {
        Pattern::Var(_) => pattern,
        Pattern::Arr(parts) => Pattern::Arr(parts.into_iter().map(counted_pattern).collect()),
        Pattern::Obj(fields) => {
            let field = |(name, pattern)| (counted(name), counted_pattern(pattern));
            Pattern::Obj(fields.into_iter().map(field).collect())
        }
    }
}
