//! From a pod as the engine wants it to a specification the supervisor can carry out.
//! Not here: doing it. Everything an author wrote is checked here before anything is started.

use engine::{InputSource, Pod};
use policy::RunFacts;

use crate::{
    BackendError, Isolation, Materials, ProcessConfig,
    environment::{Surroundings, Variables},
    folder::{PodFolder, artifact_path, checked_name, pod_path_fault},
    image::invocation,
    private::Private,
    spec::{InputSpec, MountSpec, OutputSpec, PodSpec},
};

/// Where the run token's file is in the sandbox.
pub(crate) const TOKEN_IN_POD: &str = "/run/marque/token";
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
    for_whom: (&RunFacts, &Pod),
    materials: &Materials,
) -> Result<(PodSpec, Private), BackendError> {
    let (run, pod) = for_whom;
    let template = &pod.template;
    let (container, script) = match (&template.script, &template.container) {
        (Some(script), _) => (&script.container, Some(script.source.clone())),
        (None, Some(container)) => (container, None),
        (None, None) => {
            let what = crate::unsupported::refused(template, &model::argo::Container::default())
                .unwrap_or_else(|| format!("template `{}` has no container", template.name));
            return Err(unsupported(what));
        }
    };
    if let Some(what) = crate::unsupported::refused(template, container) {
        return Err(unsupported(what));
    }
    let sandboxed = config.isolation == Isolation::Namespaces;
    let home = if sandboxed { "/tmp".to_owned() } else { shown(&folder.work()) };
    let token = if sandboxed { TOKEN_IN_POD.to_owned() } else { shown(&folder.token()) };
    let token = materials.token.is_some().then_some(token.as_str());
    let env = Surroundings { run, pod, materials, home: &home, token }.variables(container)?;
    let mut invocation = invocation(container, &config.images, &env)?;
    let env = if invocation.built_in { with_built_in(env, folder, sandboxed) } else { env };
    if script.is_some() {
        invocation.argv.push(if sandboxed { SCRIPT_IN_POD.to_owned() } else { shown(&folder.script()) });
    }
    if invocation.argv.iter().any(|text| text.contains('\0')) {
        return Err(unsupported("an argument holds a NUL".to_owned()));
    }
    if !container.working_dir.is_empty() {
        check_path("the working directory", &container.working_dir)?;
    }
    let private = Private { argv: invocation.argv, env, masks: materials.masks() };
    let spec = PodSpec {
        isolation: config.isolation,
        built_in: invocation.built_in,
        working_dir: container.working_dir.clone(),
        host_name: host_name(&pod.pod_name),
        script,
        inputs: inputs(pod, &folder.artifacts_root())?,
        parameters: parameters(pod)?,
        artifacts: artifacts(pod)?,
        wants_result: pod.wants_result,
        deadline_seconds: pod.deadline_seconds,
        mounts: mounts(config)?,
    };
    Ok((spec, private))
}

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
        .map(|m| Ok(MountSpec { host: text(&m.host)?, path: text(&m.path)?, writable: m.writable }))
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

fn inputs(pod: &Pod, artifacts: &std::path::Path) -> Result<Vec<InputSpec>, BackendError> {
    let one = |input: &engine::PodInput| {
        check_path(&format!("input artifact `{}`: its path", input.name), &input.path)?;
        let (key, text) = match &input.source {
            InputSource::Stored(key) => {
                artifact_path(artifacts, key)?;
                (Some(key.clone()), String::new())
            }
            InputSource::Raw(text) => (None, text.clone()),
            InputSource::Located(at) => {
                let driver = at.driver();
                return Err(unsupported(format!(
                    "`{driver}` of input artifact `{}` is not supported yet",
                    input.name
                )));
            }
        };
        let mode = input.mode.and_then(|mode| u32::try_from(mode).ok()).map(|mode| mode & 0o777);
        Ok(InputSpec { name: input.name.clone(), path: input.path.clone(), key, text, mode })
    };
    pod.inputs.iter().map(one).collect()
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
