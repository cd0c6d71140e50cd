//! From a pod as the engine wants it to a specification the supervisor can carry out.
//! Not here: doing it. Everything an author wrote is checked here before anything is started.

use std::collections::BTreeSet;

use engine::{InputSource, Pod};
use model::argo::{Container, VolumeMount};
use policy::RunFacts;

use crate::{
    BackendError, Isolation, Materials, ProcessConfig, clock, contained,
    environment::{PATH, Surroundings, Variables, container_name},
    folder::{PodFolder, artifact_path, checked_name, pod_path_fault},
    image::invocation,
    limits::POD_CONTAINERS,
    private::{Private, PrivateCommand},
    probe::Probe,
    progress::{FILE, FILE_IN_POD},
    sandbox::pod_user,
    spec::{ContainerSpec, InputSpec, MountSpec, OutputSpec, PodSpec, Role},
    volumes::{Volumes, claims_folder},
};

/// Where the run token's file is in the sandbox.
pub(crate) const TOKEN_IN_POD: &str = "/run/marque/token";
/// Where the run token's folder is in a container.
pub(crate) const TOKEN_FOLDER_IN_POD: &str = "/run/marque";
/// Where the script is in the sandbox (Argo `workflow/common` ExecutorScriptSourcePath).
pub(crate) const SCRIPT_IN_POD: &str = "/argo/staging/script";
/// Where the built-in programs are in the sandbox.
pub(crate) const PROGRAMS_IN_POD: &str = "/argo/bin";

/// Returns the specification of a run's pod, and what only the supervisor may see of it.
///
/// # Errors
/// [`BackendError::Unsupported`] with Argo's message if it can't be run.
pub(crate) fn plan(
    config: &ProcessConfig,
    folder: &PodFolder,
    (run, pod): (&RunFacts, &Pod),
    materials: &Materials,
) -> Result<(PodSpec, Private), BackendError> {
    let volumes = Volumes { run, pod, materials, folder };
    let (folders, claims) = volumes.folders()?;
    let planning = Planning { config, folder, run, pod, materials, volumes };
    let (containers, commands) = planning.containers()?;
    let sandboxed = config.isolation != Isolation::None;
    if !sandboxed && containers.iter().any(|container| container.has_volumes) {
        return Err(unsupported(
            "`volumeMounts` need a sandbox: without one (isolation `none`) a volume has no place of its own"
                .to_owned(),
        ));
    }
    // pods that share a claim share its owner
    let owner = if claims {
        folder.top().join(claims_folder(&run.name.namespace)?)
    } else {
        folder.path().to_owned()
    };
    let spec = PodSpec {
        isolation: config.isolation,
        containers_by: config.containers.clone().filter(|_| config.isolation == Isolation::Containers),
        host_name: host_name(&pod.pod_name),
        // a container's users are its image's
        user: pod_user(&owner).filter(|_| config.isolation == Isolation::Namespaces),
        is_daemon: pod.template.daemon == Some(true),
        is_set: pod.template.container_set.is_some(),
        containers: containers.into_iter().map(|container| container.spec).collect(),
        script: pod.template.script.as_ref().map(|script| script.source.clone()),
        inputs: inputs(pod, materials, &folder.artifacts_root())?,
        parameters: parameters(pod)?,
        artifacts: artifacts(pod)?,
        wants_result: pod.wants_result,
        deadline_seconds: pod.deadline_seconds,
        folders,
    };
    Ok((spec, Private { commands, masks: materials.masks() }))
}

/// What the containers of a pod are planned from.
struct Planning<'a> {
    config: &'a ProcessConfig,
    folder: &'a PodFolder,
    run: &'a RunFacts,
    pod: &'a Pod,
    materials: &'a Materials,
    volumes: Volumes<'a>,
}

/// A container that has been planned.
struct Planned {
    spec: ContainerSpec,
    /// Whether it mounts anything of the pod's volumes.
    has_volumes: bool,
}

impl Planning<'_> {
    /// Returns the pod's containers in the order they are written in, and what each runs.
    fn containers(&self) -> Result<(Vec<Planned>, Vec<PrivateCommand>), BackendError> {
        let template = &self.pod.template;
        let mut containers = Vec::new();
        let mut commands = Vec::new();
        let mut take = |(planned, command): (Planned, PrivateCommand)| {
            containers.push(planned);
            commands.push(command);
        };
        let own = self.main_mounts();
        for init in &template.init_containers {
            let mounts = own.iter().filter(|_| init.mirror_volume_mounts).copied();
            take(self.container(
                &init.container,
                Role::Init,
                (mounts.collect(), init.mirror_volume_mounts),
            )?);
        }
        for (container, dependencies) in self.main_containers()? {
            let of_set = template.container_set.iter().flat_map(|set| &set.volume_mounts);
            take(self.container(container, Role::Main(dependencies), (of_set.collect(), true))?);
        }
        for sidecar in &template.sidecars {
            let mounts = own.iter().filter(|_| sidecar.mirror_volume_mounts).copied();
            let more = (mounts.collect(), sidecar.mirror_volume_mounts);
            take(self.container(&sidecar.container, Role::Sidecar, more)?);
        }
        if containers.len() > POD_CONTAINERS {
            return Err(unsupported(format!("a pod can't have more than {POD_CONTAINERS} containers")));
        }
        let mut names = BTreeSet::new();
        match containers.iter().find(|planned| !names.insert(planned.spec.name.clone())) {
            Some(twice) => Err(unsupported(format!("two containers are called `{}`", twice.spec.name))),
            None => Ok((containers, commands)),
        }
    }
    /// The mounts that a mirroring container sees as well: the main container's, or all of a set's.
    fn main_mounts(&self) -> Vec<&VolumeMount> {
        let template = &self.pod.template;
        let script = template.script.iter().map(|script| &script.container);
        let set = template.container_set.iter();
        let of_set = set.clone().flat_map(|set| &set.volume_mounts);
        let nodes = set.flat_map(|set| &set.containers).map(|node| &node.container);
        let containers = template.container.iter().chain(script).chain(nodes);
        containers.flat_map(|container| &container.volume_mounts).chain(of_set).collect()
    }
    /// Returns the main containers with the names of those they wait for.
    fn main_containers(&self) -> Result<Vec<(&Container, Vec<String>)>, BackendError> {
        let template = &self.pod.template;
        match (&template.script, &template.container, &template.container_set) {
            (Some(script), ..) => Ok(vec![(&script.container, Vec::new())]),
            (None, Some(container), _) => Ok(vec![(container, Vec::new())]),
            (None, None, Some(set)) => {
                Ok(set.containers.iter().map(|node| (&node.container, node.dependencies.clone())).collect())
            }
            (None, None, None) => Err(unsupported(format!("template `{}` has no container", template.name))),
        }
    }
    fn container(
        &self,
        container: &Container,
        role: Role,
        (more, has_inputs): (Vec<&VolumeMount>, bool),
    ) -> Result<(Planned, PrivateCommand), BackendError> {
        let name = checked_name(container_name(container))?.to_owned();
        let sandboxed = self.config.isolation != Isolation::None;
        let in_image = self.config.isolation == Isolation::Containers;
        let home = if sandboxed { "/tmp".to_owned() } else { shown(&self.folder.work()) };
        let token = if sandboxed { TOKEN_IN_POD.to_owned() } else { shown(&self.folder.token()) };
        let token = self.materials.token.is_some().then_some(token.as_str());
        let (run, pod, materials) = (self.run, self.pod, self.materials);
        let progress = if sandboxed { FILE_IN_POD.to_owned() } else { shown(&self.folder.said().join(FILE)) };
        let surroundings = Surroundings {
            run,
            pod,
            materials,
            home: &home,
            token,
            progress: &progress,
            now_ms: clock::now_ms(),
        };
        let env = surroundings.variables(container)?;
        let (mut invocation, command_words) = if in_image {
            contained::invocation(container, &env)
        } else {
            (invocation(container, &self.config.images, &env)?, 0)
        };
        // these are the image's unless the template says something else
        let is_default = |(name, value): &(String, String)| match name.as_str() {
            "PATH" => value == PATH,
            "HOME" => *value == home,
            _ => false,
        };
        let env: Variables = env.into_iter().filter(|pair| !(in_image && is_default(pair))).collect();
        let wanted = in_image
            .then(|| contained::wanted(contained::container_name(&self.folder.relative(), &name), container));
        let env = if invocation.built_in { with_built_in(env, self.folder, sandboxed) } else { env };
        let is_main = role.is_main();
        // one without a source is as good as a container (Argo `operator.go` executeScript)
        if is_main && pod.template.script.as_ref().is_some_and(|script| !script.source.is_empty()) {
            let script = if sandboxed { SCRIPT_IN_POD.to_owned() } else { shown(&self.folder.script()) };
            invocation.argv.push(script);
        }
        if invocation.argv.iter().any(|text| text.contains('\0')) {
            return Err(unsupported("an argument holds a NUL".to_owned()));
        }
        if !container.working_dir.is_empty() {
            check_path("the working directory", &container.working_dir)?;
        }
        let own = container.volume_mounts.iter();
        let further =
            more.into_iter().filter(|more| own.clone().all(|own| own.mount_path != more.mount_path));
        let seen = self.volumes.shown(container, own.clone().chain(further))?;
        let has_volumes = !(seen.mounts.is_empty() && seen.files.is_empty());
        let mut mounts = mounts(self.config)?;
        mounts.extend(seen.mounts);
        let (attempts, pause_ms) = if is_main { self.attempts()? } else { (1, 0) };
        let spec = ContainerSpec {
            name,
            role,
            wanted: wanted.transpose()?,
            command_words,
            built_in: invocation.built_in,
            working_dir: container.working_dir.clone(),
            mounts,
            has_inputs,
            attempts,
            pause_ms,
        };
        let probes = Probe::of(container, &env).map_err(unsupported)?;
        // only a daemon is waited for
        let probes = if pod.template.daemon == Some(true) { probes } else { Vec::new() };
        let command = PrivateCommand { argv: invocation.argv, env, files: seen.files, probes };
        Ok((Planned { spec, has_volumes }, command))
    }
    /// Returns how often each container of a set is tried, and the milliseconds between.
    /// Source: Argo `workflow_types.go` ContainerSetRetryStrategy, `emissary.go`.
    fn attempts(&self) -> Result<(u32, u64), BackendError> {
        let set = self.pod.template.container_set.as_ref();
        let Some(strategy) = set.and_then(|set| set.retry_strategy.as_ref()) else { return Ok((1, 0)) };
        let wrong = |what: &str| unsupported(format!("the retryStrategy of the containerSet: {what}"));
        let retries = match &strategy.retries {
            None => 1,
            Some(text) => text.0.trim().parse::<u32>().map_err(|_| wrong("`retries` is no number"))?,
        };
        let pause = match strategy.duration.as_str() {
            "" => 0,
            text => model::duration::go_duration_ms(text).map_err(|error| wrong(&error.to_string()))?,
        };
        Ok((retries.clamp(1, MOST_ATTEMPTS), pause))
    }
}

/// The most often a container of a set is tried.
const MOST_ATTEMPTS: u32 = 1000;

/// Returns the mounts of every pod.
///
/// # Errors
/// [`BackendError::Unsupported`] if a path is not absolute or not UTF-8.
pub(crate) fn mounts(config: &ProcessConfig) -> Result<Vec<MountSpec>, BackendError> {
    let text = |path: &std::path::Path| -> Result<String, BackendError> {
        let text =
            path.to_str().ok_or_else(|| unsupported(format!("mount `{}` is not UTF-8", path.display())))?;
        check_path("a mount", text)?;
        Ok(text.to_owned())
    };
    config
        .mounts
        .iter()
        .map(|m| {
            let (host, path) = (text(&m.host)?, text(&m.path)?);
            Ok(MountSpec { host, sub_path: String::new(), path, writable: m.writable })
        })
        .collect()
}

/// Lets the built-in programs be found first.
fn with_built_in(env: Variables, folder: &PodFolder, sandboxed: bool) -> Variables {
    let programs = if sandboxed { PROGRAMS_IN_POD.to_owned() } else { shown(&folder.programs()) };
    let first = |(name, value): (String, String)| {
        let value = if name == "PATH" { format!("{programs}:{value}") } else { value };
        (name, value)
    };
    env.into_iter().map(first).collect()
}

fn inputs(
    pod: &Pod,
    materials: &Materials,
    artifacts: &std::path::Path,
) -> Result<Vec<InputSpec>, BackendError> {
    let one = |input: &engine::PodInput| {
        check_path(&format!("input artifact `{}`: its path", input.name), &input.path)?;
        let mut file = None;
        let (key, text) = match &input.source {
            InputSource::Stored(key) => {
                artifact_path(artifacts, key)?;
                (Some(key.clone()), String::new())
            }
            InputSource::Raw(text) => (None, text.clone()),
            InputSource::Located(at) => match materials.fetched.get(&input.name) {
                Some(path) => {
                    file = Some(path.clone());
                    (None, String::new())
                }
                None if input.optional => return Ok(None),
                None => {
                    let driver = at.driver();
                    let what = format!("input artifact `{}` was not fetched from `{driver}`", input.name);
                    return Err(unsupported(what));
                }
            },
        };
        let mode = input.mode.and_then(|mode| u32::try_from(mode).ok()).map(|mode| mode & 0o777);
        let (name, path, recurse_mode) = (input.name.clone(), input.path.clone(), input.recurse_mode);
        Ok(Some(InputSpec { name, path, key, file, text, mode, recurse_mode }))
    };
    pod.inputs.iter().filter_map(|input| one(input).transpose()).collect()
}

fn parameters(pod: &Pod) -> Result<Vec<(String, String)>, BackendError> {
    let mut found = Vec::new();
    for parameter in &pod.template.outputs.parameters {
        let path = parameter.value_from.as_ref().map_or("", |source| source.path.as_str());
        if !path.is_empty() {
            check_path(&format!("output parameter `{}`: its path", parameter.name), path)?;
            found.push((parameter.name.clone(), path.to_owned()));
        }
    }
    Ok(found)
}

fn artifacts(pod: &Pod) -> Result<Vec<OutputSpec>, BackendError> {
    let mut found = Vec::new();
    for artifact in pod.template.outputs.artifacts.iter().filter(|artifact| !artifact.path.is_empty()) {
        checked_name(&artifact.name)?;
        check_path(&format!("output artifact `{}`: its path", artifact.name), &artifact.path)?;
        let (name, path) = (artifact.name.clone(), artifact.path.clone());
        found.push(OutputSpec { name, path, optional: artifact.optional });
    }
    Ok(found)
}

fn check_path(what: &str, path: &str) -> Result<(), BackendError> {
    match pod_path_fault(path) {
        None => Ok(()),
        Some(fault) => Err(unsupported(format!("{what} `{path}` {fault}"))),
    }
}

/// Returns a host name made of a pod's name: RFC 1123 characters, at most 63.
pub(crate) fn host_name(pod_name: &str) -> String {
    let name: String =
        pod_name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(63).collect();
    let name = name.trim_matches('-').to_owned();
    if name.is_empty() { "pod".to_owned() } else { name }
}

fn shown(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Returns the error of a pod that cannot be run as it is.
pub(crate) fn unsupported(message: String) -> BackendError {
    BackendError::Unsupported(message)
}
