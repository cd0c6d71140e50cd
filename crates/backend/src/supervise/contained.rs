//! A pod in containers: what each sees of this machine, waiting until all are there, and where its files are afterwards.
//! Not here: what happens while it runs (`watch`), engines and runtimes (crate `container`).
//! Invariant: of this machine a container sees its own staged files, its volumes, and the owner's mounts.

use std::{
    fs,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::fs::PermissionsExt,
    },
    path::{Path, PathBuf},
};

use container::{Bind, Request, Settings, Stage, Wanted, Word};
use engine::{PodEnd, PodOutcome};
use rustix::fs::{Mode, OFlags, open};

use super::{
    Specs, Watch,
    files::PodFiles,
    finish, inputs,
    linked::PodNetwork,
    make_volume, mark_started,
    payload::{Contained, Payload},
};
use crate::{
    folder::{PodFolder, create_private},
    outcome,
    plan::{SCRIPT_IN_POD, TOKEN_FOLDER_IN_POD},
    private::PrivateCommand,
    progress::{self, Progress},
    spec::{ContainerSpec, MountSpec, PodSpec, Role},
};

/// Supervises a pod whose containers `settings` say how to run.
pub(super) fn supervise(
    folder: &PodFolder,
    specs: &Specs,
    (control, lock): (OwnedFd, BorrowedFd<'_>),
    settings: &Settings,
) -> Result<PodOutcome, String> {
    let (spec, private) = specs;
    for path in &spec.folders {
        let path = folder.top().join(path);
        let made = make_volume(&path, None);
        // a container's users are the image's; nobody else passes the folders above
        made.and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o777)))
            .map_err(|error| format!("cannot make the pod's volumes: {error}"))?;
    }
    let said = folder.said();
    let made = make_volume(&said, None);
    made.and_then(|()| fs::set_permissions(&said, fs::Permissions::from_mode(0o1777)))
        .map_err(|error| format!("cannot make the pod's folders: {error}"))?;
    let place = Place::new(folder)?;
    let mut prepared = Vec::new();
    let mut of_main = None;
    // it is left when all containers are gone
    let network = PodNetwork::of(folder, spec, settings)?;
    for (at, (container, command)) in spec.containers.iter().zip(&private.commands).enumerate() {
        let mut wanted = place.wanted(folder, (spec, container), command)?;
        network.place(&mut wanted, spec, container);
        if spec.is_daemon && container.role != Role::Init {
            wanted.probes = Some(serde_json::to_value(&command.probes).map_err(|error| error.to_string())?);
        }
        if spec.main() == Some(at) {
            of_main = Some((place.of(container), wanted.binds.clone()));
        }
        let opened = place.open(folder, container, wanted, (settings, control.as_fd()))?;
        let Some((stage, stdout, stderr)) = opened else {
            return Ok(outcome::bare(PodEnd::Killed));
        };
        prepared.push(Some((Payload::Contained(Box::new(Contained::new(stage))), stdout, stderr)));
    }
    mark_started(lock)?;
    let said = PodFiles::below(open_folder(&folder.said())?, None);
    let mut watch = Watch::new(folder, (spec, private), control, prepared);
    watch.look_at_progress(Progress::of(&said, format!("/{}", progress::FILE)));
    watch.tell_when_ready(network.address(spec));
    let ending = watch.run()?;
    let files = of_main.map(|(base, binds)| files_of(&base.join("rootfs"), &binds)).transpose()?;
    Ok(finish(files.as_ref(), folder, spec, watch, ending))
}

/// The folders of a pod's containers; removed when it is dropped.
struct Place {
    path: PathBuf,
    /// Files of Secrets, in memory where a machine has such a folder.
    secrets: PathBuf,
}

impl Place {
    fn new(folder: &PodFolder) -> Result<Self, String> {
        let path = folder.path().join("containers");
        let memory = Path::new("/dev/shm");
        let name = format!("marque-{}", folder.relative().replace('/', "-"));
        let secrets = if memory.is_dir() { memory.join(name) } else { path.join("secrets") };
        for folder in [&path, &secrets] {
            create_private(folder).map_err(|error| error.to_string())?;
        }
        Ok(Self { path, secrets })
    }
    fn of(&self, container: &ContainerSpec) -> PathBuf {
        self.path.join(&container.name)
    }
    /// Puts in place what the container sees, and returns what is wanted.
    fn wanted(
        &self,
        folder: &PodFolder,
        (spec, container): (&PodSpec, &ContainerSpec),
        command: &PrivateCommand,
    ) -> Result<Wanted, String> {
        let mut wanted = container.wanted.clone().ok_or("`pod.json` is damaged")?;
        let mut binds = Vec::new();
        for mount in &container.mounts {
            binds.push(bind_of(folder, mount)?);
        }
        binds.push(bind(&folder.said(), progress::FOLDER_IN_POD, true));
        let token = folder.token_folder();
        if token.is_dir() {
            binds.push(bind(&token, TOKEN_FOLDER_IN_POD, false));
        }
        let secrets = self.secrets.join(&container.name);
        let staged = self.of(container).join("staged");
        let root = |path: &Path| -> Result<PodFiles, String> {
            create_private(path).map_err(|error| error.to_string())?;
            Ok(PodFiles::below(open_folder(path)?, None))
        };
        inputs::place_files(&root(&secrets)?, &command.files)?;
        binds.extend(command.files.iter().map(|file| bind(&within(&secrets, &file.path), &file.path, false)));
        if container.has_inputs {
            inputs::place(&root(&staged)?, folder, spec, SCRIPT_IN_POD)?;
            if spec.script.is_some() {
                binds.push(bind(&within(&staged, SCRIPT_IN_POD), SCRIPT_IN_POD, false));
            }
            binds.extend(
                spec.inputs.iter().map(|input| bind(&within(&staged, &input.path), &input.path, true)),
            );
        }
        // outer ones first
        binds.sort_by_key(|bind| bind.path.split('/').count());
        let (own, args) = command.argv.split_at_checked(container.command_words).unwrap_or_default();
        wanted.command = (!own.is_empty()).then(|| own.to_vec());
        wanted.args = args.to_vec();
        wanted.env.clone_from(&command.env);
        wanted.host_name.clone_from(&spec.host_name);
        if spec.main().and_then(|at| spec.containers.get(at)) == Some(container) {
            let parameters = spec.parameters.iter().map(|(_, path)| path);
            let paths = parameters.chain(spec.artifacts.iter().map(|artifact| &artifact.path));
            let inside = |path: &&String| binds.iter().all(|bind| below(&bind.path, path).is_none());
            wanted.outputs = paths.filter(inside).cloned().collect();
        }
        wanted.binds = binds;
        Ok(wanted)
    }
    /// Opens the container's stage and waits until it is ready; `None` if the pod is to be killed meanwhile.
    fn open(
        &self,
        folder: &PodFolder,
        container: &ContainerSpec,
        wanted: Wanted,
        (settings, control): (&Settings, BorrowedFd<'_>),
    ) -> Result<Option<Opened>, String> {
        let base = self.of(container);
        create_private(&base).map_err(|error| error.to_string())?;
        let request = Request { wanted, settings: settings.clone(), folder: base };
        let opened = Stage::open(Path::new("/proc/self/exe"), &request);
        let (mut stage, stdout, stderr) =
            opened.map_err(|error| format!("cannot attend the container: {error}"))?;
        loop {
            match stage.hear_unless(control).map_err(|error| error.to_string())? {
                Some(Word::Ready) => return Ok(Some((stage, stdout, stderr))),
                Some(Word::Usable { .. }) => {}
                Some(Word::Fault(why)) => return Err(why),
                Some(Word::Exited(_)) => return Err("the container ended before it was started".to_owned()),
                None if folder.kill().exists() => return Ok(None),
                None => {
                    let mut buffer = [0; 64];
                    while matches!(rustix::io::read(control, &mut buffer), Ok(read) if read > 0) {}
                }
            }
        }
    }
}

/// A container that waits for its start, and what it writes.
type Opened = (Stage, OwnedFd, OwnedFd);

impl Drop for Place {
    fn drop(&mut self) {
        // what is left behind is the pod's own and seen by nobody
        let _ = fs::remove_dir_all(&self.secrets);
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn files_of(rootfs: &Path, binds: &[Bind]) -> Result<PodFiles, String> {
    create_private(rootfs).map_err(|error| error.to_string())?;
    let mut places = Vec::new();
    for bind in binds.iter().filter(|bind| Path::new(&bind.host).is_dir()) {
        places.push((bind.path.clone(), open_folder(Path::new(&bind.host))?));
    }
    Ok(PodFiles::below(open_folder(rootfs)?, None).with_places(places))
}

fn open_folder(path: &Path) -> Result<OwnedFd, String> {
    open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| format!("cannot open `{}`: {error}", path.display()))
}

/// Returns the part of a volume that is mounted, made if it is not there; a link in a volume leads nowhere else.
fn bind_of(folder: &PodFolder, mount: &MountSpec) -> Result<Bind, String> {
    if mount.host.starts_with('/') {
        return Ok(bind(Path::new(&mount.host), &mount.path, mount.writable));
    }
    let volume = folder.top().join(&mount.host);
    if mount.sub_path.is_empty() {
        return Ok(bind(&volume, &mount.path, mount.writable));
    }
    let failed = |error: std::io::Error| format!("failed to mount volume at `{}`: {error}", mount.path);
    let files = PodFiles::below(open_folder(&volume)?, None);
    let part = files.create_folder(&mount.sub_path).map_err(failed)?;
    let host = fs::read_link(format!("/proc/self/fd/{}", part.as_raw_fd())).map_err(failed)?;
    Ok(bind(&host, &mount.path, mount.writable))
}

fn bind(host: &Path, path: &str, writable: bool) -> Bind {
    Bind { host: host.to_string_lossy().into_owned(), path: path.to_owned(), writable }
}

fn within(folder: &Path, path: &str) -> PathBuf {
    folder.join(path.trim_start_matches('/'))
}

/// Returns what of `path` is below `folder`, if it is.
pub(super) fn below<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix(folder.trim_end_matches('/'))?;
    if rest.is_empty() { Some(".") } else { rest.strip_prefix('/') }
}
