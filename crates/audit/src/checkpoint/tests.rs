//! Notes of a fixed key, and what an attacker would make of them.

use aws_lc_rs::signature::Ed25519KeyPair;

use super::*;

fn key(seed: u8) -> LogKey {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    LogKey::from_pkcs8(pair.to_pkcs8().unwrap().as_ref()).unwrap()
}

#[test]
fn a_note_is_written_as_the_specification_says() {
    let note = key(7).sign(5, [0xab; 32]);
    let lines: Vec<&str> = note.split('\n').collect();
    assert!(lines[0].starts_with("marque.dev/log/") && lines[0].len() == 31, "{}", lines[0]);
    assert_eq!(lines[1], "5");
    assert_eq!(lines[2], STANDARD.encode([0xab; 32]));
    assert_eq!(lines[3], "");
    assert!(lines[4].starts_with(&format!("\u{2014} {} ", lines[0])));
    assert_eq!(lines[5], "");
    assert_eq!(lines.len(), 6);
}

#[test]
fn signing_is_deterministic_so_equal_heads_have_equal_notes() {
    assert_eq!(key(7).sign(5, [1; 32]), key(7).sign(5, [1; 32]));
}

#[test]
fn pkcs8_of_version_1_and_2_give_the_same_key() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap();
    let one = LogKey::from_pkcs8(pair.to_pkcs8v1().unwrap().as_ref()).unwrap();
    let two = LogKey::from_pkcs8(pair.to_pkcs8().unwrap().as_ref()).unwrap();
    assert_eq!(one.public(), two.public());
}

#[test]
fn a_signed_checkpoint_is_read_back() {
    let key = key(1);
    let checkpoint = Checkpoint::open(&key.sign(12, [9; 32]), key.public()).unwrap();
    assert_eq!((checkpoint.size, checkpoint.root), (12, [9; 32]));
}

#[test]
fn any_changed_byte_of_a_note_is_refused() {
    let key = key(1);
    let note = key.sign(1_234, [9; 32]);
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            assert!(Checkpoint::open(&text, key.public()).is_err(), "byte {at} bit {bit}: {text:?}");
        }
    }
}

#[test]
fn another_key_opens_nothing() {
    assert!(Checkpoint::open(&key(1).sign(3, [9; 32]), key(2).public()).is_err());
}

#[test]
fn a_witness_may_sign_too_but_not_instead() {
    let key = key(1);
    let note = key.sign(3, [9; 32]);
    let witness = format!("\u{2014} witness.example {}\n", STANDARD.encode([0; 76]));
    assert!(Checkpoint::open(&format!("{note}{witness}"), key.public()).is_ok());
    let (text, _) = note.split_once("\n\n").unwrap();
    let alone = Checkpoint::open(&format!("{text}\n\n{witness}"), key.public());
    assert!(matches!(alone, Err(AuditError::BadSignature)));
}

#[test]
fn malformed_notes_are_refused_with_the_reason() {
    let key = key(1);
    let origin = key.public().origin().to_owned();
    let root = STANDARD.encode([0; 32]);
    let sig = format!("\u{2014} {origin} {}", STANDARD.encode([0; 68]));
    for (note, why) in [
        (String::new(), "empty line"),
        (format!("{origin}\n01\n{root}\n\n{sig}\n"), "decimal"),
        (format!("{origin}\n+1\n{root}\n\n{sig}\n"), "decimal"),
        (format!("{origin}\n18446744073709551616\n{root}\n\n{sig}\n"), "decimal"),
        (format!("{origin}\n1\nAAAA\n\n{sig}\n"), "32 bytes"),
        (format!("{origin}\n1\n{root}\nmore\n\n{sig}\n"), "three lines"),
        (format!("{origin}\n1\n{root}\n\n{sig}"), "does not end"),
        (format!("{origin}\n1\n{root}\n\n- {origin} AAAA\n"), "malformed"),
        (format!("other\n1\n{root}\n\n{sig}\n"), "another log"),
        (format!("{origin}\r\n1\n{root}\n\n{sig}\n"), "control"),
        (format!("{origin}\n1\n{root}\n\n{}", format!("{sig}\n").repeat(33)), "too many"),
        ("x".repeat(MAX_NOTE_BYTES + 1), "too long"),
    ] {
        let error = Checkpoint::open(&note, key.public()).unwrap_err().to_string();
        assert!(error.contains(why), "{error:?} does not say {why:?}");
    }
}

#[test]
fn a_public_key_survives_its_text_and_a_forged_name_does_not() {
    let public = key(1).public().clone();
    let text = public.to_string();
    assert_eq!(LogPublicKey::parse(&text).unwrap(), public);
    assert!(LogPublicKey::parse(&text.replacen("marque.dev", "marque.org", 1)).is_err());
    assert!(LogPublicKey::parse("name+00000000").is_err());
    assert!(LogPublicKey::parse("name+00000000+AAAA").is_err());
}

#[test]
fn a_key_is_never_printed() {
    let printed = format!("{:?}", key(0x41));
    assert!(!printed.contains("65, 65"), "{printed}");
}
