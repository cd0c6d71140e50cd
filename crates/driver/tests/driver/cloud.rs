//! Azure's and Google's stores.

use serde_json::json;

use crate::peer::{Bench, Service, asked, at, client, key};

/// The emulator's account: its key is the documented one.
const AZURE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

#[tokio::test]
async fn azures_own_client_reads_what_was_saved_and_is_read() {
    let service = Service::azurite();
    let endpoint = format!("{}/devstoreaccount1", service.url());
    client(&["azure", &endpoint, "make", "box"], &[]);
    let bench = Bench::new().secret(&[("good", AZURE_KEY), ("bad", "aHVudGVyMg==")]);
    let place = |blob: &str, secret: &str| {
        at(
            "azure",
            json!({"endpoint": endpoint, "container": "box", "blob": blob, "accountKeySecret": key(secret)}),
        )
    };
    for (name, content) in [("a/plain.txt", b"content".as_slice()), ("a/b c/ü.tgz", b"odd")] {
        let file = bench.write("in", content);
        bench.save(&place(name, "good"), &file).await.unwrap();
        assert_eq!(client(&["azure", &endpoint, "get", "box", name], &[]), content, "{name}");
        let put = format!("{name}.sdk");
        client(&["azure", &endpoint, "put", "box", &put, &file.display().to_string()], &[]);
        assert_eq!(bench.load(&place(&put, "good")).await.unwrap()[""], content, "{put}");
    }
    assert_eq!(bench.list(&place("a", "good")).await.unwrap().len(), 4);
    let file = bench.write("in", b"x");
    let refused = bench.save(&place("x", "bad"), &file).await.unwrap_err();
    assert!(!refused.contains("aHVudGVyMg"), "{refused}");
    bench.delete(&place("a", "good")).await.unwrap();
    assert_eq!(asked(&["azure", &endpoint, "list", "box"]), json!([]));
}

#[tokio::test]
async fn googles_store_is_asked_with_the_service_accounts_signature() {
    let keys = asked(&["key"]);
    let bench = Bench::new();
    let public = bench.write("public.pem", keys[1].as_str().unwrap().as_bytes());
    let service = Service::python(&["gcs", &public.display().to_string()], &[]);
    // the service's address is in the key file, as object stores' own test suites do it
    let account = |key: &str| json!({"gcs_base_url": service.url(), "client_email": "robot@peer", "private_key_id": "1", "private_key": key});
    let (good, bad) = (account(keys[0].as_str().unwrap()), account(asked(&["key"])[0].as_str().unwrap()));
    let bench = bench.secret(&[
        ("good", &good.to_string()),
        ("bad", &bad.to_string()),
        ("broken", "{\"private_key\": \"hunter2\""),
    ]);
    let place = |name: &str, secret: &str| {
        at("gcs", json!({"bucket": "bucket", "key": name, "serviceAccountKeySecret": key(secret)}))
    };
    bench.write("dir/b.txt", b"content");
    bench.write("dir/c/d \u{fc}", b"odd");
    bench.save(&place("a", "good"), &bench.path("dir")).await.unwrap();
    assert_eq!(bench.list(&place("a", "good")).await.unwrap(), ["a/b.txt", "a/c/d \u{fc}"]);
    assert_eq!(bench.load(&place("a/b.txt", "good")).await.unwrap()[""], b"content");
    assert_eq!(bench.load(&place("a", "good")).await.unwrap()["/c/d \u{fc}"], b"odd");
    let anonymous = at("gcs", json!({"bucket": "bucket", "key": "a"}));
    for place in [place("a/b.txt", "bad"), place("a", "broken"), anonymous] {
        let error = bench.load(&place).await.unwrap_err();
        assert!(!error.contains("hunter2") && !error.contains("PRIVATE KEY"), "{error}");
    }
    bench.delete(&place("a", "good")).await.unwrap();
    assert!(bench.load(&place("a", "good")).await.unwrap_err().contains("not found"));
}
