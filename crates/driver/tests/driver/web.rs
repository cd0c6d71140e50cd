//! HTTP and Artifactory: headers, credentials, redirects; what may not be reached.

use driver::Limits;
use serde_json::json;

use crate::peer::{Bench, Service, at, key};

fn serve(bench: &Bench) -> Service {
    let folder = bench.path("www");
    std::fs::create_dir_all(&folder).unwrap();
    Service::python(&["http", &folder.display().to_string()], &[])
}

fn bench() -> Bench {
    Bench::new().secret(&[
        ("user", "olga"),
        ("password", "pass:word-of-olga\n"),
        ("wrong", "hunter2-of-nobody"),
        ("id", "me"),
        ("secret", "my-secret"),
    ])
}

#[tokio::test]
async fn a_file_is_put_and_got() {
    let bench = bench();
    let service = serve(&bench);
    let file = bench.write("in", b"content");
    let basic = json!({"basicAuth": {"usernameSecret": key("user"), "passwordSecret": key("password")}});
    for (path, auth) in [("open/a/b.txt", json!(null)), ("basic/c.txt", basic)] {
        let place = at(
            "http",
            json!({"url": format!("{}/{path}?x=1", service.url()), "auth": auth,
            "headers": [{"name": "X-Own", "value": "v"}]}),
        );
        bench.save(&place, &file).await.unwrap();
        assert_eq!(bench.load(&place).await.unwrap()[""], b"content", "{path}");
    }
    assert_eq!(std::fs::read(bench.path("www/a/b.txt")).unwrap(), b"content");
    let user = json!({"url": format!("{}/basic/c.txt", service.url()), "usernameSecret": key("user"),
        "passwordSecret": key("password")});
    bench.save(&at("artifactory", user.clone()), &file).await.unwrap();
    assert_eq!(bench.load(&at("artifactory", user)).await.unwrap()[""], b"content");
}

#[tokio::test]
async fn what_fails_says_why_and_keeps_secrets() {
    let bench = bench();
    let service = serve(&bench);
    let wrong = json!({"basicAuth": {"usernameSecret": key("user"), "passwordSecret": key("wrong")}});
    for (url, auth, expected) in [
        (format!("{}/open/none?token=hunter2", service.url()), json!(null), "not found"),
        (format!("{}/basic/c.txt", service.url()), wrong, "401 Unauthorized"),
        (format!("http://u:hunter2@127.0.0.1:{}/basic/x", service.port), json!(null), "401 Unauthorized"),
        ("http://127.0.0.1:1/?sig=hunter2".to_owned(), json!(null), "error sending request"),
        ("ftp://host/hunter2x?hunter2".replace("hunter2x", "x"), json!(null), "neither `http` nor `https`"),
        ("not a url".to_owned(), json!(null), "is not a URL"),
    ] {
        let error = bench.load(&at("http", json!({"url": url, "auth": auth}))).await.unwrap_err();
        assert!(error.contains(expected), "{url}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn oauth2_client_credentials_give_a_token() {
    let bench = bench();
    let service = serve(&bench);
    let token_url = format!("{}/token", service.url());
    let bench =
        bench.secret(&[("id", "me"), ("secret", "my-secret"), ("wrong", "hunter2"), ("url", &token_url)]);
    let file = bench.write("in", b"content");
    let place = |secret: &str| {
        at(
            "http",
            json!({"url": format!("{}/bearer/x", service.url()), "auth": {"oauth2": {
            "clientIDSecret": key("id"), "clientSecretSecret": key(secret), "tokenURLSecret": key("url"),
            "scopes": ["a", "b"], "endpointParams": [{"key": "audience", "value": "x"}]}}}),
        )
    };
    bench.save(&place("secret"), &file).await.unwrap();
    assert_eq!(bench.load(&place("secret")).await.unwrap()[""], b"content");
    let error = bench.load(&place("wrong")).await.unwrap_err();
    assert!(error.contains("token") && error.contains("401") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_but_not_to_where_nothing_may_be_reached() {
    let bench = bench();
    let service = serve(&bench);
    let file = bench.write("in", b"content");
    let to = |url: &str| at("http", json!({"url": format!("{}/to/x?url={url}", service.url())}));
    let good = to(&format!("{}/open/r.txt", service.url()));
    bench.save(&good, &file).await.unwrap();
    assert_eq!(bench.load(&good).await.unwrap()[""], b"content");
    for target in
        ["http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://100.100.100.200/x"]
    {
        for error in
            [bench.load(&to(target)).await.unwrap_err(), bench.save(&to(target), &file).await.unwrap_err()]
        {
            assert!(error.contains("may not be reached"), "{target}: {error}");
        }
    }
    let around = to(&format!("{0}/to/x?url={0}/to/x", service.url()));
    assert!(bench.load(&around).await.is_err());
}

#[tokio::test]
async fn this_machine_is_not_reached_by_default_whatever_its_name() {
    let bench = Bench::with(&[], Limits::default()).secret(&[("access", "a"), ("secret", "b")]);
    let service = serve(&bench);
    let port = service.port;
    let file = bench.write("www/x", b"secret of this machine");
    for host in ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1", "0x7f000001", "[::ffff:127.0.0.1]"] {
        let place = at("http", json!({"url": format!("http://{host}:{port}/open/x")}));
        for error in [bench.load(&place).await.unwrap_err(), bench.save(&place, &file).await.unwrap_err()] {
            assert!(error.contains("may not be reached"), "{host}: {error}");
        }
    }
    for (driver, fields) in [
        ("s3", json!({"endpoint": format!("127.0.0.1:{port}"), "insecure": true, "bucket": "b", "key": "k"})),
        ("s3", json!({"endpoint": format!("localhost:{port}"), "insecure": true, "bucket": "b", "key": "k"})),
        ("azure", json!({"endpoint": format!("http://localhost:{port}/acc"), "container": "b", "blob": "k"})),
        ("oss", json!({"endpoint": format!("http://127.0.0.1:{port}"), "bucket": "b", "key": "k"})),
        ("git", json!({"repo": format!("http://127.0.0.1:{port}/git/x")})),
        ("git", json!({"repo": format!("http://localhost:{port}/git/x")})),
        (
            "git",
            json!({"repo": format!("ssh://git@localhost:{port}/x"), "sshPrivateKeySecret": key("access")}),
        ),
    ] {
        let error = bench.load(&at(driver, fields.clone())).await.unwrap_err();
        assert!(error.contains("may not be reached"), "{driver} {fields}: {error}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_not_taken() {
    let limits = Limits { bytes: 100, ..Limits::default() };
    let bench = Bench::with(&["127.0.0.0/8"], limits);
    let service = serve(&bench);
    let file = bench.write("www/x", &[b'x'; 101]);
    let place = at("http", json!({"url": format!("{}/open/x", service.url())}));
    assert!(bench.load(&place).await.unwrap_err().contains("more than 100 bytes"));
    assert!(bench.save(&place, &file).await.unwrap_err().contains("more than 100 bytes"));
}

#[tokio::test]
async fn what_takes_too_long_ends() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let limits = Limits { time: std::time::Duration::from_millis(300), ..Limits::default() };
    let bench = Bench::with(&["127.0.0.0/8"], limits);
    let url = format!("http://{}/x", silent.local_addr().unwrap());
    assert!(bench.load(&at("http", json!({"url": url}))).await.unwrap_err().contains("not done in"));
}
