//! Starts the OpenID provider of `tests/peers/oidc` and stops it again.
//! Not here: installing it (`cargo xtask test` does).

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

/// A running provider; it ends with this value, and at the latest with the test's process.
pub(crate) struct Provider {
    /// Its issuer.
    pub(crate) issuer: String,
    child: Child,
    /// Kept open, since a process whose output nobody takes may end.
    _output: BufReader<ChildStdout>,
}

impl Provider {
    /// Starts a provider of its own on a free port, with `arguments` as the head of `index.mjs` lists them.
    ///
    /// # Panics
    /// If it is not installed: a test that cannot run has not passed.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let folder = std::env::var_os("MARQUE_PEER_OIDC").map(PathBuf::from).unwrap_or_else(|| {
            panic!(
                "MARQUE_PEER_OIDC does not name the installed OpenID provider of tests/peers/oidc: \
                 run `cargo xtask test`, which installs it and sets the variable"
            )
        });
        let mut child = Command::new("node")
            .arg("index.mjs")
            .arg("--die-with-stdin")
            .args(arguments)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("node cannot be started in {}: {error}", folder.display()));
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let ready = output.by_ref().lines().map_while(Result::ok);
        let ready = ready.filter_map(|line| line.strip_prefix("ready ").map(ToOwned::to_owned)).next();
        let issuer =
            ready.unwrap_or_else(|| panic!("the provider in {} did not get ready", folder.display()));
        Self { issuer, child, _output: output }
    }

    /// Makes the provider sign with new keys, and withdraw the old ones if `drop_old`.
    pub(crate) async fn rotate(&self, drop_old: bool) {
        let query = if drop_old { "?drop=1" } else { "" };
        let address = format!("{}/peer/rotate{query}", self.issuer);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        assert_eq!(client.post(address).send().await.unwrap().status(), 204);
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
