//! git over HTTP: revisions, branches, depth, further refs, submodules, credentials.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::peer::{Bench, Service, at, files, key};

fn git(folder: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "protocol.file.allow=always"]);
    command.args(["-c", "init.defaultBranch=trunk", "-c", "safe.directory=*"]);
    let done =
        command.args(words).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(done.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// Makes the repository `www/repo.git`: three commits on `trunk` (the first tagged `v1`), one on `side`, one on a ref of
/// its own, a link that stays inside and one that does not.
fn repository(bench: &Bench) -> Vec<String> {
    let work = bench.path("work");
    std::fs::create_dir_all(&work).unwrap();
    std::fs::create_dir_all(bench.path("www")).unwrap();
    git(&work, &["init", "-q"]);
    let mut commits = Vec::new();
    let mut commit = |name: &str, content: &str| {
        bench.write(&format!("work/{name}"), content.as_bytes());
        git(&work, &["add", "."]);
        git(&work, &["commit", "-q", "-m", name]);
        commits.push(git(&work, &["rev-parse", "HEAD"]));
    };
    commit("sub/one", "1");
    git(&work, &["tag", "-a", "v1", "-m", "v1"]);
    std::os::unix::fs::symlink("sub/one", work.join("inside")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", work.join("outside")).unwrap();
    commit("two", "2");
    git(&work, &["checkout", "-q", "-b", "side"]);
    commit("aside", "s");
    git(&work, &["update-ref", "refs/own/x", "HEAD~1"]);
    git(&work, &["checkout", "-q", "trunk"]);
    commit("three", "3");
    git(bench.folder.path(), &["clone", "-q", "--mirror", "work", "www/repo.git"]);
    commits
}

fn serve(bench: &Bench) -> Service {
    Service::python(&["http", &bench.path("www").display().to_string()], &[])
}

/// Clones, and returns the names of the files beside `.git` and the repository's folder.
async fn cloned(bench: &Bench, fields: Value) -> Result<(Vec<String>, tempfile::TempDir), String> {
    let folder = tempfile::tempdir_in(bench.folder.path()).unwrap();
    let place = at("git", fields);
    let target = folder.path().join("x");
    bench.drivers.load(bench.place(&place), &target).await.map_err(|error| error.to_string())?;
    let names = files(&target).into_keys().filter(|name| !name.contains("/.git/")).collect();
    Ok((names, folder))
}

#[tokio::test]
async fn a_commit_is_found_by_branch_tag_and_hash() {
    let bench = Bench::new();
    let commits = repository(&bench);
    let service = serve(&bench);
    let repo = format!("{}/git/repo.git", service.url());
    let (all, first) = (["/inside", "/sub/one", "/three", "/two"], ["/sub/one"]);
    let side = ["/aside", "/inside", "/sub/one", "/two"];
    for (more, expected, head) in [
        (json!({}), all.as_slice(), &commits[3]),
        (json!({"revision": "v1"}), &first, &commits[0]),
        (json!({"revision": "trunk"}), &all, &commits[3]),
        (json!({"revision": "side"}), &side, &commits[2]),
        (json!({"revision": commits[0]}), &first, &commits[0]),
        (json!({"revision": &commits[0][..10]}), &first, &commits[0]),
        (json!({"branch": "side", "singleBranch": true}), &side, &commits[2]),
        (json!({"branch": "side"}), &side, &commits[2]),
        (json!({"depth": 1}), &all, &commits[3]),
        (
            json!({"fetch": ["refs/own/*:refs/own/*"], "revision": "own/x"}),
            &["/inside", "/sub/one", "/two"],
            &commits[1],
        ),
    ] {
        let mut fields = json!({"repo": repo});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (names, folder) =
            cloned(&bench, fields.clone()).await.unwrap_or_else(|error| panic!("{more}: {error}"));
        assert_eq!(names, expected, "{more}");
        let clone = folder.path().join("x");
        assert_eq!(&git(&clone, &["rev-parse", "HEAD"]), head, "{more}");
        // git agrees that nothing is changed, but for the link that was left out
        let status = git(&clone, &["status", "--porcelain"]);
        assert!(status.is_empty() || status == "D outside", "{more}: {status}");
        let count =
            if more.get("depth").is_some() { "1" } else { &git(&clone, &["rev-list", "--count", "HEAD"]) };
        assert_eq!(git(&clone, &["rev-list", "--count", "HEAD"]), count, "{more}");
        git(&clone, &["fsck", "--connectivity-only"]);
        assert_eq!(git(&clone, &["config", "remote.origin.url"]), repo);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let bench = Bench::new();
    repository(&bench);
    let service = serve(&bench);
    let repo = format!("{}/git/repo.git", service.url());
    for fields in [json!({"repo": repo, "revision": "none"}), json!({"repo": repo, "branch": "none"})] {
        let error = cloned(&bench, fields).await.unwrap_err();
        assert!(error.contains("reference not found"), "{error}");
    }
    let error = cloned(&bench, json!({"repo": format!("{}/git/none.git", service.url())})).await.unwrap_err();
    assert!(error.contains("none.git"), "{error}");
    let error = cloned(&bench, json!({"repo": repo, "singleBranch": true})).await.unwrap_err();
    assert!(error.contains("single branch mode without a branch specified"), "{error}");
}

#[tokio::test]
async fn a_private_repository_needs_its_password_which_is_written_nowhere() {
    let bench =
        Bench::new().secret(&[("user", "olga"), ("password", "pass:word-of-olga"), ("wrong", "hunter2")]);
    repository(&bench);
    let service = serve(&bench);
    let repo = format!("{}/private-git/repo.git", service.url());
    let with = |password: &str| json!({"repo": repo, "usernameSecret": key("user"), "passwordSecret": key(password)});
    let (_, folder) = cloned(&bench, with("password")).await.unwrap();
    for (name, content) in files(&folder.path().join("x")) {
        assert!(!content.windows(9).any(|part| part == b"word-of-o"), "{name}");
    }
    for fields in [with("wrong"), json!({"repo": repo})] {
        let error = cloned(&bench, fields).await.unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

/// An SSH server for this user and one key; it ends with this value.
struct Sshd {
    child: std::process::Child,
    port: u16,
}

impl Sshd {
    fn start(bench: &Bench) -> Self {
        for name in ["host", "good", "bad"] {
            let path = bench.path(name).display().to_string();
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path]).status();
            assert!(made.unwrap().success());
        }
        std::fs::copy(bench.path("good.pub"), bench.path("authorized")).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {free}\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized\n\
             StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n",
            bench.folder.path().display()
        );
        let config = bench.write("sshd.conf", config.as_bytes());
        // root's server wants this folder, which its service would make
        let _ = std::fs::create_dir("/run/sshd");
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(config).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
        let mut lines = lines.map_while(Result::ok);
        assert!(lines.any(|line| line.contains("Server listening")), "the SSH server did not get ready");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port: free }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_repository_is_fetched_over_ssh_with_the_secrets_key_alone() {
    let bench = Bench::new();
    let commits = repository(&bench);
    let server = Sshd::start(&bench);
    let read = |name: &str| std::fs::read_to_string(bench.path(name)).unwrap();
    let (good, bad) = (read("good"), read("bad"));
    let user = Command::new("id").arg("-un").output().unwrap().stdout;
    let user = String::from_utf8(user).unwrap();
    let path = bench.path("www/repo.git").display().to_string();
    let repo = format!("ssh://{}@127.0.0.1:{}{path}", user.trim(), server.port);
    let bench = bench.secret(&[("good", &good), ("bad", &bad)]);
    let with = |secret: &str, trusts: bool| json!({"repo": repo, "revision": "v1", "sshPrivateKeySecret": key(secret), "insecureIgnoreHostKey": trusts});
    let (names, folder) = cloned(&bench, with("good", true)).await.unwrap();
    assert_eq!(names, ["/sub/one"]);
    assert_eq!(git(&folder.path().join("x"), &["rev-parse", "HEAD"]), commits[0]);
    // neither the key nor what calls the program is left
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    for (fields, why) in [
        (with("bad", true), "a key nobody knows"),
        (with("good", false), "a host nobody knows"),
        (json!({"repo": repo}), "no key"),
    ] {
        let error = cloned(&bench, fields).await.expect_err(why);
        assert!(!error.contains("PRIVATE KEY"), "{why}: {error}");
    }
}

#[tokio::test]
async fn submodules_are_cloned_unless_that_is_unwanted() {
    let bench = Bench::new();
    repository(&bench);
    let service = serve(&bench);
    let outer = bench.path("outer");
    std::fs::create_dir_all(&outer).unwrap();
    git(&outer, &["init", "-q"]);
    git(&outer, &["submodule", "add", "-q", &bench.path("www/repo.git").display().to_string(), "lib/inner"]);
    git(&outer, &["config", "-f", ".gitmodules", "submodule.lib/inner.url", "../repo.git"]);
    git(&outer, &["add", "."]);
    git(&outer, &["commit", "-q", "-m", "outer"]);
    git(bench.folder.path(), &["clone", "-q", "--mirror", "outer", "www/outer.git"]);
    let repo = format!("{}/git/outer.git", service.url());
    let (names, _folder) = cloned(&bench, json!({"repo": repo})).await.unwrap();
    let inner = ["/lib/inner/inside", "/lib/inner/sub/one", "/lib/inner/three", "/lib/inner/two"];
    assert_eq!(names, [&["/.gitmodules"], inner.as_slice()].concat());
    let (names, _folder) = cloned(&bench, json!({"repo": repo, "disableSubmodules": true})).await.unwrap();
    assert_eq!(names, ["/.gitmodules"]);
}
