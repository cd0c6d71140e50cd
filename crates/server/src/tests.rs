//! The table of endpoints as text that a person can read, compared with what was agreed.

use std::collections::BTreeSet;

use policy::EffectKind;

use crate::endpoint::{Access, all, endpoints};

const TABLE: &str = include_str!("../tests/endpoints.txt");

#[test]
fn the_table_of_endpoints_is_the_agreed_one() {
    let table = endpoints();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/endpoints.txt"), &table).unwrap();
    }
    for (agreed, actual) in TABLE.lines().zip(table.lines()) {
        assert_eq!(agreed, actual);
    }
    assert_eq!(TABLE, table, "run with UPDATE_EXPECT=1 and read the difference in review");
}

#[test]
fn every_endpoint_has_an_act_or_a_reason_to_be_public() {
    for endpoint in all() {
        match endpoint.access {
            Access::Public(why) => assert!(!why.is_empty(), "{} is public for no reason", endpoint.path),
            Access::Vouched | Access::VouchedOrSigned => {
                assert!(!endpoint.acts.is_empty(), "{} does no act", endpoint.path)
            }
        }
    }
}

#[test]
fn a_change_is_never_asked_for_with_get() {
    for endpoint in all().iter().filter(|endpoint| endpoint.method == axum::http::Method::GET) {
        assert!(endpoint.acts.iter().all(|act| act.effect == EffectKind::Read), "{}", endpoint.path);
    }
}

#[test]
fn every_path_of_argos_api_is_in_the_table() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/argo/api/swagger.json");
    let Ok(text) = std::fs::read_to_string(file) else {
        println!("ABSENT: the corpus shared/argo/api is not there, so Argo's paths were not compared");
        return;
    };
    let swagger: serde_json::Value = serde_json::from_str(&text).unwrap();
    let ours: BTreeSet<(String, String)> =
        all().iter().map(|endpoint| (endpoint.method.to_string(), endpoint.path.to_owned())).collect();
    let mut missing = Vec::new();
    for (path, methods) in swagger["paths"].as_object().unwrap() {
        for method in
            ["get", "put", "post", "delete", "patch"].iter().filter(|method| methods.get(method).is_some())
        {
            if !ours.contains(&(method.to_uppercase(), path.clone())) {
                missing.push(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_error_code_of_this_crate_has_its_page() {
    let errors = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
    let sources = ["error.rs", "authn.rs", "config/read.rs"];
    let mut codes = BTreeSet::new();
    for source in sources {
        let text = std::fs::read_to_string(format!("{}/src/{source}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        codes.extend(text.match_indices("\"SRV").map(|(at, _)| text[at + 1..at + 8].to_owned()));
    }
    assert!(codes.len() > 20);
    for code in codes {
        let page = std::fs::read_to_string(format!("{errors}/{code}.md")).unwrap_or_default();
        assert!(page.starts_with(&format!("# {code}: ")), "{code} has no page");
    }
}
