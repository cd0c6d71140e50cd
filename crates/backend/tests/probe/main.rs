//! Probes the process backend from outside: starts a pod and stays, so that a test can kill it; or measures.
//! Also the program that the tests of this room re-execute as supervisor and sandbox.
//! Not here: anything a user needs.

use std::{collections::BTreeMap, io::Write, path::PathBuf, process::ExitCode, time::Duration};

use backend::{Isolation, ProcessBackend, ProcessConfig};
use engine::Pod;
use model::{
    RunId,
    argo::{AnyString, Container, NodeId, Template},
};
use policy::StartPod;

mod door;

fn main() -> ExitCode {
    backend::reexec();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return ExitCode::FAILURE };
    match runtime.block_on(run(&args)) {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

/// `start FOLDER ISOLATION RUN NODE COMMAND…` starts a pod, says `started` and stays;
/// `run FOLDER ISOLATION RUN COUNT COMMAND…` runs that many pods, two at once.
async fn run(args: &[String]) -> Option<()> {
    let [what, folder, isolation, run, node, command @ ..] = args else { return None };
    let run: RunId = format!("run_{run}").parse().ok()?;
    let isolation = if isolation == "none" { Isolation::None } else { Isolation::Namespaces };
    let backend = ProcessBackend::new(ProcessConfig {
        folder: PathBuf::from(folder),
        isolation,
        images: BTreeMap::new(),
        mounts: Vec::new(),
        containers: None,
        program: std::env::current_exe().ok()?,
    });
    let backend = match backend {
        Ok(backend) => backend,
        Err(error) => {
            writeln!(std::io::stderr(), "{error}").ok()?;
            return None;
        }
    };
    let house = std::sync::Arc::new(door::House::of_local_user()?);
    if what == "start" {
        start(&house, &backend, run, &pod(node, command)).await?;
        writeln!(std::io::stdout(), "started").ok()?;
        tokio::time::sleep(Duration::from_secs(600)).await;
        return Some(());
    }
    let count: usize = node.parse().ok()?;
    let lanes = (0..2).map(|lane| {
        let (house, backend, command) = (house.clone(), backend.clone(), command.to_vec());
        tokio::spawn(async move {
            for number in (lane..count).step_by(2) {
                let pod = pod(&format!("node-{number}"), &command);
                start(&house, &backend, run, &pod).await?;
                let outcome = backend.wait(run, &pod.node).await.ok()?;
                if number == 0 {
                    writeln!(std::io::stdout(), "{outcome:?}").ok()?;
                }
            }
            Some(())
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.ok()??;
    }
    Some(())
}

async fn start(house: &door::House, backend: &ProcessBackend, run: RunId, pod: &Pod) -> Option<()> {
    let action = StartPod { run: house.facts(run), node: pod.node.clone() };
    let started = house
        .act_for_run(run, action, async |go| backend.start(go, pod, backend::Materials::default()).await)
        .await;
    if let Err(error) = &started {
        writeln!(std::io::stderr(), "{error}").ok()?;
    }
    started.ok()
}

fn pod(node: &str, command: &[String]) -> Pod {
    let command = command.iter().map(|text| AnyString(text.clone())).collect();
    let container = Container { command: Some(command), ..Container::default() };
    Pod {
        node: NodeId::from_text(node),
        node_name: node.to_owned(),
        display_name: node.to_owned(),
        pod_name: node.to_owned(),
        template: Template { container: Some(container), ..Template::default() },
        volumes: Vec::new(),
        archive: model::argo::ArchiveLocation::default(),
        inputs: Vec::new(),
        wants_result: true,
        deadline_seconds: None,
    }
}
