//! A pod's file system, seen from the supervisor: every path is resolved inside the pod's root, with the pod's rights.
//! Not here: what is placed (`inputs`) or collected (`collect`).
//! Invariant: in a sandbox no path, symbolic link or mount of the pod leads the supervisor out of the pod's root, and the
//! supervisor reads and writes nothing there that the pod itself could not.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use rustix::{
    fs::{
        CWD, FileType, Mode, OFlags, ResolveFlags, fstat, fstatfs, mkdirat, open, openat, openat2, statat,
        unlinkat,
    },
    io::Errno,
};

use super::contained::below;

/// The magic number of procfs (`linux/magic.h`): its files are made up on reading, for whoever reads.
const PROC_SUPER_MAGIC: u64 = 0x9fa0;

/// A pod's file system.
#[derive(Debug)]
pub(crate) struct PodFiles {
    root: OwnedFd,
    resolve: ResolveFlags,
    owner: Option<u32>,
    /// What is mounted, inner ones last: the place, and what is there.
    places: Vec<(String, OwnedFd)>,
}

impl PodFiles {
    /// Returns the files of a pod without a sandbox: this machine's.
    pub(crate) fn of_machine() -> io::Result<Self> {
        let root = open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { root, resolve: ResolveFlags::NO_MAGICLINKS, owner: None, places: Vec::new() })
    }
    /// Returns the files below `root`, used with the rights of user `owner` if that is another than this process's.
    pub(crate) const fn below(root: OwnedFd, owner: Option<u32>) -> Self {
        Self {
            root,
            resolve: ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS),
            owner,
            places: Vec::new(),
        }
    }
    /// Returns them with folders mounted at some places, inner ones last; only [`Self::open`] sees those.
    pub(crate) fn with_places(self, places: Vec<(String, OwnedFd)>) -> Self {
        Self { places, ..self }
    }
    fn root_of<'a>(&'a self, path: &'a str) -> (&'a OwnedFd, &'a str) {
        let mounted = |(place, root): &'a (String, OwnedFd)| Some((root, below(place, path)?));
        self.places.iter().rev().find_map(mounted).unwrap_or((&self.root, path))
    }
    /// Opens a regular file or a folder for reading; `None` if there is nothing.
    ///
    /// # Errors
    /// Anything else than a regular file or folder, and what the pod itself may not read.
    pub(crate) fn open(&self, path: &str) -> io::Result<Option<Found>> {
        let _rights = self.rights();
        let (root, path) = self.root_of(path);
        let seen = match openat2(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), self.resolve) {
            Ok(seen) => seen,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let kind = FileType::from_raw_mode(fstat(&seen)?.st_mode);
        if !matches!(kind, FileType::RegularFile | FileType::Directory) {
            return Err(io::Error::other("it is neither a file nor a folder"));
        }
        if u64::try_from(fstatfs(&seen)?.f_type).ok() == Some(PROC_SUPER_MAGIC) {
            return Err(io::Error::other("it is not a file of the pod"));
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = openat2(root, path, flags, Mode::empty(), self.resolve)?;
        Ok(Some(Found::of(fd)?))
    }
    /// Opens what `name` in `folder` leads to, if that is a regular file inside `top`; `None` otherwise.
    pub(crate) fn open_link(&self, top: BorrowedFd<'_>, path: &Path) -> Option<File> {
        let _rights = self.rights();
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        let seen = openat2(top, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve).ok()?;
        if FileType::from_raw_mode(fstat(seen).ok()?.st_mode) != FileType::RegularFile {
            return None;
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match Found::of(openat2(top, path, flags, Mode::empty(), resolve).ok()?).ok()? {
            Found::File(file) => Some(file),
            Found::Folder(_) => None,
        }
    }
    /// Opens an entry of `folder` that is no symbolic link.
    pub(crate) fn open_entry(&self, folder: BorrowedFd<'_>, name: &Path) -> io::Result<Found> {
        let _rights = self.rights();
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Found::of(openat(folder, name, flags, Mode::empty())?)
    }
    /// Creates a folder and those above it; one that is there is fine.
    pub(crate) fn create_folder(&self, path: &str) -> io::Result<OwnedFd> {
        let _rights = self.rights();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut reached = String::new();
        let mut folder = openat2(&self.root, "/", flags, Mode::empty(), self.resolve)?;
        for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
            reached.push('/');
            reached.push_str(part);
            folder = match openat2(&self.root, reached.as_str(), flags, Mode::empty(), self.resolve) {
                Ok(found) => found,
                Err(Errno::NOENT) => {
                    mkdirat(&folder, part, Mode::from_raw_mode(0o755))?;
                    openat(&folder, part, flags | OFlags::NOFOLLOW, Mode::empty())?
                }
                Err(error) => return Err(error.into()),
            };
        }
        Ok(folder)
    }
    /// Creates a file in `folder`; what was there under this name is replaced, never written through.
    pub(crate) fn create_file(&self, folder: BorrowedFd<'_>, name: &Path, mode: u32) -> io::Result<File> {
        let _rights = self.rights();
        match unlinkat(folder, name, rustix::fs::AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(folder, name, flags, Mode::from_raw_mode(mode))?;
        // the mask of this process must not take bits away
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        Ok(File::from(file))
    }
    /// Creates a symbolic link in `folder`; what was there under this name is replaced.
    pub(crate) fn create_link(
        &self,
        folder: BorrowedFd<'_>,
        name: &Path,
        target: &std::ffi::CStr,
    ) -> io::Result<()> {
        let _rights = self.rights();
        match unlinkat(folder, name, rustix::fs::AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(rustix::fs::symlinkat(target, folder, name)?)
    }
    /// Creates a folder in `folder`, or opens the one that is there.
    pub(crate) fn create_subfolder(&self, folder: BorrowedFd<'_>, name: &Path) -> io::Result<OwnedFd> {
        let _rights = self.rights();
        match mkdirat(folder, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(folder, name, flags, Mode::empty())?)
    }
    fn rights(&self) -> Rights {
        Rights::take(self.owner)
    }
}

/// Something that was opened for reading.
#[derive(Debug)]
pub(crate) enum Found {
    /// A regular file.
    File(File),
    /// A folder.
    Folder(OwnedFd),
}

impl Found {
    fn of(fd: OwnedFd) -> io::Result<Self> {
        match FileType::from_raw_mode(fstat(&fd)?.st_mode) {
            FileType::RegularFile => Ok(Self::File(File::from(fd))),
            FileType::Directory => Ok(Self::Folder(fd)),
            _ => Err(io::Error::other("it is neither a file nor a folder")),
        }
    }
}

/// The file system rights of a pod's user, for as long as it lives; the supervisor has one thread.
struct Rights {
    before: Option<(Uid, Gid)>,
}

impl Rights {
    fn take(owner: Option<u32>) -> Self {
        // the group first: without the user's rights it could not be changed any more
        let before = owner.map(|id| {
            let group = setfsgid(Gid::from_raw(id));
            (setfsuid(Uid::from_raw(id)), group)
        });
        Self { before }
    }
}

impl Drop for Rights {
    fn drop(&mut self) {
        if let Some((user, group)) = self.before {
            setfsuid(user);
            setfsgid(group);
        }
    }
}

/// What an entry of a folder is, without following it.
pub(crate) fn entry_type(folder: BorrowedFd<'_>, name: &Path) -> io::Result<(FileType, u64)> {
    let stat = statat(folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
    Ok((FileType::from_raw_mode(stat.st_mode), stat.st_dev))
}

/// Opens a folder of this machine that is no symbolic link.
pub(crate) fn open_plain(path: &Path) -> io::Result<Found> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Found::of(openat(CWD, path, flags, Mode::empty())?)
}

/// Returns the names in a folder.
pub(crate) fn names(folder: impl AsFd) -> io::Result<Vec<std::ffi::OsString>> {
    use std::os::unix::ffi::OsStringExt;
    let mut found = Vec::new();
    for entry in rustix::fs::Dir::read_from(folder)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            found.push(std::ffi::OsString::from_vec(name));
        }
    }
    Ok(found)
}
