//! The services of Argo's test cluster, and what its tests ask of the internet, on this machine: an S3 server for MinIO, and
//! httpbin. Not here: installing them (`cargo xtask test` does).

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
};

use serde_json::{Value, json};

use super::peer;

/// A service that listens; it ends with this value, or with the program, which holds its input.
struct Service {
    child: Child,
    _input: ChildStdin,
    port: u16,
}

impl Service {
    fn start(kind: &str) -> Self {
        let home = peer("MARQUE_PEER_STORES");
        let mut child = Command::new(home.join("venv/bin/python"))
            .args(["serve.py", kind])
            .current_dir(&home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix("ready ")?.trim().parse().ok());
        Self { child, _input: input, port: port.unwrap_or_else(|| panic!("`{kind}` did not get ready")) }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bucket of Argo's test cluster.
const BUCKET: &str = "my-bucket";

/// Where Argo's tests and examples find its sources.
const ARGO: &str = "https://raw.githubusercontent.com/argoproj/argo-workflows";

/// Both services.
pub(crate) struct Services {
    s3: Service,
    httpbin: Service,
}

impl Services {
    /// Starts them and waits until they listen.
    pub(crate) fn start() -> Self {
        let services = Self { s3: Service::start("s3"), httpbin: Service::start("httpbin") };
        let home = peer("MARQUE_PEER_STORES");
        let endpoint = format!("http://127.0.0.1:{}", services.s3.port);
        let made = Command::new(home.join("venv/bin/python"))
            .args(["client.py", "s3", &endpoint, "make", BUCKET])
            .envs([("AWS_ACCESS_KEY_ID", "admin"), ("AWS_SECRET_ACCESS_KEY", "password")])
            .current_dir(&home)
            .status()
            .unwrap();
        assert!(made.success(), "the bucket was not made");
        services
    }

    /// Returns a text of Argo's tests with the addresses of what is asked on this machine in place of theirs; an answer from
    /// the internet is one of httpbin's with the same status and the words that are looked for.
    pub(crate) fn here(&self, text: &str) -> String {
        let httpbin = format!("http://127.0.0.1:{}", self.httpbin.port);
        text.replace("minio:9000", &format!("127.0.0.1:{}", self.s3.port))
            .replace("http://httpbin:9100", &httpbin)
            .replace("https://github.com/argoproj/argo-workflows/not-found", &format!("{httpbin}/status/404"))
            .replace("https://google.com", &format!("{httpbin}/anything/google"))
            .replace(&format!("{ARGO}/thisisnotahash"), &format!("{httpbin}/status/404"))
            .replace(ARGO, &format!("{httpbin}/anything"))
    }

    /// Returns the Secrets that Argo's test cluster has for them.
    pub(crate) fn secrets(&self, namespace: &str) -> [Value; 2] {
        let token = "http://httpbin:9100/response-headers?access_token=faketoken&token_type=Bearer";
        let secret = |name: &str, values: Value| {
            let metadata = json!({"name": name, "namespace": namespace});
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values})
        };
        [
            secret("my-minio-cred", json!({"accesskey": "admin", "secretkey": "password"})),
            secret(
                "my-httpbin-cred",
                json!({
                    "user": "admin",
                    "pass": "password",
                    "clientID": "admin",
                    "clientSecret": "password",
                    "tokenURL": self.here(token),
                }),
            ),
        ]
    }

    /// Returns the artifact repository in the object store that Argo's test cluster has under the key `my-key`.
    pub(crate) fn repository(&self) -> String {
        let repository = json!({
            "archiveLogs": true,
            "s3": {
                "bucket": BUCKET,
                "endpoint": self.here("minio:9000"),
                "insecure": true,
                "accessKeySecret": {"name": "my-minio-cred", "key": "accesskey"},
                "secretKeySecret": {"name": "my-minio-cred", "key": "secretkey"},
            },
        });
        repository.to_string()
    }
}
