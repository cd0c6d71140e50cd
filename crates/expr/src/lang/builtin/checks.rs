//! The types of builtins' arguments and results, before the run (expr-lang `builtin/builtin.go`, `Validate` and
//! `Types`).

use super::super::types::{Signature, Type};

/// Which argument is wrong (`None`: the call) and how.
type Wrong = (Option<usize>, String);

/// Checks arguments against a signature.
///
/// # Errors
/// Go's words.
pub(in crate::lang) fn fits(name: &str, signature: &Signature, args: &[Type]) -> Result<(), Wrong> {
    let wanted = signature.takes.len();
    let least = if signature.variadic { wanted.saturating_sub(1) } else { wanted };
    if args.len() < least {
        return Err((None, format!("not enough arguments to call {name}")));
    }
    if !signature.variadic && args.len() > wanted {
        return Err((None, format!("too many arguments to call {name}")));
    }
    for (at, arg) in args.iter().enumerate() {
        let Some(wanted) = signature.takes.get(at).or(signature.takes.last()) else { continue };
        let fits = match (arg, wanted) {
            (Type::Int, Type::Float) => true,
            (Type::Nil, Type::Zone) => true,
            (Type::Nil, _) if !wanted.is_unknown() => {
                let message =
                    format!("cannot use nil as argument (type {}) to call {name}", wanted.in_signature());
                return Err((Some(at), message));
            }
            // Any list is `[]interface {}`; a `[]string` is not.
            _ => arg.is_unknown() || arg.assignable_to(wanted),
        };
        if !fits {
            let (arg, wanted) = (arg.shown(), wanted.in_signature());
            return Err((Some(at), format!("cannot use {arg} as argument (type {wanted}) to call {name} ")));
        }
    }
    Ok(())
}

fn overload(name: &str, args: &[Type], signatures: &[(&[Type], Type)]) -> Result<Type, Wrong> {
    let mut last = None;
    for (takes, gives) in signatures {
        let signature = Signature { takes: takes.to_vec(), variadic: false, gives: gives.clone() };
        match fits(name, &signature, args) {
            Ok(()) => return Ok(signature.gives),
            Err(wrong) => last = Some(wrong),
        }
    }
    Err(last.unwrap_or_else(|| (None, format!("no matching overload for {name}"))))
}

fn exactly(args: &[Type], count: usize) -> Result<(), Wrong> {
    if args.len() == count {
        return Ok(());
    }
    Err((None, format!("invalid number of arguments (expected {count}, got {})", args.len())))
}

/// Checks the arguments of a builtin without a predicate and returns the type of its result.
///
/// # Errors
/// Go's words.
pub(in crate::lang) fn check(name: &str, args: &[Type]) -> Result<Type, Wrong> {
    const TEXT: Type = Type::Text;
    const INT: Type = Type::Int;
    const ANY: Type = Type::Unknown;
    match name {
        "type" | "string" | "toJSON" => overload(name, args, &[(&[ANY], TEXT)]),
        "trim" | "trimPrefix" | "trimSuffix" => {
            overload(name, args, &[(&[TEXT], TEXT), (&[TEXT, TEXT], TEXT)])
        }
        "upper" | "lower" | "toBase64" | "fromBase64" => overload(name, args, &[(&[TEXT], TEXT)]),
        "split" | "splitAfter" => {
            overload(name, args, &[(&[TEXT, TEXT], Type::Texts), (&[TEXT, TEXT, INT], Type::Texts)])
        }
        "replace" => overload(name, args, &[(&[TEXT, TEXT, TEXT, INT], TEXT), (&[TEXT, TEXT, TEXT], TEXT)]),
        "repeat" => overload(name, args, &[(&[TEXT, INT], TEXT)]),
        "join" => overload(
            name,
            args,
            &[
                (&[Type::Texts, TEXT], TEXT),
                (&[Type::list(), TEXT], TEXT),
                (&[Type::list()], TEXT),
                (&[Type::Texts], TEXT),
            ],
        ),
        "indexOf" | "lastIndexOf" => overload(name, args, &[(&[TEXT, TEXT], INT)]),
        "hasPrefix" | "hasSuffix" => overload(name, args, &[(&[TEXT, TEXT], Type::Bool)]),
        "fromJSON" => overload(name, args, &[(&[TEXT], ANY)]),
        "duration" => overload(name, args, &[(&[TEXT], Type::Duration)]),
        "timezone" => overload(name, args, &[(&[TEXT], Type::Zone)]),
        "sort" => overload(
            name,
            args,
            &[
                (&[Type::list(), TEXT], Type::list()),
                (&[Type::Texts, TEXT], Type::list()),
                (&[Type::Texts], Type::list()),
                (&[Type::list()], Type::list()),
            ],
        ),
        "bitnot" => overload(name, args, &[(&[INT], INT)]),
        "bitand" | "bitor" | "bitxor" | "bitnand" | "bitshl" | "bitshr" | "bitushr" => {
            overload(name, args, &[(&[INT, INT], INT)])
        }
        _ => validated(name, args),
    }
}

fn validated(name: &str, args: &[Type]) -> Result<Type, Wrong> {
    let shown = |at: usize| args.get(at).map_or_else(String::new, Type::in_signature);
    let wrong = |message: String| Err((None, message));
    match (name, args) {
        ("now", []) | ("now", [Type::Zone]) => Ok(Type::Time),
        ("now", _) => wrong(format!("invalid number of arguments (expected 0, got {})", args.len())),
        ("date", []) => wrong("invalid number of arguments (expected at least 1, got 0)".to_owned()),
        ("date", _) => {
            let rest = args.len().saturating_sub(usize::from(args.first() == Some(&Type::Zone)));
            if rest > 3 {
                return wrong(format!("invalid number of arguments (expected at most 3, got {rest})"));
            }
            Ok(Type::Time)
        }
        ("max" | "min" | "mean" | "median", _) => {
            let Some(first) = args.first() else {
                return wrong(format!("not enough arguments to call {name}"));
            };
            for arg in args {
                if arg.is_unknown() || arg.is_array() {
                    return Ok(Type::Unknown);
                }
                if !arg.is_number() {
                    return wrong(format!("invalid argument for {name} (type {})", arg.in_signature()));
                }
            }
            Ok(first.clone())
        }
        ("concat", []) => wrong("invalid number of arguments (expected at least 1, got 0)".to_owned()),
        ("concat", _) => match args.iter().find(|arg| !arg.is_unknown() && !arg.is_array()) {
            Some(arg) => wrong(format!("cannot concat {}", arg.in_signature())),
            None => Ok(Type::list()),
        },
        ("get", _) => {
            exactly(args, 2)?;
            get(args)
        }
        ("take", _) => {
            exactly(args, 2)?;
            match args {
                [list, _] if !list.is_unknown() && !list.is_array() => {
                    wrong(format!("cannot take from {}", shown(0)))
                }
                [_, count] if !count.is_unknown() && *count != Type::Int => {
                    wrong(format!("cannot take {} elements", shown(1)))
                }
                [list, _] => Ok(list.clone()),
                _ => Ok(Type::Unknown),
            }
        }
        _ => {
            exactly(args, 1)?;
            args.first().map_or(Ok(Type::Unknown), |arg| single(name, arg))
        }
    }
}

fn get(args: &[Type]) -> Result<Type, Wrong> {
    let [owner, key] = args else { return Ok(Type::Unknown) };
    match owner {
        Type::Unknown => Ok(Type::Unknown),
        _ if owner.is_array() && *key != Type::Int && !key.is_unknown() => {
            Err((Some(1), format!("non-integer slice index {}", key.shown())))
        }
        Type::Map if *key != Type::Text && !key.is_unknown() => {
            let message = format!("cannot use {} to get an element from {}", key.shown(), owner.shown());
            Err((Some(1), message))
        }
        _ if owner.is_array() || owner.is_map() => Ok(owner.item()),
        _ => Err((Some(0), format!("type {} does not support indexing", owner.shown()))),
    }
}

fn single(name: &str, arg: &Type) -> Result<Type, Wrong> {
    let any = arg.is_unknown();
    let shown = arg.in_signature();
    let (fits, gives, message) = match name {
        "len" => (
            any || arg.is_array() || arg.is_map() || *arg == Type::Text,
            Type::Int,
            format!("invalid argument for len (type {shown})"),
        ),
        "abs" => (any || arg.is_number(), arg.clone(), format!("invalid argument for abs (type {shown})")),
        "ceil" | "floor" | "round" => {
            (any || arg.is_number(), Type::Float, format!("invalid argument for {name} (type {shown})"))
        }
        "int" | "float" => (
            any || arg.is_number()
                || matches!(arg, Type::Text | Type::Duration | Type::Month | Type::Weekday),
            if name == "int" { Type::Int } else { Type::Float },
            format!("invalid argument for {name} (type {shown})"),
        ),
        "first" | "last" => {
            (any || arg.is_array(), arg.item(), format!("cannot get {name} element from {shown}"))
        }
        "keys" | "values" => (any || arg.is_map(), Type::list(), format!("cannot get {name} from {shown}")),
        "toPairs" => (any || arg.is_map(), Type::list(), format!("cannot transform {shown} to pairs")),
        "fromPairs" => (
            any || arg.is_array(),
            Type::Groups(Box::new(Type::Unknown)),
            format!("cannot transform {shown} from pairs"),
        ),
        _ => (any || arg.is_array(), Type::list(), format!("cannot {name} {shown}")),
    };
    if fits { Ok(gives) } else { Err((None, message)) }
}
