//! A folder that is filled from an archive nobody vouches for: every path is resolved inside it.
//! Not here: reading archives (`image::unpack`, `engine::outputs`).
//! Invariant: whatever names and links an archive holds, nothing outside the folder is created, changed or removed.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, chownat,
        fchmod, fchown, futimens, linkat, mkdirat, openat, openat2, statat, symlinkat, unlinkat,
    },
    io::Errno,
};

use crate::limits::PATH_DEPTH;

/// A folder being filled.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
    owned: bool,
}

/// What an entry carries besides its content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meta {
    /// Permission bits.
    pub(crate) mode: u32,
    /// User and group.
    pub(crate) owner: (u32, u32),
    /// When it was changed, seconds since 1970.
    pub(crate) mtime: i64,
}

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Tree {
    /// Opens the folder; `owned` keeps the archive's owners, which only root can.
    pub(crate) fn open(path: &Path, owned: bool) -> io::Result<Self> {
        Ok(Self { root: openat(CWD, path, FOLDER | OFlags::NOFOLLOW, Mode::empty())?, owned })
    }
    /// Returns the folder that holds `path`, made if need be, and the last name; `None` for the root itself.
    pub(crate) fn parent(&self, path: &Path) -> io::Result<Option<(OwnedFd, OsString)>> {
        let mut names = names_of(path)?;
        let Some(last) = names.pop() else { return Ok(None) };
        let mut reached = PathBuf::from("/");
        let mut folder = self.resolve(&reached)?;
        for name in names {
            reached.push(&name);
            folder = match self.resolve(&reached) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    match mkdirat(&folder, &name, Mode::from_raw_mode(0o755)) {
                        Ok(()) => openat(&folder, &name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?,
                        // a link that leads nowhere
                        Err(error) => return Err(error.into()),
                    }
                }
                found => found?,
            };
        }
        Ok(Some((folder, last)))
    }
    fn resolve(&self, path: &Path) -> io::Result<OwnedFd> {
        let flags = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        Ok(openat2(&self.root, path, FOLDER, Mode::empty(), flags)?)
    }
    /// Opens a file or folder for reading or as a place to mount on, links resolved inside the tree.
    pub(crate) fn find(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        Ok(openat2(&self.root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)?)
    }
    /// Makes a folder, or keeps the one that is there.
    pub(crate) fn folder(&self, path: &Path, meta: Meta) -> io::Result<()> {
        let Some((parent, name)) = self.parent(path)? else { return Ok(()) };
        match kind_of(parent.as_fd(), &name)? {
            Some(FileType::Directory) => {}
            // a link to a folder stays, as every unpacker has it
            Some(FileType::Symlink) if self.resolve(path).is_ok() => return Ok(()),
            Some(_) => unlinkat(&parent, &name, AtFlags::empty())?,
            None => {}
        }
        match mkdirat(&parent, &name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = openat(&parent, &name, flags, Mode::empty())?;
        self.own(&made, meta)?;
        // who unpacks without root's power must be able to go on inside
        let mode = if self.owned { meta.mode } else { meta.mode | 0o700 };
        Ok(fchmod(&made, Mode::from_raw_mode(mode & 0o7777))?)
    }
    /// Makes a file, replacing what is there; at most `most` bytes. Returns how many it has.
    pub(crate) fn file(&self, path: &Path, from: &mut impl Read, most: u64, meta: Meta) -> io::Result<u64> {
        let Some((parent, name)) = self.parent(path)? else { return Err(io::ErrorKind::InvalidData.into()) };
        remove(parent.as_fd(), &name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut made = File::from(openat(&parent, &name, flags, Mode::from_raw_mode(0o600))?);
        let copied = io::copy(&mut from.take(most.saturating_add(1)), &mut made)?;
        if copied > most {
            return Err(io::Error::other("it is larger than it may be"));
        }
        self.own(&made, meta)?;
        fchmod(&made, Mode::from_raw_mode(meta.mode & 0o7777))?;
        let time = Timespec { tv_sec: meta.mtime, tv_nsec: 0 };
        futimens(&made, &Timestamps { last_access: time, last_modification: time })?;
        Ok(copied)
    }
    /// Makes a symbolic link, replacing what is there; where it leads is not looked at.
    pub(crate) fn symlink(&self, path: &Path, target: &Path, meta: Meta) -> io::Result<()> {
        let Some((parent, name)) = self.parent(path)? else { return Err(io::ErrorKind::InvalidData.into()) };
        remove(parent.as_fd(), &name)?;
        symlinkat(target, &parent, &name)?;
        if self.owned {
            let (user, group) = (Uid::from_raw(meta.owner.0), Gid::from_raw(meta.owner.1));
            chownat(&parent, &name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }
    /// Makes another name of a file of the tree.
    pub(crate) fn hard_link(&self, path: &Path, existing: &Path) -> io::Result<()> {
        let Some((from, from_name)) = self.parent(existing)? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        match kind_of(from.as_fd(), &from_name)? {
            Some(FileType::RegularFile | FileType::Symlink) => {}
            _ => return Err(io::Error::other("it is another name of nothing")),
        }
        let Some((parent, name)) = self.parent(path)? else { return Err(io::ErrorKind::InvalidData.into()) };
        if names_of(path)? == names_of(existing)? {
            return Ok(());
        }
        remove(parent.as_fd(), &name)?;
        Ok(linkat(&from, &from_name, &parent, &name, AtFlags::empty())?)
    }
    /// Removes what is there, with everything in it, but what `kept` names.
    pub(crate) fn remove(&self, path: &Path, kept: &HashSet<PathBuf>) -> io::Result<()> {
        let Some((parent, name)) = self.parent(path)? else { return Ok(()) };
        if kept.contains(&clean(path)?) {
            return Ok(());
        }
        remove(parent.as_fd(), &name)
    }
    /// Removes what is in a folder, but what `kept` names.
    pub(crate) fn empty(&self, path: &Path, kept: &HashSet<PathBuf>) -> io::Result<()> {
        let folder = match self.parent(path)? {
            Some((parent, name)) => openat(&parent, &name, FOLDER | OFlags::NOFOLLOW, Mode::empty()),
            None => openat(&self.root, ".", FOLDER, Mode::empty()),
        };
        match folder {
            Ok(folder) => empty(folder.as_fd(), &clean(path)?, kept, 0),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
    fn own(&self, fd: impl AsFd, meta: Meta) -> io::Result<()> {
        if self.owned {
            fchown(fd, Some(Uid::from_raw(meta.owner.0)), Some(Gid::from_raw(meta.owner.1)))?;
        }
        Ok(())
    }
}

/// Returns the path without `.` and leading `/`.
///
/// # Errors
/// It holds `..`, or is too deep.
pub(crate) fn clean(path: &Path) -> io::Result<PathBuf> {
    Ok(names_of(path)?.into_iter().collect())
}

fn names_of(path: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => names.push(name.to_owned()),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(io::Error::other(format!("`{}` leads out of its folder", path.display())));
            }
        }
    }
    if names.len() > PATH_DEPTH {
        return Err(io::Error::other(format!("a path is deeper than {PATH_DEPTH} folders")));
    }
    Ok(names)
}

fn kind_of(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<Option<FileType>> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn remove(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    match kind_of(folder, name)? {
        None => Ok(()),
        Some(FileType::Directory) => {
            let inner = openat(folder, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
            empty(inner.as_fd(), Path::new(""), &HashSet::new(), 0)?;
            Ok(unlinkat(folder, name, AtFlags::REMOVEDIR)?)
        }
        Some(_) => Ok(unlinkat(folder, name, AtFlags::empty())?),
    }
}

fn empty(folder: BorrowedFd<'_>, inside: &Path, kept: &HashSet<PathBuf>, depth: usize) -> io::Result<()> {
    if depth > PATH_DEPTH {
        return Err(io::Error::other(format!("a path is deeper than {PATH_DEPTH} folders")));
    }
    let listed = openat(folder, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut names = Vec::new();
    for entry in Dir::read_from(&listed)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    for name in names {
        let path = inside.join(&name);
        let folder_there = kind_of(folder, &name)? == Some(FileType::Directory);
        if folder_there {
            let inner = openat(folder, &name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
            empty(inner.as_fd(), &path, kept, depth + 1)?;
        }
        if !kept.contains(&path) {
            let flags = if folder_there { AtFlags::REMOVEDIR } else { AtFlags::empty() };
            match unlinkat(folder, &name, flags) {
                // something in it is kept
                Ok(()) | Err(Errno::NOTEMPTY) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Returns the bytes of a name.
pub(crate) fn bytes(name: &OsStr) -> &[u8] {
    name.as_bytes()
}
