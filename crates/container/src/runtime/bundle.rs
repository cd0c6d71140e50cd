//! The configuration of a bundle. Source: OCI runtime-spec `config.md`, `config-linux.md`; the defaults of Docker and
//! Podman for capabilities, masked paths and devices.
//! Not here: a seccomp profile, which only an engine brings.

use rustix::process::{Resource, getrlimit};
use serde_json::{Value, json};

use super::accounts;
use crate::{
    Request,
    image::Image,
    limits::{OPEN_FILES, PROCESSES},
    wanted::Wanted,
};

/// The PATH of an image that has none.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What root may in a container.
const CAPABILITIES: [&str; 11] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];
/// What is not to be seen of the kernel.
const MASKED: [&str; 9] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/sys/firmware",
];
/// What can only be read.
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
/// Microseconds in which a container gets its share of the processors.
const PERIOD_MICROS: u64 = 100_000;

/// Returns the configuration for what is wanted of an image.
///
/// # Errors
/// There is nothing to run, or nobody to run it as.
pub(super) fn config(request: &Request, image: &Image) -> Result<Value, String> {
    let wanted = &request.wanted;
    let user = if wanted.user.is_empty() { &image.config.user } else { &wanted.user };
    let account = accounts::find(user, &image.rootfs)?;
    let argv = argv(wanted, image);
    if argv.first().is_none_or(String::is_empty) {
        return Err(format!("image `{}` names no command, and neither does the template", wanted.image));
    }
    let files = OPEN_FILES.min(getrlimit(Resource::Nofile).maximum.unwrap_or(OPEN_FILES));
    let folder =
        [wanted.working_dir.as_str(), &image.config.working_dir, "/"].into_iter().find(|f| !f.is_empty());
    let mut config = json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false,
            "user": { "uid": account.user, "gid": account.group },
            "args": argv,
            "env": env(wanted, image, account.home.as_deref().unwrap_or("/")),
            "cwd": folder,
            "capabilities": capabilities(account.user == 0),
            "rlimits": [{ "type": "RLIMIT_NOFILE", "hard": files, "soft": files }],
            "noNewPrivileges": true,
        },
        "root": { "path": "rootfs", "readonly": wanted.read_only },
        "mounts": mounts(wanted),
        "linux": {
            "resources": resources(wanted),
            "namespaces": namespaces(request),
            "cgroupsPath": format!("/marque-{}", wanted.name),
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
        },
    });
    if !wanted.host_name.is_empty()
        && let Some(map) = config.as_object_mut()
    {
        map.insert("hostname".to_owned(), json!(wanted.host_name));
    }
    Ok(config)
}

/// Returns program and arguments, as Kubernetes merges them ("Define a Command and Arguments for a Container").
pub(super) fn argv(wanted: &Wanted, image: &Image) -> Vec<String> {
    let own = wanted.command.clone().filter(|command| !command.is_empty());
    let has_own = own.is_some();
    let mut argv = own.unwrap_or_else(|| image.config.entrypoint.clone());
    if wanted.args.is_empty() && !has_own {
        argv.extend(image.config.cmd.iter().cloned());
    }
    argv.extend(wanted.args.iter().cloned());
    argv
}

fn env(wanted: &Wanted, image: &Image, home: &str) -> Vec<String> {
    let pair = |text: &String| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut env = vec![("PATH".to_owned(), PATH.to_owned()), ("HOME".to_owned(), home.to_owned())];
    for (name, value) in image.config.env.iter().filter_map(pair).chain(wanted.env.iter().cloned()) {
        env.retain(|(known, _)| *known != name);
        env.push((name, value));
    }
    env.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn capabilities(root: bool) -> Value {
    let effective: &[&str] = if root { &CAPABILITIES } else { &[] };
    json!({ "bounding": CAPABILITIES, "effective": effective, "permitted": effective })
}

fn mounts(wanted: &Wanted) -> Vec<Value> {
    let mount = |to: &str, kind: &str, options: &[&str]| json!({ "destination": to, "type": kind, "source": kind, "options": options });
    let mut mounts = vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount("/dev/pts", "devpts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
        mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
        mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
    ];
    mounts.extend(wanted.binds.iter().map(|bind| {
        let mode = if bind.writable { "rw" } else { "ro" };
        let options = ["rbind", "nosuid", "nodev", mode];
        json!({ "destination": bind.path, "type": "bind", "source": bind.host, "options": options })
    }));
    mounts
}

fn namespaces(request: &Request) -> Vec<Value> {
    let mut namespaces: Vec<Value> =
        ["pid", "ipc", "uts", "mount"].into_iter().map(|kind| json!({ "type": kind })).collect();
    match &request.wanted.network_of {
        Some(file) => namespaces.push(json!({ "type": "network", "path": file })),
        // without an engine there is nobody to make a network
        None if request.settings.network != "host" => namespaces.push(json!({ "type": "network" })),
        None => {}
    }
    namespaces
}

fn resources(wanted: &Wanted) -> Value {
    let mut resources = json!({
        "devices": [
            { "allow": false, "access": "rwm" },
        ],
        "pids": { "limit": PROCESSES },
    });
    if let Some(map) = resources.as_object_mut() {
        if let Some(bytes) = wanted.limits.memory_bytes {
            map.insert("memory".to_owned(), json!({ "limit": bytes }));
        }
        if let Some(milli) = wanted.limits.cpu_milli {
            let quota = milli.max(10).saturating_mul(PERIOD_MICROS) / 1000;
            map.insert("cpu".to_owned(), json!({ "quota": quota, "period": PERIOD_MICROS }));
        }
    }
    resources
}
