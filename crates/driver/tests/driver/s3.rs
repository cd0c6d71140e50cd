//! S3: what we write boto3 reads, and the other way round.

use serde_json::{Value, json};

use crate::peer::{Bench, Service, asked, at, client, key};

fn place(service: &Service, name: &str, more: Value) -> model::argo::Location {
    let mut fields = json!({
        "endpoint": format!("127.0.0.1:{}", service.port), "insecure": true, "bucket": "bucket", "key": name,
        "accessKeySecret": key("access"), "secretKeySecret": key("secret"),
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        fields[field] = value.clone();
    }
    at("s3", fields)
}

fn bench() -> Bench {
    Bench::new().secret(&[("access", "someone"), ("secret", "hunter2-of-someone")])
}

#[tokio::test]
async fn boto3_reads_what_was_saved_and_is_read() {
    let (service, bench) = (Service::python(&["s3"], &[]), bench());
    let url = service.url();
    client(&["s3", &url, "make", "bucket"], &[]);
    // larger than what is sent at once
    let large: Vec<u8> = (0..12_000_000_u32).flat_map(|n| n.to_le_bytes()).take(12_000_000).collect();
    for (name, content) in [
        ("plain.txt", b"content".as_slice()),
        ("a b/ü#?%2F~[x]+.tgz", b"odd"),
        ("large", &large),
        ("empty", b""),
    ] {
        let file = bench.write("in", content);
        bench.save(&place(&service, name, json!({})), &file).await.unwrap();
        assert!(client(&["s3", &url, "get", "bucket", name], &[]) == content, "{name}");
        let put = format!("{name}.boto");
        client(&["s3", &url, "put", "bucket", &put, &file.display().to_string()], &[]);
        let found = bench.load(&place(&service, &put, json!({}))).await.unwrap();
        assert!(found[""] == content, "{put}");
    }
}

#[tokio::test]
async fn a_folder_is_an_object_a_file() {
    let (service, bench) = (Service::python(&["s3"], &[]), bench());
    let url = service.url();
    client(&["s3", &url, "make", "bucket"], &[]);
    bench.write("folder/sub/1", b"one");
    bench.write("folder/2", b"two");
    bench.save(&place(&service, "/out/dir", json!({})), &bench.path("folder")).await.unwrap();
    assert_eq!(asked(&["s3", &url, "list", "bucket"]), json!(["out/dir/2", "out/dir/sub/1"]));
    // what other clients leave for a folder
    let empty = bench.write("none", b"");
    client(&["s3", &url, "put", "bucket", "out/dir/sub/", &empty.display().to_string()], &[]);
    client(&["s3", &url, "put", "bucket", "out/dir2/3", &empty.display().to_string()], &[]);
    let found = bench.load(&place(&service, "out/dir", json!({}))).await.unwrap();
    assert_eq!(Vec::from_iter(found.keys()), ["/2", "/sub/1"]);
    let listed = bench.list(&place(&service, "out/dir", json!({}))).await.unwrap();
    assert_eq!(listed, ["out/dir/2", "out/dir/sub/1"]);
    let everything = place(&service, "", json!({}));
    assert_eq!(bench.list(&everything).await.unwrap(), ["out/dir/2", "out/dir/sub/1", "out/dir2/3"]);
    for refused in [bench.delete(&everything).await, bench.save(&everything, &bench.path("folder")).await] {
        assert!(
            refused.unwrap_err().contains("cannot be an artifact's key"),
            "a whole bucket is only listed"
        );
    }
    bench.delete(&place(&service, "out/dir", json!({}))).await.unwrap();
    let left = bench.load(&place(&service, "out/dir", json!({}))).await.unwrap_err();
    assert!(left.contains("not found"), "{left}");
    assert_eq!(asked(&["s3", &url, "list", "bucket"]).as_array().unwrap().last(), Some(&json!("out/dir2/3")));
}

#[tokio::test]
async fn a_bucket_is_made_if_that_is_asked_for() {
    let (service, bench) = (Service::python(&["s3"], &[]), bench());
    let file = bench.write("in", b"content");
    let without = bench.save(&place(&service, "k", json!({})), &file).await.unwrap_err();
    assert!(!without.contains("hunter2"), "{without}");
    for region in ["", "eu-west-1"] {
        let bucket = format!("made{region}");
        let more = json!({"bucket": bucket, "createBucketIfNotPresent": {}, "region": region});
        for _ in 0..2 {
            bench.save(&place(&service, "k", more.clone()), &file).await.unwrap();
        }
        assert_eq!(client(&["s3", &service.url(), "get", &bucket, "k"], &[]), b"content");
    }
    let locked = json!({"bucket": "l", "createBucketIfNotPresent": {"objectLocking": true}});
    let refused = bench.save(&place(&service, "k", locked), &file).await.unwrap_err();
    assert!(refused.contains("`objectLocking`"), "{refused}");
}

#[tokio::test]
async fn objects_are_encrypted_as_asked() {
    let (service, bench) = (Service::python(&["s3"], &[]), bench());
    let url = service.url();
    client(&["s3", &url, "make", "bucket"], &[]);
    let file = bench.write("in", b"content");
    for (name, options, expected) in [
        ("plain", json!({}), json!({"ServerSideEncryption": null})),
        ("aes", json!({"enableEncryption": true}), json!({"ServerSideEncryption": "AES256"})),
        (
            "kms",
            json!({"enableEncryption": true, "kmsKeyId": "id-1"}),
            json!({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "id-1"}),
        ),
    ] {
        bench.save(&place(&service, name, json!({"encryptionOptions": options})), &file).await.unwrap();
        let head = asked(&["s3", &url, "head", "bucket", name]);
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&head[field], value, "{name}: {head}");
        }
    }
}

#[tokio::test]
async fn requests_are_signed_and_a_wrong_key_is_refused_without_being_told() {
    // the service checks signatures once the user, the policy, the bucket and the key are made
    let service = Service::python(&["s3"], &[("INITIAL_NO_AUTH_ACTION_COUNT", "4")]);
    let made: Vec<String> =
        serde_json::from_slice(&client(&["s3", &service.url(), "user", "bucket"], &[])).unwrap();
    let good = Bench::new().secret(&[("access", &made[0]), ("secret", &format!("{}\n", made[1]))]);
    let file = good.write("in", b"content");
    good.save(&place(&service, "k", json!({})), &file).await.unwrap();
    assert_eq!(good.load(&place(&service, "k", json!({}))).await.unwrap()[""], b"content");
    let bad = Bench::new().secret(&[("access", &made[0]), ("secret", "hunter2-of-nobody")]);
    for error in [
        bad.save(&place(&service, "k", json!({})), &file).await.unwrap_err(),
        bad.load(&place(&service, "k", json!({}))).await.unwrap_err(),
        bad.list(&place(&service, "", json!({"key": "k"}))).await.unwrap_err(),
    ] {
        assert!(!error.contains("hunter2") && !error.contains("Signature="), "{error}");
    }
    let missing = Bench::new().load(&place(&service, "k", json!({}))).await.unwrap_err();
    assert!(missing.contains("secret `s` has no key `access`"), "{missing}");
}

#[tokio::test]
async fn oss_is_reached_over_its_compatible_interface() {
    let (service, bench) = (Service::python(&["s3"], &[]), bench());
    let url = service.url();
    client(&["s3", &url, "make", "bucket"], &[]);
    let fields = json!({
        "endpoint": service.url(), "bucket": "bucket", "key": "dir/k",
        "accessKeySecret": key("access"), "secretKeySecret": key("secret"),
    });
    let file = bench.write("in", b"content");
    bench.save(&at("oss", fields.clone()), &file).await.unwrap();
    assert_eq!(client(&["s3", &url, "get", "bucket", "dir/k"], &[]), b"content");
    assert_eq!(bench.load(&at("oss", fields)).await.unwrap()[""], b"content");
}
