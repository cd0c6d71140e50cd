//! Defaults, reflection, versions, what is random.

use super::{Args, convert, size};
use crate::lang::{Machine, Value, same};

pub(super) const NAMES: &[&str] = &[
    "default",
    "empty",
    "coalesce",
    "all",
    "any",
    "ternary",
    "typeOf",
    "typeIs",
    "typeIsLike",
    "kindOf",
    "kindIs",
    "deepEqual",
    "fail",
    "semver",
    "semverCompare",
    "uuidv4",
    "randAlphaNum",
    "randAlpha",
    "randAscii",
    "randNumeric",
    "randBytes",
];

pub(super) fn call(name: &str, args: &Args<'_>, machine: &mut Machine<'_>) -> Result<Value, String> {
    match name {
        "coalesce" | "all" | "any" => {}
        "default" => args.at_least(1)?,
        "uuidv4" => args.exactly(0)?,
        "ternary" => args.exactly(3)?,
        "typeIs" | "typeIsLike" | "kindIs" | "deepEqual" | "semverCompare" => args.exactly(2)?,
        _ => args.exactly(1)?,
    }
    let go_type = |at: usize| args.get(at).type_name();
    Ok(match name {
        "default" => {
            let given = args.get(1);
            if convert::empty(given) { args.get(0).clone() } else { given.clone() }
        }
        "empty" => Value::Bool(convert::empty(args.get(0))),
        "coalesce" => args.rest(0).iter().find(|one| !convert::empty(one)).cloned().unwrap_or(Value::Nil),
        "all" => Value::Bool(!args.rest(0).iter().any(convert::empty)),
        "any" => Value::Bool(args.rest(0).iter().any(|one| !convert::empty(one))),
        "ternary" => args.get(if args.flag(2)? { 0 } else { 1 }).clone(),
        "typeOf" => Value::text(go_type(0)),
        "typeIs" => Value::Bool(args.text(0)? == go_type(1)),
        "typeIsLike" => {
            let wanted = args.text(0)?;
            Value::Bool(wanted == go_type(1) || format!("*{wanted}") == go_type(1))
        }
        "kindOf" => Value::text(convert::kind(args.get(0))),
        "kindIs" => Value::Bool(args.text(0)? == convert::kind(args.get(1))),
        "deepEqual" => Value::Bool(same(args.get(0), args.get(1))),
        "fail" => return Err(args.text(0)?.to_owned()),
        "semver" => Value::Version(std::sync::Arc::new(version(args.text(0)?)?)),
        "semverCompare" => Value::Bool(constraint(args.text(0)?, args.text(1)?)?),
        "uuidv4" => Value::text(uuid(machine)),
        _ => random(name, args, machine)?,
    })
}

fn uuid(machine: &Machine<'_>) -> String {
    let high = machine.env.draw() & !0xf000 | 0x4000;
    let low = machine.env.draw() & !(0b11 << 62) | 1 << 63;
    let (high, low) = (format!("{high:016x}"), format!("{low:016x}"));
    let part = |text: &str, from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
    [part(&high, 0, 8), part(&high, 8, 12), part(&high, 12, 16), part(&low, 0, 4), part(&low, 4, 16)]
        .join("-")
}

fn random(name: &str, args: &Args<'_>, machine: &mut Machine<'_>) -> Result<Value, String> {
    let count = size(args.int(0)?);
    machine.grow(count)?;
    if name == "randBytes" {
        use base64::Engine as _;
        let bytes: Vec<u8> =
            (0..count).map(|_| u8::try_from(machine.env.draw() >> 56).unwrap_or(0)).collect();
        return Ok(Value::text(base64::engine::general_purpose::STANDARD.encode(bytes)));
    }
    let fits = |one: &u8| match name {
        "randAlphaNum" => one.is_ascii_alphanumeric(),
        "randAlpha" => one.is_ascii_alphabetic(),
        "randNumeric" => one.is_ascii_digit(),
        _ => true,
    };
    let letters: Vec<u8> = (32_u8..127).filter(fits).collect();
    let mut out = String::with_capacity(count);
    for _ in 0..count {
        let bound = u64::try_from(letters.len()).unwrap_or(1).max(1);
        let at = usize::try_from(machine.env.draw() % bound).unwrap_or(0);
        out.push(char::from(letters.get(at).copied().unwrap_or(b'0')));
    }
    Ok(Value::text(out))
}

/// Masterminds/semver `NewVersion`: a `v` before it and missing parts are fine.
fn version(text: &str) -> Result<semver::Version, String> {
    let invalid = || "Invalid Semantic Version".to_owned();
    let plain = text.strip_prefix('v').unwrap_or(text);
    let end = plain.find(['-', '+']).unwrap_or(plain.len());
    let (numbers, rest) = plain.split_at_checked(end).ok_or_else(invalid)?;
    let mut parts: Vec<&str> = numbers.split('.').collect();
    while parts.len() < 3 {
        parts.push("0");
    }
    let parts: Vec<String> = parts
        .iter()
        .map(|part| part.parse::<u64>().map(|number| number.to_string()).map_err(|_| invalid()))
        .collect::<Result<_, _>>()?;
    semver::Version::parse(&format!("{}{rest}", parts.join("."))).map_err(|_| invalid())
}

/// Masterminds/semver constraints: `||` between, commas or spaces inside, `1.2 - 2`, `~`, `^`, wildcards.
fn constraint(text: &str, candidate: &str) -> Result<bool, String> {
    let candidate = version(candidate)?;
    let mut holds = false;
    for group in text.split("||") {
        holds |= group_holds(group, &candidate)?;
    }
    Ok(holds)
}

fn group_holds(group: &str, candidate: &semver::Version) -> Result<bool, String> {
    if let Some((low, high)) = group.split_once(" - ") {
        return Ok(one_holds(&format!(">={}", low.trim()), candidate)?
            && one_holds(&format!("<={}", high.trim()), candidate)?);
    }
    let mut all = true;
    let mut operator = String::new();
    for word in group.split([',', ' ']).filter(|word| !word.is_empty()) {
        if word.chars().all(|one| "=!<>~^".contains(one)) {
            operator = word.to_owned();
            continue;
        }
        all &= one_holds(&format!("{operator}{word}"), candidate)?;
        operator.clear();
    }
    Ok(all)
}

fn one_holds(text: &str, candidate: &semver::Version) -> Result<bool, String> {
    let improper = || format!("improper constraint: {text}");
    let end = text.find(|one: char| !"=!<>~^".contains(one)).unwrap_or(text.len());
    let (operator, bound) = text.split_at_checked(end).ok_or_else(improper)?;
    let plain = bound.strip_prefix('v').unwrap_or(bound);
    let numbers: Vec<&str> = plain.split(['-', '+']).next().unwrap_or(plain).split('.').collect();
    let given = numbers.iter().take_while(|part| !matches!(**part, "x" | "X" | "*")).count().min(3);
    let filled = numbers.iter().take(given).copied().collect::<Vec<_>>().join(".");
    let suffix = plain.find('-').and_then(|at| plain.get(at..)).unwrap_or("");
    let low = if given == 0 {
        semver::Version::new(0, 0, 0)
    } else {
        version(&format!("{filled}{suffix}")).map_err(|_| improper())?
    };
    if !candidate.pre.is_empty() && low.pre.is_empty() {
        return Ok(false);
    }
    // The first version that is no longer meant by a bound with missing parts.
    let next = |level: usize| match level {
        0 => semver::Version::new(u64::MAX, 0, 0),
        1 => semver::Version::new(low.major.saturating_add(1), 0, 0),
        2 => semver::Version::new(low.major, low.minor.saturating_add(1), 0),
        _ => semver::Version::new(low.major, low.minor, low.patch.saturating_add(1)),
    };
    let within = |level: usize| *candidate >= low && *candidate < next(level);
    let partial = given < 3;
    Ok(match operator {
        "" | "=" | "==" if partial => within(given),
        "" | "=" | "==" => *candidate == low,
        "!=" if partial => !within(given),
        "!=" => *candidate != low,
        ">" if partial => *candidate >= next(given),
        ">" => *candidate > low,
        ">=" | "=>" => *candidate >= low,
        "<" => *candidate < low,
        "<=" | "=<" if partial => *candidate < next(given),
        "<=" | "=<" => *candidate <= low,
        "~" | "~>" => within(given.min(2)),
        "^" => {
            let level = if low.major > 0 || given < 2 {
                1
            } else if low.minor > 0 || given < 3 {
                2
            } else {
                3
            };
            within(if given == 0 { 0 } else { level })
        }
        _ => return Err(improper()),
    })
}
