//! Puts the script and the input artifacts at their places in the pod, before its process starts.
//! Not here: where they come from (`engine`), how paths are resolved (`files`).

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use super::files::{Found, PodFiles, entry_type, names, open_plain};
use crate::{
    folder::{PodFolder, artifact_path},
    limits::ARTIFACT_DEPTH,
    private::PrivateFile,
    spec::{InputSpec, PodSpec},
};

/// Puts everything in place.
///
/// # Errors
/// A sentence for the node's message.
pub(crate) fn place(
    files: &PodFiles,
    folder: &PodFolder,
    spec: &PodSpec,
    script: &str,
) -> Result<(), String> {
    if let Some(source) = &spec.script {
        place_text(files, script, source, 0o755)
            .map_err(|error| format!("failed to write the script: {error}"))?;
    }
    for input in &spec.inputs {
        place_input(files, folder, input).map_err(|error| {
            format!("failed to load artifact `{}` to `{}`: {error}", input.name, input.path)
        })?;
    }
    Ok(())
}

/// Puts the files of ConfigMaps and Secrets in place.
///
/// # Errors
/// A sentence for the node's message.
pub(crate) fn place_files(files: &PodFiles, wanted: &[PrivateFile]) -> Result<(), String> {
    for file in wanted {
        place_bytes(files, &file.path, &file.bytes, file.mode)
            .map_err(|error| format!("failed to write the volume's file `{}`: {error}", file.path))?;
    }
    Ok(())
}

fn place_input(files: &PodFiles, folder: &PodFolder, input: &InputSpec) -> io::Result<()> {
    let path = match (&input.file, &input.key) {
        (Some(file), _) => file.clone(),
        (None, Some(key)) => artifact_path(&folder.artifacts_root(), key).map_err(io::Error::other)?,
        (None, None) => return place_text(files, &input.path, &input.text, input.mode.unwrap_or(0o644)),
    };
    match open_plain(&path)? {
        Found::File(mut source) => {
            let mode = input.mode.map_or_else(|| file_mode(&source), Ok)?;
            let (parent, name) = parent_of(files, &input.path)?;
            io::copy(&mut source, &mut files.create_file(parent.as_fd(), name, mode)?)?;
            Ok(())
        }
        Found::Folder(source) => {
            let target = files.create_folder(&input.path)?;
            let mode = input.mode.filter(|_| input.recurse_mode);
            copy_folder(files, source, target.as_fd(), (0, mode))
        }
    }
}

fn place_text(files: &PodFiles, path: &str, text: &str, mode: u32) -> io::Result<()> {
    place_bytes(files, path, text.as_bytes(), mode)
}

fn place_bytes(files: &PodFiles, path: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
    let (parent, name) = parent_of(files, path)?;
    io::Write::write_all(&mut files.create_file(parent.as_fd(), name, mode)?, bytes)
}

fn parent_of<'a>(files: &PodFiles, path: &'a str) -> io::Result<(OwnedFd, &'a Path)> {
    let path = path.trim_end_matches('/');
    let (parent, name) = path.rsplit_once('/').ok_or(io::ErrorKind::InvalidInput)?;
    Ok((files.create_folder(parent)?, Path::new(OsStr::new(name))))
}

/// Copies a folder. The store holds only files and folders; what was fetched may have links, which stay inside it.
fn copy_folder(
    files: &PodFiles,
    source: OwnedFd,
    target: BorrowedFd<'_>,
    (depth, mode): (u32, Option<u32>),
) -> io::Result<()> {
    if depth > ARTIFACT_DEPTH {
        return Err(io::Error::other(format!("it is deeper than {ARTIFACT_DEPTH} folders")));
    }
    for name in names(&source)? {
        let name = Path::new(&name);
        if entry_type(source.as_fd(), name)?.0 == rustix::fs::FileType::Symlink {
            files.create_link(target, name, &rustix::fs::readlinkat(&source, name, Vec::new())?)?;
            continue;
        }
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC;
        let entry = rustix::fs::openat(&source, name, flags, rustix::fs::Mode::empty())?;
        let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&entry)?.st_mode);
        if kind == rustix::fs::FileType::Directory {
            let inner = files.create_subfolder(target, name)?;
            copy_folder(files, entry, inner.as_fd(), (depth + 1, mode))?;
        } else {
            let mut entry = File::from(entry);
            let mode = mode.map_or_else(|| file_mode(&entry), Ok)?;
            io::copy(&mut entry, &mut files.create_file(target, name, mode)?)?;
        }
    }
    Ok(())
}

/// Everybody may read what is in the pod; whether it may be executed is kept.
fn file_mode(file: &File) -> io::Result<u32> {
    Ok(0o644 | (file.metadata()?.permissions().mode() & 0o111))
}
