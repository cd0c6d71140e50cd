//! Settings of issuers, good and bad (cases 1 and 23 in part).

use identity::{IssuerConfig, IssuerSettings, check_endpoint};

use crate::mint::settings;

#[track_caller]
fn refused(setting: &str, change: impl Fn(&mut IssuerSettings)) {
    let mut settings = settings();
    change(&mut settings);
    let error = IssuerConfig::new(settings).expect_err(setting);
    assert_eq!(error.code().0, "IDN0021");
    assert!(error.to_string().contains(&format!("`{setting}`")), "{error}");
}

#[test]
fn settings_that_could_not_work_or_are_not_safe_are_refused() {
    IssuerConfig::new(settings()).unwrap();
    for name in ["", "Company", "a b", "a/b", "local", "os", "a#b"] {
        refused("name", |settings| settings.name = name.to_owned());
    }
    refused("issuer", |settings| settings.issuer = "http://id.example.com".to_owned());
    refused("issuer", |settings| settings.issuer = "https://id.example.com?x=1".to_owned());
    refused("audiences", |settings| settings.audiences.clear());
    refused("audiences", |settings| settings.audiences.push(String::new()));
    refused("audiences", |settings| settings.audiences.push("marque-cli".to_owned()));
    refused("algorithms", |settings| settings.algorithms.clear());
    refused("accept_typ", |settings| settings.accept_typ.clear());
    refused("accept_typ", |settings| settings.accept_typ.push(String::new()));
    refused("clock_skew_seconds", |settings| settings.clock_skew_seconds = 61);
    refused("max_token_age_seconds", |settings| settings.max_token_age_seconds = 0);
    refused("groups_truncated_at", |settings| {
        settings.groups_claim = None;
        settings.groups_truncated_at = Some(100);
    });
}

#[test]
fn addresses_that_may_not_be_fetched_are_refused() {
    for good in [
        "https://id.example.com",
        "https://id.example.com/realms/one/",
        "https://10.0.0.1:8443/x",
        "http://127.0.0.1:8080",
        "http://127.1.2.3",
        "http://localhost:1",
        "http://[::1]:8080/x",
    ] {
        check_endpoint("issuer", good).unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for bad in [
        "",
        "id.example.com",
        "//id.example.com",
        "http://id.example.com",
        "http://10.0.0.1",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "https://user@id.example.com",
        "https://user:pass@id.example.com",
        "https://id.example.com#fragment",
        "https:\\\\id.example.com",
        "https://id.example.com/\\evil",
        "https://id.exa\tmple.com",
        "https://id.example.com/\n",
        " https://id.example.com",
        "https://169.254.169.254/latest",
        "https://2852039166/latest",
        "https://[fe80::1]/",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:a9fe:a9fe]/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/plain,x",
    ] {
        assert!(check_endpoint("issuer", bad).is_err(), "`{bad}`");
    }
}
