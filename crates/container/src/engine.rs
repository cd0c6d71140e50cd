//! A container of an engine that speaks Docker's API. Source: Docker Engine API 1.40 and later, Podman's compatible API.
//! Not here: engines on other machines; building images.
//! Invariant: the engine refuses a second container of one name, so a container is made at most once.

use std::{
    io::Write,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
};

use bollard::{
    API_DEFAULT_VERSION, Docker,
    auth::DockerCredentials,
    container::LogOutput,
    exec::{StartExecOptions, StartExecResults},
    models::{
        ContainerCreateBody, ContainerState, ContainerStateStatusEnum, ExecConfig, ExecInspectResponse,
        HostConfig, Mount, MountType,
    },
    query_parameters::{
        AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, CreateImageOptionsBuilder,
        DownloadFromContainerOptionsBuilder, KillContainerOptionsBuilder, RemoveContainerOptionsBuilder,
        StartContainerOptions, WaitContainerOptions,
    },
};
use futures_util::StreamExt;
use oci_client::Reference;
use tokio::task::JoinHandle;

use crate::{
    Pull, Request,
    attend::{Keeper, Reach, Way},
    image::{for_registry, place_outputs, settled},
    limits::{ENGINE_AWAY, ENGINE_SECONDS, LOG_REST, OUTPUT_BYTES, OWNER_LOOK, PROCESSES},
    network,
    wanted::Bind,
};

/// A container in an engine's keeping.
pub(crate) struct Kept {
    docker: Docker,
    address: PathBuf,
    request: Request,
    output: Option<JoinHandle<()>>,
    end: Option<JoinHandle<Result<i32, String>>>,
}

/// The label by which the containers of this program are known.
pub(crate) const LABEL: &str = "marque.pod";

impl Kept {
    /// Returns it before anything was asked of the engine at `address`.
    pub(crate) fn of(request: Request, address: &Path) -> Result<Self, String> {
        let docker =
            Docker::connect_with_unix(&address.to_string_lossy(), ENGINE_SECONDS, API_DEFAULT_VERSION);
        let docker = docker.map_err(|error| said(&error))?;
        Ok(Self { docker, address: address.to_owned(), request, output: None, end: None })
    }
    async fn pull(&self) -> Result<(), String> {
        let image = &self.request.wanted.image;
        let present = self.docker.inspect_image(image).await.is_ok();
        let policy = settled(self.request.wanted.pull, image);
        match (policy, present) {
            (Pull::Never, false) => {
                Err(format!("failed to pull image `{image}`: it is not present with pull policy of Never"))
            }
            (Pull::Never | Pull::IfNotPresent, true) => Ok(()),
            _ => match self.fetch(image).await {
                Err(_) if present && self.request.wanted.pull == Pull::Default => Ok(()),
                fetched => fetched.map_err(|why| format!("failed to pull image `{image}`: {why}")),
            },
        }
    }
    async fn fetch(&self, image: &str) -> Result<(), String> {
        let reference: Reference = image.parse().map_err(|error| format!("{error}"))?;
        let login = for_registry(&self.request.settings, reference.registry())?;
        let login = login.map(|(user, password)| DockerCredentials {
            username: Some(user),
            password: Some(password),
            ..DockerCredentials::default()
        });
        let options = CreateImageOptionsBuilder::default().from_image(&reference.whole()).build();
        let mut progress = self.docker.create_image(Some(options), None, login);
        while let Some(step) = progress.next().await {
            let step = step.map_err(|error| said(&error))?;
            if let Some(message) = step.error_detail.and_then(|detail| detail.message) {
                return Err(message);
            }
        }
        Ok(())
    }
    fn body(&self) -> ContainerCreateBody {
        let wanted = &self.request.wanted;
        let limit = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let network = wanted.network_of.as_ref().map(|name| format!("container:{name}"));
        let network = network.or_else(|| wanted.network.clone());
        let network = network.unwrap_or_else(|| self.request.settings.network.clone());
        let host = HostConfig {
            memory: limit(wanted.limits.memory_bytes),
            // no swap on top
            memory_swap: limit(wanted.limits.memory_bytes),
            nano_cpus: limit(wanted.limits.cpu_milli.map(|milli| milli.saturating_mul(1_000_000))),
            pids_limit: Some(PROCESSES),
            // a container that shares a network shares its host name
            network_mode: Some(network.clone()),
            readonly_rootfs: Some(wanted.read_only),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            mounts: Some(wanted.binds.iter().map(mount).collect()),
            ..HostConfig::default()
        };
        let own_name = network != "host" && wanted.network_of.is_none();
        ContainerCreateBody {
            image: Some(wanted.image.clone()),
            hostname: some(&wanted.host_name).filter(|_| own_name),
            user: some(&wanted.user),
            working_dir: some(&wanted.working_dir),
            env: Some(wanted.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            entrypoint: wanted.command.clone(),
            // with a command of its own and no arguments, the image's arguments don't count
            cmd: (wanted.command.is_some() || !wanted.args.is_empty()).then(|| wanted.args.clone()),
            labels: Some([(LABEL.to_owned(), wanted.name.clone())].into()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        }
    }
    /// Waits until the container whose network is shared runs: the engine starts no other one before.
    async fn wait_for_network(&self) -> Result<(), String> {
        let Some(owner) = &self.request.wanted.network_of else { return Ok(()) };
        let given_up = tokio::time::Instant::now() + ENGINE_AWAY;
        loop {
            let state = match self.docker.inspect_container(owner, None).await {
                Ok(found) => found.state.unwrap_or_default(),
                Err(error @ bollard::errors::Error::DockerResponseServerError { .. }) => {
                    return Err(said(&error));
                }
                // away, or in a state that has no name in Docker's API
                Err(error) if tokio::time::Instant::now() > given_up => return Err(said(&error)),
                Err(_) => ContainerState::default(),
            };
            if state.running.unwrap_or_default() {
                return Ok(());
            }
            if let Some(ContainerStateStatusEnum::EXITED | ContainerStateStatusEnum::DEAD) = state.status {
                return Err("the container whose network it shares has ended".to_owned());
            }
            tokio::time::sleep(OWNER_LOOK).await;
        }
    }
    /// Brings one path out; what is not there is left out.
    async fn copy_out(&self, path: &str) -> Result<(), String> {
        let failed =
            |error: &dyn std::fmt::Display| format!("cannot copy `{path}` out of the container: {error}");
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let mut archive = tempfile_in(&self.request.folder).map_err(|error| failed(&error))?;
        let mut stream = self.docker.download_from_container(&self.request.wanted.name, Some(options));
        let mut read = 0;
        while let Some(bytes) = stream.next().await {
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => {
                    return Ok(());
                }
                Err(error) => return Err(failed(&said(&error))),
            };
            read += bytes.len() as u64;
            if read > OUTPUT_BYTES {
                return Err(failed(&format!("it is larger than {OUTPUT_BYTES} bytes")));
            }
            archive.write_all(&bytes).map_err(|error| failed(&error))?;
        }
        place_outputs(archive, path, &self.request.folder.join("rootfs")).map_err(|error| failed(&error))
    }
}

impl Keeper for Kept {
    async fn prepare(&mut self) -> Result<(), String> {
        self.pull().await?;
        if let Some(network) = &self.request.wanted.network {
            network::make(&self.docker, network, self.request.settings.network == "none").await?;
        }
        let options = CreateContainerOptionsBuilder::default().name(&self.request.wanted.name).build();
        let made = self.docker.create_container(Some(options), self.body()).await;
        made.map(drop).map_err(|error| format!("cannot create the container: {}", said(&error)))
    }
    async fn start(&mut self) -> Result<(), String> {
        self.wait_for_network().await?;
        let name = self.request.wanted.name.clone();
        let options = AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true).build();
        let attached =
            self.docker.attach_container(&name, Some(options)).await.map_err(|error| said(&error))?;
        self.output = Some(tokio::spawn(pass_on(attached.output)));
        let started = self.docker.start_container(&name, None::<StartContainerOptions>).await;
        started.map_err(|error| format!("failed to start command: {}", said(&error)))?;
        let docker = self.docker.clone();
        self.end = Some(tokio::spawn(async move { wait(&docker, &name).await }));
        Ok(())
    }
    async fn reach(&mut self) -> Result<Reach, String> {
        let name = self.request.wanted.name.clone();
        let owner = self.request.wanted.network_of.as_ref().unwrap_or(&name);
        let found = self.docker.inspect_container(owner, None).await.map_err(|error| said(&error))?;
        let networks = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let wanted = self.request.wanted.network.as_ref().and_then(|network| networks.get(network));
        let address = wanted.or_else(|| networks.values().next()).and_then(|end| end.ip_address.clone());
        let host = self.request.settings.network == "host";
        let address = address.and_then(|address| address.parse().ok());
        let address = address.or_else(|| host.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let process = found.state.and_then(|state| state.pid).unwrap_or_default();
        let id = found.id.unwrap_or_default();
        // a closed network of Podman's is not open to its machine, either
        let way = match (inside(process, &id), address) {
            (Some(network), _) => Way::Inside(network),
            (None, Some(address)) => Way::At(address),
            (None, None) => Way::None,
        };
        let engine = self.address.clone();
        let exec = move |argv: &[String], timeout| {
            let asked = async { tokio::time::timeout(timeout, exec(&engine, &name, argv)).await };
            // the thread that asks is not the one that attends
            let room = tokio::runtime::Builder::new_current_thread().enable_all().build();
            room.is_ok_and(|room| room.block_on(asked).unwrap_or_default())
        };
        Ok(Reach { way, address, exec: Box::new(exec) })
    }
    async fn ended(&mut self) -> Result<i32, String> {
        let Some(end) = &mut self.end else { return Err("the container was not started".to_owned()) };
        let code = end.await.map_err(|error| error.to_string())?;
        self.end = None;
        if let Some(output) = &mut self.output {
            // the engine closes it; one that doesn't must not hold up the pod
            let _ = tokio::time::timeout(LOG_REST, output).await;
            self.output = None;
        }
        code
    }
    async fn signal(&mut self, kill: bool) {
        let signal = if kill { "SIGKILL" } else { "SIGTERM" };
        let options = KillContainerOptionsBuilder::default().signal(signal).build();
        // it may have ended by itself
        let _ = self.docker.kill_container(&self.request.wanted.name, Some(options)).await;
    }
    async fn bring_out(&mut self) -> Result<(), String> {
        for path in &self.request.wanted.outputs {
            self.copy_out(path).await?;
        }
        Ok(())
    }
    async fn remove(&mut self) {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        // it may never have been made; nobody is left to be told
        let _ = self.docker.remove_container(&self.request.wanted.name, Some(options)).await;
    }
}

/// Returns the network namespace of the container's first process, if this process may enter it. An engine may count
/// processes otherwise than this machine does: the process's cgroup has to name the container.
fn inside(process: i64, id: &str) -> Option<PathBuf> {
    let process = Path::new("/proc").join(process.to_string());
    let groups = std::fs::read_to_string(process.join("cgroup")).ok()?;
    let is_it = !id.is_empty() && groups.contains(id);
    (is_it && nix::unistd::Uid::effective().is_root()).then(|| process.join("ns/net"))
}

/// Runs a command in a container; returns whether it ended with 0.
async fn exec(engine: &Path, name: &str, argv: &[String]) -> bool {
    let config = ExecConfig {
        cmd: Some(argv.to_vec()),
        // whoever reads its output sees its end
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..ExecConfig::default()
    };
    let run = async {
        let docker =
            Docker::connect_with_unix(&engine.to_string_lossy(), ENGINE_SECONDS, API_DEFAULT_VERSION)?;
        let made = docker.create_exec(name, config).await?;
        if let StartExecResults::Attached { mut output, .. } =
            docker.start_exec(&made.id, None::<StartExecOptions>).await?
        {
            while let Some(piece) = output.next().await {
                piece?;
            }
        }
        docker.inspect_exec(&made.id).await
    };
    run.await.is_ok_and(|end: ExecInspectResponse| end.exit_code == Some(0))
}

/// Returns how the container ended; asks again if the engine lets a long wait go.
async fn wait(docker: &Docker, name: &str) -> Result<i32, String> {
    let code = |code: i64| i32::try_from(code).unwrap_or(1);
    loop {
        match docker.wait_container(name, None::<WaitContainerOptions>).next().await {
            Some(Ok(end)) => return Ok(code(end.status_code)),
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code: ended, .. })) => {
                return Ok(code(ended));
            }
            Some(Err(bollard::errors::Error::RequestTimeoutError)) | None => {}
            Some(Err(error)) => return Err(said(&error)),
        }
    }
}

/// Writes what the container writes.
async fn pass_on(
    mut output: impl futures_util::Stream<Item = Result<LogOutput, bollard::errors::Error>> + Unpin,
) {
    while let Some(Ok(piece)) = output.next().await {
        let written = match piece {
            LogOutput::StdErr { message } => std::io::stderr().write_all(&message),
            LogOutput::StdOut { message } | LogOutput::Console { message } => {
                let mut out = std::io::stdout();
                out.write_all(&message).and_then(|()| out.flush())
            }
            LogOutput::StdIn { .. } => Ok(()),
        };
        if written.is_err() {
            return;
        }
    }
}

fn mount(bind: &Bind) -> Mount {
    Mount {
        target: Some(bind.path.clone()),
        source: Some(bind.host.clone()),
        typ: Some(MountType::BIND),
        read_only: Some(!bind.writable),
        ..Mount::default()
    }
}

fn tempfile_in(folder: &Path) -> std::io::Result<std::fs::File> {
    let path = folder.join("out.tar");
    let file = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

/// Returns what an engine said, without the frame around it.
pub(crate) fn said(error: &bollard::errors::Error) -> String {
    match error {
        bollard::errors::Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        other => format!("the container engine: {other}"),
    }
}
