//! The hidden first arguments, and the names, by which this program becomes something else.
//! Not here: what it then does.

use std::{ffi::OsString, path::Path};

use container::{ATTEND_ARGUMENT, NETWORK_ARGUMENT};

use crate::{argosay, image::BUILT_IN, probe, sandbox, supervise};

/// Becomes the supervisor of a pod; the pod's folder follows.
pub(crate) const SUPERVISE_ARGUMENT: &str = "__supervise";
/// Becomes the supervisor of all plain pods of one server.
pub(crate) const WARDEN_ARGUMENT: &str = "__warden";
/// Becomes the outer stage of a sandbox.
pub(crate) const SANDBOX_ARGUMENT: &str = "__sandbox";
/// Becomes the first process of a sandbox.
pub(crate) const INIT_ARGUMENT: &str = "__init";

/// Becomes the stage that links two pods; addresses and numbers follow.
pub(crate) const LINK_ARGUMENT: &str = "__link";

/// Returns the exit code of what the arguments ask this program to be; `None` if they ask for nothing.
pub(crate) fn become_it(mut args: impl Iterator<Item = OsString>) -> Option<i32> {
    let name = args.next()?;
    if let Some(program) =
        Path::new(&name).file_name().and_then(|name| name.to_str()).filter(|name| BUILT_IN.contains(name))
    {
        return Some(argosay::main(program, args));
    }
    let what = args.next()?;
    let what = what.to_str()?;
    let all = [
        SUPERVISE_ARGUMENT,
        WARDEN_ARGUMENT,
        SANDBOX_ARGUMENT,
        LINK_ARGUMENT,
        ATTEND_ARGUMENT,
        NETWORK_ARGUMENT,
    ];
    if all.contains(&what) {
        close_inherited();
    }
    match what {
        SUPERVISE_ARGUMENT => Some(supervise::main(Path::new(&args.next()?))),
        WARDEN_ARGUMENT => Some(supervise::warden::main()),
        SANDBOX_ARGUMENT => Some(sandbox::outer::main(&texts(args))),
        LINK_ARGUMENT => Some(sandbox::link::main(&texts(args))),
        ATTEND_ARGUMENT => Some(container::attend(probe::prove)),
        NETWORK_ARGUMENT => Some(container::remove_network()),
        INIT_ARGUMENT => Some(sandbox::init::main()),
        _ => None,
    }
}

fn texts(args: impl Iterator<Item = OsString>) -> Vec<String> {
    args.map(|arg| arg.to_string_lossy().into_owned()).collect()
}

/// Closes what whoever started the server left open for it: no pod is to have it. Nothing of this process is open yet.
fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for fd in open.into_iter().filter(|fd| *fd > 2) {
        // the folder just read is among them, and closed already
        let _ = nix::unistd::close(fd);
    }
}
