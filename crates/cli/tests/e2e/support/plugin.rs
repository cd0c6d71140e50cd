//! The artifact plugin `test` that Argo's own tests and examples call, made with Google's gRPC; one for all tests of a
//! program. Not here: installing what it needs (`cargo xtask test` does), how it misbehaves (the room `driver`).

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
};

use super::peer;

/// The name that Argo's tests call it by.
pub(crate) const NAME: &str = "test";

/// A plugin that listens; it ends with this value, or with the program, which holds its input.
pub(crate) struct Plugin {
    folder: tempfile::TempDir,
    child: Child,
    _input: ChildStdin,
}

impl Plugin {
    /// Starts one and waits until it listens.
    pub(crate) fn start() -> Self {
        let (folder, home) = (tempfile::tempdir().unwrap(), peer("MARQUE_PEER_STORES"));
        let kept = folder.path().join("kept");
        std::fs::create_dir(&kept).unwrap();
        let mut child = Command::new(home.join("venv/bin/python"))
            .arg("plugin.py")
            .args([&folder.path().join("socket"), &kept])
            .arg(NAME)
            .current_dir(&home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.starts_with("ready ")), "the artifact plugin did not get ready");
        Self { folder, child, _input: input }
    }

    /// Returns the socket it listens on.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
