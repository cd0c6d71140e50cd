//! The real programs that tests talk to: where they come from and how they are installed. Nothing is skipped: what
//! cannot be installed is named, with the command that would install it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::run::{installed, output, root, run, target};

/// Programs of the operating system that tests use: program, Debian package, what for.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("node", "nodejs", "runs the OpenID provider and Azure's storage emulator"),
    ("npm", "npm", "installs them"),
    ("python3", "python3-venv", "runs Hera, the second JWT library and the S3 server"),
    ("ssh", "openssh-client", "fetches repositories over SSH"),
    ("sshd", "openssh-server", "is the SSH server that they are fetched from"),
    ("make", "make", "the benchmark's peer"),
    ("runc", "runc", "the OCI runtime that runs containers"),
    ("podman", "podman", "the container engine"),
    ("buildah", "buildah", "pushes images to the registry"),
    ("docker-registry", "docker-registry", "the registry that images are pulled from"),
    ("busybox", "busybox-static", "what the images are made of"),
    ("git", "git", "tells tidy which files are the project's, and is the second git client"),
];

/// Installs every peer and returns the variables that tell tests where they are.
///
/// # Errors
/// What is missing and how to install it.
pub(crate) fn install() -> Result<Vec<(&'static str, PathBuf)>, String> {
    programs()?;
    let oidc = npm("oidc")?;
    let hera = pip("hera")?;
    let stores = pip("stores")?;
    let azurite = npm("azurite")?;
    Ok(vec![
        ("MARQUE_PEER_OIDC", oidc),
        ("MARQUE_PEER_HERA", hera),
        ("MARQUE_PEER_STORES", stores),
        ("MARQUE_PEER_AZURITE", azurite),
    ])
}

fn programs() -> Result<(), String> {
    let missing: Vec<_> = PROGRAMS.iter().filter(|(program, ..)| !installed(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package, _)| *package).collect();
    let root_user = output("id", &["-u"]).is_ok_and(|id| id.trim() == "0");
    if root_user && installed("apt-get") {
        run("apt-get", &["update", "-qq"])?;
        let mut words = vec!["install", "-y", "-qq", "--no-install-recommends"];
        words.extend(&packages);
        return run("apt-get", &words);
    }
    let mut message = "these programs are needed by the tests and are not installed:\n".to_owned();
    for (program, package, purpose) in missing {
        message.push_str(&format!("  {program:8} {purpose} (Debian: {package})\n"));
    }
    message.push_str(&format!("install them, for example: sudo apt-get install {}", packages.join(" ")));
    Err(message)
}

/// Installs the npm project `tests/peers/NAME` into the build folder, once for each change of its lock file.
fn npm(name: &str) -> Result<PathBuf, String> {
    let (source, folder) = places(name)?;
    let stamp = stamp(&source, &["package.json", "package-lock.json"])?;
    if read(&folder.join(".stamp")) == stamp && folder.join("node_modules").is_dir() {
        copy(&source, &folder)?;
        return Ok(folder);
    }
    copy(&source, &folder)?;
    run("npm", &["ci", "--no-audit", "--no-fund", "--prefix", &folder.display().to_string()])?;
    write(&folder.join(".stamp"), &stamp)?;
    Ok(folder)
}

/// Installs the Python requirements of `tests/peers/NAME` into a virtual environment in the build folder.
fn pip(name: &str) -> Result<PathBuf, String> {
    let (source, folder) = places(name)?;
    let stamp = stamp(&source, &["requirements.txt"])?;
    copy(&source, &folder)?;
    if read(&folder.join(".stamp")) == stamp && folder.join("venv/bin/python").exists() {
        return Ok(folder);
    }
    let venv = folder.join("venv").display().to_string();
    run("python3", &["-m", "venv", &venv])?;
    let requirements = source.join("requirements.txt").display().to_string();
    let pip = format!("{venv}/bin/python");
    run(&pip, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", &requirements])?;
    write(&folder.join(".stamp"), &stamp)?;
    Ok(folder)
}

fn places(name: &str) -> Result<(PathBuf, PathBuf), String> {
    let folder = target().join("peers").join(name);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok((root().join("tests/peers").join(name), folder))
}

fn stamp(source: &Path, files: &[&str]) -> Result<String, String> {
    let text = |file: &&str| {
        let path = source.join(file);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    files.iter().map(text).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Copies the files of a folder, not its subfolders.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let entries = fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))?;
    for entry in entries.flatten().filter(|entry| entry.path().is_file()) {
        let target = to.join(entry.file_name());
        fs::copy(entry.path(), &target).map_err(|error| format!("{}: {error}", target.display()))?;
    }
    Ok(())
}
