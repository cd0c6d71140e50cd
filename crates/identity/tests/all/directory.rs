//! The local directory.

use std::sync::OnceLock;

use identity::{LocalDirectory, LocalUser, PrincipalKind, Secret, hash_password};

use crate::mint::now;

const ISSUER: &str = "https://marque.example.com";

/// The hash of `correct horse`, made once because it is dear by design.
fn hash() -> Secret {
    static HASH: OnceLock<Secret> = OnceLock::new();
    HASH.get_or_init(|| hash_password(&Secret::new("correct horse"), [5; 16]).unwrap()).clone()
}

fn user(name: &str) -> LocalUser {
    LocalUser {
        name: name.to_owned(),
        password_hash: hash(),
        groups: vec!["b".to_owned(), "a".to_owned(), "b".to_owned()],
        display_name: Some("Somebody".to_owned()),
        email: None,
        disabled: false,
    }
}

#[test]
fn the_right_password_gives_the_caller_and_every_other_the_same_refusal() {
    let mut former = user("former");
    former.disabled = true;
    let directory = LocalDirectory::parse(vec![user("alice"), former], ISSUER).unwrap();
    let caller = directory.verify_password("alice", &Secret::new("correct horse"), now()).unwrap();
    let principal = caller.principal();
    assert_eq!((principal.key.issuer.as_str(), principal.key.subject.as_str()), (ISSUER, "alice"));
    assert_eq!((principal.provider.as_str(), principal.kind), ("local", PrincipalKind::User));
    assert_eq!(principal.groups, ["a", "b"]);
    assert_eq!((principal.amr.as_slice(), principal.auth_time), (["pwd".to_owned()].as_slice(), Some(now())));
    for (case, name, password) in [
        ("wrong password", "alice", "correct horsf"),
        ("unknown user", "mallory", "correct horse"),
        ("disabled user", "former", "correct horse"),
        ("empty password", "alice", ""),
        ("blank password", "alice", " \t"),
        ("password with more", "alice", "correct horse "),
        ("empty user", "", "correct horse"),
        ("user in other case", "Alice", "correct horse"),
        ("user with NUL", "alice\0", "correct horse"),
        ("what a refused password is replaced by", "alice", "-"),
    ] {
        let error = directory.verify_password(name, &Secret::new(password), now()).expect_err(case);
        assert_eq!(error.to_string(), "the user name or the password is wrong", "{case}");
    }
    let endless = Secret::new("x".repeat(10 * 1024 * 1024));
    directory.verify_password("alice", &endless, now()).expect_err("10 MiB");
}

#[test]
fn a_blank_password_is_refused_even_where_its_hash_is_stored() {
    // `argon2id` itself hashes the empty text gladly; the entry was made elsewhere.
    let argon2 =
        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, argon2::Params::default());
    let salt = argon2::password_hash::SaltString::encode_b64(&[5; 16]).unwrap();
    let empty = argon2::PasswordHasher::hash_password(&argon2, b"", &salt).unwrap().to_string();
    let mut entry = user("alice");
    entry.password_hash = Secret::new(empty);
    let directory = LocalDirectory::parse(vec![entry], ISSUER).unwrap();
    directory.verify_password("alice", &Secret::new(""), now()).expect_err("empty");
    directory.verify_password("alice", &Secret::new("-"), now()).expect_err("its replacement");
    let mut entry = user("dash");
    entry.password_hash = hash_password(&Secret::new("-"), [5; 16]).unwrap();
    let directory = LocalDirectory::parse(vec![entry], ISSUER).unwrap();
    directory.verify_password("dash", &Secret::new("-"), now()).expect("the password of this user");
    directory.verify_password("dash", &Secret::new(""), now()).expect_err("empty, for which `-` is hashed");
}

#[test]
fn an_empty_directory_lets_nobody_in() {
    let directory = LocalDirectory::parse(Vec::new(), ISSUER).unwrap();
    directory.verify_password("alice", &Secret::new("correct horse"), now()).expect_err("nobody");
    assert_eq!(directory.names().count(), 0);
}

#[test]
fn descriptions_are_no_proofs_and_nothing_secret_is_printed() {
    let directory = LocalDirectory::parse(vec![user("alice"), user("bob")], ISSUER).unwrap();
    assert_eq!(directory.names().collect::<Vec<_>>(), ["alice", "bob"]);
    assert_eq!(directory.principal("bob").unwrap().key.subject, "bob");
    assert!(directory.principal("mallory").is_none());
    for printed in [format!("{directory:?}"), format!("{:?}", user("alice"))] {
        assert!(
            printed.contains("alice") && !printed.contains("argon2") && !printed.contains("$"),
            "{printed}"
        );
    }
}

#[test]
fn every_bad_entry_is_reported() {
    let hash = |text: &str| {
        let mut user = user("x");
        user.password_hash = Secret::new(text);
        user
    };
    let good = self::hash();
    let good = good.expose();
    let with_params = |params: &str| good.replacen("m=19456,t=2,p=1", params, 1);
    for (case, entry) in [
        ("empty name", user("")),
        ("padded name", user(" alice")),
        ("name with newline", user("alice\n")),
        ("long name", user(&"a".repeat(256))),
        ("no hash", hash("")),
        ("password in clear", hash("hunter2")),
        ("argon2i", hash(&good.replacen("argon2id", "argon2i", 1))),
        ("bcrypt", hash("$2b$12$abcdefghijklmnopqrstuuAbCdEfGhIjKlMnOpQrStUvWxYz01234")),
        ("old version", hash(&good.replacen("v=19", "v=16", 1))),
        ("no version", hash(&good.replacen("$v=19", "", 1))),
        ("cheap memory", hash(&with_params("m=4096,t=3,p=1"))),
        ("cheap passes", hash(&with_params("m=7168,t=1,p=1"))),
        ("dear memory", hash(&with_params("m=4194304,t=1,p=1"))),
        ("dear passes", hash(&with_params("m=19456,t=1000,p=1"))),
        ("dear lanes", hash(&with_params("m=19456,t=2,p=64"))),
        ("no output", hash(good.rsplit_once('$').unwrap().0)),
    ] {
        let faults = LocalDirectory::parse(vec![entry, user("bob")], ISSUER).expect_err(case);
        assert_eq!(faults.len(), 1, "{case}: {faults:?}");
        assert_eq!(faults[0].code().0, "IDN0022", "{case}");
        assert!(!faults[0].to_string().contains("hunter2"));
    }
    let clash =
        LocalDirectory::parse(vec![user("alice"), user("Alice"), user("bob"), user("")], ISSUER).unwrap_err();
    assert_eq!(clash.len(), 2, "{clash:?}");
}

#[test]
fn passwords_that_could_not_be_used_are_not_hashed() {
    for (case, password) in [("empty", String::new()), ("blank", "  ".to_owned()), ("long", "x".repeat(1025))]
    {
        assert_eq!(hash_password(&Secret::new(password), [5; 16]).expect_err(case).code().0, "IDN0023");
    }
    assert!(hash().expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}
