//! Base64, base32, JSON, checksums.

use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use sha1::Digest as _;

use super::Args;
use crate::lang::{
    self, Machine, Value,
    print::{self, Style},
};

pub(super) const NAMES: &[&str] = &[
    "b64enc",
    "b64dec",
    "b32enc",
    "b32dec",
    "fromJson",
    "toJson",
    "toPrettyJson",
    "toRawJson",
    "mustFromJson",
    "mustToJson",
    "mustToPrettyJson",
    "mustToRawJson",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "adler32sum",
];

/// Reads what Go reads: bits behind the last whole byte may be anything.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Returns the byte that Go's `encoding/base64` finds fault with.
fn illegal_at(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let in_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let mut rest = bytes.iter().enumerate().filter(|(_, byte)| !is_break(byte));
    let mut in_group = 0_usize;
    for (at, byte) in rest.by_ref() {
        match *byte {
            b'=' if in_group == 2 => {
                return match rest.next() {
                    None => bytes.len(),
                    Some((_, b'=')) => rest.next().map_or(bytes.len(), |(at, _)| at),
                    Some(_) => at,
                };
            }
            b'=' if in_group == 3 => return rest.next().map_or(bytes.len(), |(at, _)| at),
            byte if in_alphabet(byte) => in_group = in_group.saturating_add(1) % 4,
            _ => return at,
        }
    }
    bytes.len().saturating_sub(in_group)
}

fn hex(bytes: &[u8]) -> Value {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    Value::text(out)
}

pub(super) fn call(name: &str, args: &Args<'_>, machine: &mut Machine<'_>) -> Result<Value, String> {
    args.exactly(1)?;
    let must = name.starts_with("must");
    let style = match name.to_lowercase() {
        lower if lower.ends_with("tojson") => Some(Style::Compact),
        lower if lower.ends_with("toprettyjson") => Some(Style::Indented),
        lower if lower.ends_with("torawjson") => Some(Style::Raw),
        _ => None,
    };
    if let Some(style) = style {
        return match print::json(args.get(0), style) {
            Ok(text) => Ok(Value::text(text)),
            Err(reason) if must || style == Style::Raw => Err(reason),
            Err(_) => Ok(Value::text("")),
        };
    }
    let text = args.text(0)?;
    machine.step(text.len() / 8)?;
    Ok(match name {
        "b64enc" => Value::text(STANDARD.encode(text)),
        "b64dec" => Value::text(match LENIENT.decode(text.replace(['\n', '\r'], "")) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) => format!("illegal base64 data at input byte {}", illegal_at(text)),
        }),
        "b32enc" => Value::text(base32_encode(text.as_bytes())),
        "b32dec" => Value::text(
            base32_decode(text).unwrap_or_else(|at| format!("illegal base32 data at input byte {at}")),
        ),
        "sha1sum" => hex(&sha1::Sha1::digest(text)),
        "sha256sum" => hex(&sha2::Sha256::digest(text)),
        "sha512sum" => hex(&sha2::Sha512::digest(text)),
        "adler32sum" => Value::text(adler32(text.as_bytes()).to_string()),
        _ => match lang::from_json(text) {
            Ok(value) => value,
            Err(reason) if must => return Err(reason),
            Err(_) => Value::Nil,
        },
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b): (u32, u32) = (1, 0);
    for byte in bytes {
        a = (a.wrapping_add(u32::from(*byte))) % 65_521;
        b = (b.wrapping_add(a)) % 65_521;
    }
    b << 16 | a
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32_encode(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let mut block: u64 = 0;
        for at in 0..5 {
            block = block << 8 | u64::from(chunk.get(at).copied().unwrap_or(0));
        }
        let letters = chunk.len().saturating_mul(8).div_ceil(5);
        for at in 0..8_usize {
            let shift = 35_usize.saturating_sub(at.saturating_mul(5));
            let index = usize::try_from(block >> shift & 31).unwrap_or(0);
            let letter = ALPHABET.get(index).copied().unwrap_or(b'=');
            out.push(if at < letters { char::from(letter) } else { '=' });
        }
    }
    out
}

fn base32_decode(text: &str) -> Result<String, usize> {
    let clean: Vec<u8> = text.bytes().filter(|one| !matches!(one, b'\n' | b'\r')).collect();
    if !clean.len().is_multiple_of(8) {
        return Err(clean.len());
    }
    let end = clean.iter().position(|one| *one == b'=').unwrap_or(clean.len());
    if clean.iter().skip(end).any(|one| *one != b'=') {
        return Err(end);
    }
    let (mut bits, mut count): (u64, u32) = (0, 0);
    let mut bytes = Vec::new();
    for (at, one) in clean.iter().take(end).enumerate() {
        let index = ALPHABET.iter().position(|letter| letter == one).ok_or(at)?;
        bits = (bits << 5 | u64::try_from(index).unwrap_or(0)) & 0xfff;
        count = count.saturating_add(5);
        if count >= 8 {
            count = count.saturating_sub(8);
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
