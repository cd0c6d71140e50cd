//! Builds a pod's root: memory backed and its own, with this machine's programs mounted read-only.
//! Not here: the pod's inputs, which the supervisor puts in place afterwards.
//! Invariant: of this machine the pod sees the folders listed here and the owner's mounts, and nothing else.

use std::{
    fs, io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{PermissionsExt, symlink},
    },
    path::Path,
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    unistd::{chdir, pivot_root},
};
use rustix::{
    fs::{FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, open, openat, openat2},
    io::Errno,
};

use super::{Room, failed};
use crate::{
    image::{ARGOSAY, BUILT_IN},
    limits::{SANDBOX_ROOT_BYTES, SANDBOX_ROOT_FILES, SANDBOX_UID},
    plan::PROGRAMS_IN_POD,
    progress::FOLDER_IN_POD,
    spec::MountSpec,
};

/// Where the new root is mounted at first: a folder every machine has.
const NEW: &str = "/tmp";
/// Where the machine's root is until it is let go.
const OLD: &str = "/.old";
/// The folders with this machine's programs; a symbolic link is repeated.
const PROGRAMS: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// What programs need of `/etc`: certificates, alternatives, the linker's cache, the time zone. No accounts, no resolver.
const SETTINGS: [&str; 7] = [
    "/etc/ssl",
    "/etc/ca-certificates",
    "/etc/pki",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
];
/// The devices of a pod.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
/// Folders anybody may write to.
const SHARED: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", FOLDER_IN_POD];
/// Folders that every image has and programs count on (Filesystem Hierarchy Standard).
const EXPECTED: [&str; 8] = ["/home", "/media", "/mnt", "/opt", "/root", "/srv", "/var/lib", "/var/log"];
/// Where the run token's folder is.
const TOKEN: &str = "/run/marque";

/// Builds the root and enters it.
pub(super) fn build(room: &Room) -> Result<(), String> {
    enter_new_root()?;
    fs::create_dir("/proc").map_err(failed("proc"))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, NOTHING).map_err(failed("mount /proc"))?;
    let mut read_only: Vec<String> = Vec::new();
    fs::create_dir("/etc").map_err(failed("etc"))?;
    for path in PROGRAMS.into_iter().chain(SETTINGS) {
        if show(&format!("{OLD}{path}"), path).map_err(|error| format!("mount {path}: {error}"))? {
            read_only.push(path.to_owned());
        }
    }
    write_settings(&room.host_name).map_err(failed("etc"))?;
    make_devices().map_err(failed("dev"))?;
    for path in SHARED {
        fs::create_dir_all(path).map_err(failed("shared folder"))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o1777)).map_err(failed("shared folder"))?;
    }
    for path in EXPECTED {
        fs::create_dir_all(path).map_err(failed("folder"))?;
    }
    if let Some(token) = &room.token {
        bind(token, TOKEN, true).map_err(failed("run token"))?;
        read_only.push(TOKEN.to_owned());
    }
    if room.built_in && show_program(&room.program).map_err(failed("argosay"))? {
        read_only.push(ARGOSAY.to_owned());
    }
    let writable = show_mounts(&room.mounts, &mut read_only)?;
    protect(&read_only, MsFlags::MS_RDONLY)?;
    protect(&writable, MsFlags::empty())?;
    chdir("/").map_err(failed("chdir"))?;
    umount2(OLD, MntFlags::MNT_DETACH).map_err(failed("let go of the machine's root"))?;
    fs::remove_dir(OLD).map_err(failed("let go of the machine's root"))
}

const NOTHING: Option<&str> = None;

fn enter_new_root() -> Result<(), String> {
    mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING)
        .map_err(failed("private mounts"))?;
    let options = format!("mode=0755,size={SANDBOX_ROOT_BYTES},nr_inodes={SANDBOX_ROOT_FILES}");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), NEW, Some("tmpfs"), flags, Some(options.as_str()))
        .map_err(failed("mount the root"))?;
    let old = format!("{NEW}{OLD}");
    fs::create_dir(&old).map_err(failed("mount the root"))?;
    pivot_root(NEW, old.as_str()).map_err(failed("pivot_root"))
}

/// Shows `from` at `to`: a folder is bound, a link repeated, a file copied. Returns whether it was bound.
fn show(from: &str, to: &str) -> io::Result<bool> {
    let kind = match fs::symlink_metadata(from) {
        Ok(data) => data.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if kind.is_symlink() {
        symlink(fs::read_link(from)?, to)?;
        return Ok(false);
    }
    if kind.is_file() {
        fs::copy(from, to)?;
        return Ok(false);
    }
    bind(from, to, true)?;
    Ok(true)
}

fn bind(from: &str, to: &str, folder: bool) -> io::Result<()> {
    if folder {
        fs::create_dir_all(to)?;
    } else {
        fs::create_dir_all(Path::new(to).parent().unwrap_or(Path::new("/")))?;
        fs::File::create(to)?;
    }
    Ok(mount(Some(from), to, NOTHING, MsFlags::MS_BIND | MsFlags::MS_REC, NOTHING)?)
}

/// Shows this program as `argosay`, and by the names of the other built-in ones; returns whether it was bound rather
/// than copied.
fn show_program(program: &str) -> io::Result<bool> {
    fs::create_dir_all(PROGRAMS_IN_POD)?;
    for name in BUILT_IN {
        symlink(ARGOSAY, format!("{PROGRAMS_IN_POD}/{name}"))?;
    }
    if bind(&format!("{OLD}{program}"), ARGOSAY, false).is_ok() {
        return Ok(true);
    }
    // the pod's user may have no way to the folder the program is in, but it is running it
    fs::copy("/proc/self/exe", ARGOSAY)?;
    fs::set_permissions(ARGOSAY, fs::Permissions::from_mode(0o755))?;
    Ok(false)
}

/// Shows the owner's mounts and the pod's volumes; returns the writable ones.
fn show_mounts(mounts: &[MountSpec], read_only: &mut Vec<String>) -> Result<Vec<String>, String> {
    let mut writable = Vec::new();
    for wanted in mounts {
        if wanted.host.starts_with('/') {
            let from = format!("{OLD}{}", wanted.host);
            fs::metadata(&from)
                .and_then(|data| bind(&from, &wanted.path, data.is_dir()))
                .map_err(|error| format!("mount {}: {error}", wanted.host))?;
        } else {
            show_volume(wanted)
                .map_err(|error| format!("failed to mount volume at `{}`: {error}", wanted.path))?;
        }
        if wanted.writable { &mut writable } else { &mut *read_only }.push(wanted.path.clone());
    }
    Ok(writable)
}

/// Shows a volume or a part of it. What other pods have put into it leads nowhere: no symbolic link is followed, neither
/// in the volume nor on the way to where it is seen.
fn show_volume(wanted: &MountSpec) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let volume = open(wanted.host.as_str(), flags, Mode::empty())?;
    // a part may be a file; what is not there is made a folder
    let part = match wanted.sub_path.as_str() {
        "" => volume,
        part => {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match openat2(&volume, part, flags, Mode::empty(), inside) {
                Err(Errno::NOENT) => step_down(volume, part)?,
                found => found?,
            }
        }
    };
    let is_folder = match FileType::from_raw_mode(fstat(&part)?.st_mode) {
        FileType::Directory => true,
        FileType::RegularFile => false,
        // a link is opened itself, not followed
        _ => return Err(io::Error::other("the part of the volume is neither a folder nor a file")),
    };
    let root = open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let place = if is_folder {
        step_down(root, &wanted.path)?
    } else {
        let (above, name) = wanted.path.rsplit_once('/').ok_or(io::ErrorKind::InvalidInput)?;
        let above = step_down(root, above)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        drop(openat(&above, name, flags, Mode::from_raw_mode(0o644))?);
        openat(&above, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?
    };
    let path = |fd: &OwnedFd| format!("/proc/self/fd/{}", fd.as_raw_fd());
    Ok(mount(Some(path(&part).as_str()), path(&place).as_str(), NOTHING, MsFlags::MS_BIND, NOTHING)?)
}

/// Opens the folder `path` below `from`, making what is not there.
fn step_down(from: OwnedFd, path: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut folder = from;
    for part in path.split('/').filter(|part| !part.is_empty()) {
        folder = match openat(&folder, part, flags, Mode::empty()) {
            Err(Errno::NOENT) => {
                mkdirat(&folder, part, Mode::from_raw_mode(0o755))?;
                openat(&folder, part, flags, Mode::empty())?
            }
            found => found?,
        };
    }
    Ok(folder)
}

fn make_devices() -> io::Result<()> {
    fs::create_dir("/dev")?;
    for device in DEVICES {
        bind(&format!("{OLD}/dev/{device}"), &format!("/dev/{device}"), false)?;
    }
    for (name, target) in [("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")] {
        symlink(format!("/proc/self/fd{target}"), format!("/dev/{name}"))?;
    }
    Ok(())
}

fn write_settings(host_name: &str) -> io::Result<()> {
    let id = SANDBOX_UID;
    fs::write(
        "/etc/passwd",
        format!("pod:x:{id}:{id}:pod:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
    )?;
    fs::write("/etc/group", format!("pod:x:{id}:\nnogroup:x:65534:\n"))?;
    fs::write("/etc/hosts", format!("127.0.0.1 localhost {host_name}\n::1 localhost\n"))?;
    fs::write("/etc/hostname", format!("{host_name}\n"))?;
    fs::write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
}

/// Remounts everything mounted at or below `paths`: no devices, no set-user-id, and `with`. A plain remount would miss
/// what is mounted inside; what the machine has locked (`noexec` …) must be repeated.
fn protect(paths: &[String], with: MsFlags) -> Result<(), String> {
    let table = fs::read_to_string("/proc/self/mountinfo").map_err(failed("mountinfo"))?;
    for line in table.lines() {
        let mut fields = line.split(' ').skip(4);
        let (Some(point), Some(options)) = (fields.next(), fields.next()) else { continue };
        let point = unescape(point);
        let inside = |path: &String| {
            point == *path || point.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
        };
        if paths.iter().any(inside) {
            let flags =
                MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | with;
            mount(NOTHING, point.as_str(), NOTHING, flags | flags_of(options), NOTHING)
                .map_err(|error| format!("protect {point}: {error}"))?;
        }
    }
    Ok(())
}

fn flags_of(options: &str) -> MsFlags {
    options.split(',').fold(MsFlags::empty(), |flags, option| {
        flags
            | match option {
                "ro" => MsFlags::MS_RDONLY,
                "noexec" => MsFlags::MS_NOEXEC,
                "noatime" => MsFlags::MS_NOATIME,
                "nodiratime" => MsFlags::MS_NODIRATIME,
                "relatime" => MsFlags::MS_RELATIME,
                _ => MsFlags::empty(),
            }
    })
}

/// Undoes the octal escapes of mountinfo (space, tab, newline, backslash).
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match (code, after.get(3..)) {
            (Some(code), Some(after)) => {
                out.push(char::from(code));
                rest = after;
            }
            _ => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out + rest
}
