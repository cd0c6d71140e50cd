//! The same 1,000 steps in other runners: installed into target/peers with a pinned version each, run in turn with ours and
//! with make. Not here: dagu, which no registry of ours has; judging anybody.
//!
//! None of them keeps a record that survives a crash at each step, decides who may, or mints a token; Prefect writes its
//! database. Snakemake and Luigi leave a file for each step, since that is how they know what is done.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use super::{Cost, STEPS, makefile, median, timed, workflow};
use crate::run::{run, target};

/// Rounds; in each, everybody runs once.
const ROUNDS: usize = 3;
/// What is installed from PyPI, each into a folder of its own.
const FROM_PYPI: [(&str, &str); 3] = [("luigi", "3.8.1"), ("snakemake", "9.27.1"), ("prefect", "3.9.1")];

/// A runner that is measured.
struct Peer {
    name: String,
    words: Vec<String>,
    costs: Vec<Cost>,
}

/// Prints the table.
///
/// # Errors
/// A program cannot be installed, built or run.
pub(super) fn peers() -> Result<(), String> {
    run("cargo", &["build", "--release", "--quiet", "--package", "cli"])?;
    for (name, version) in FROM_PYPI {
        install(name, version)?;
    }
    let folder = target().join("bench/peers");
    // nothing is deleted between the rounds: the file system would be slow for the next one
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    write_files(&folder)?;
    run("sync", &[])?;
    let mut peers = runners();
    for round in 0..ROUNDS {
        for peer in &mut peers {
            let place = folder.join(format!("{}-{round}", peer.name.replace([' ', ','], "")));
            fs::create_dir_all(&place).map_err(|error| error.to_string())?;
            let place = place.display().to_string();
            let words: Vec<String> = peer.words.iter().map(|word| word.replace("PLACE", &place)).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            peer.costs.push(timed(&folder, &words)?);
        }
    }
    print(&peers);
    Ok(())
}

fn print(peers: &[Peer]) {
    println!("\n{STEPS} independent /bin/true, two at a time; medians of {ROUNDS} interleaved rounds\n");
    println!("| | CPU a step | wall a step | CPU against make | wall against make |");
    println!("|---|---|---|---|---|");
    let Some(make) = peers.first() else { return };
    for peer in peers {
        let step = |of: fn(&Cost) -> f64| {
            median(peer.costs.iter().map(of).collect()) * 1000.0
                / f64::from(u32::try_from(STEPS).unwrap_or(1))
        };
        let ratio = |of: fn(&Cost) -> f64| {
            median(peer.costs.iter().zip(&make.costs).map(|(a, b)| of(a) / of(b)).collect())
        };
        println!(
            "| {} | {:.2} ms | {:.2} ms | {:.2} | {:.2} |",
            peer.name,
            step(|cost| cost.cpu),
            step(|cost| cost.wall),
            ratio(|cost| cost.cpu),
            ratio(|cost| cost.wall),
        );
    }
}

fn runners() -> Vec<Peer> {
    let marque = target().join("release/marque").display().to_string();
    let python = |name: &str, program: &str| place(name).join("bin").join(program).display().to_string();
    let named = |name: &str| {
        FROM_PYPI
            .iter()
            .find(|(peer, _)| *peer == name)
            .map_or_else(String::new, |(_, version)| format!("{name} {version}"))
    };
    let peer = |name: &str, words: &[&str]| Peer {
        name: name.to_owned(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        costs: Vec::new(),
    };
    vec![
        peer("make -j2", &["make", "-s", "-j2"]),
        peer("ninja -j2", &["ninja", "--quiet", "-j2"]),
        peer(
            "marque, no sandbox",
            &[&marque, "run", "steps.yaml", "--isolation", "none", "--data", "PLACE/data"],
        ),
        peer(
            &named("luigi"),
            &[
                "env",
                "PYTHONPATH=.",
                &python("luigi", "luigi"),
                "--module=steps_luigi",
                "All",
                "--folder=PLACE",
                "--local-scheduler",
                "--workers=2",
                "--log-level=WARNING",
            ],
        ),
        peer(
            &named("snakemake"),
            &[&python("snakemake", "snakemake"), "-j2", "--quiet=all", "--config", "folder=PLACE"],
        ),
        peer(
            &named("prefect"),
            &[
                "env",
                "PREFECT_HOME=PLACE",
                "DO_NOT_TRACK=1",
                "PREFECT_SERVER_ANALYTICS_ENABLED=false",
                "PREFECT_LOGGING_LEVEL=WARNING",
                &python("prefect", "python"),
                "steps_prefect.py",
            ],
        ),
    ]
}

fn place(name: &str) -> PathBuf {
    target().join("peers").join(name)
}

fn install(name: &str, version: &str) -> Result<(), String> {
    let folder = place(name);
    let [folder, pip] = [folder.clone(), folder.join("bin/pip")].map(|path| path.display().to_string());
    if !Path::new(&pip).exists() {
        run("python3", &["-m", "venv", &folder])?;
    }
    run(&pip, &["install", "--quiet", "--disable-pip-version-check", &format!("{name}=={version}")])
}

fn write_files(folder: &Path) -> Result<(), String> {
    let mut ninja = "rule step\n  command = /bin/true\n".to_owned();
    for step in 0..STEPS {
        let _ = writeln!(ninja, "build t{step}: step");
    }
    let luigi = format!(
        "import subprocess, luigi\n\n\nclass Step(luigi.Task):\n    number = luigi.IntParameter()\n    folder = \
         luigi.Parameter()\n\n    def output(self):\n        return \
         luigi.LocalTarget(f\"{{self.folder}}/{{self.number}}\")\n\n    def run(self):\n        \
         subprocess.run([\"/bin/true\"], check=True)\n        open(self.output().path, \"w\").close()\n\n\nclass \
         All(luigi.WrapperTask):\n    folder = luigi.Parameter()\n\n    def requires(self):\n        return \
         [Step(number=number, folder=self.folder) for number in range({STEPS})]\n"
    );
    let snakemake = format!(
        "rule all:\n    input: expand(\"{{folder}}/{{number}}\", folder=config[\"folder\"], number=range({STEPS}))\n\n\
         rule step:\n    output: touch(\"{{folder}}/{{number}}\")\n    shell: \"/bin/true\"\n"
    );
    let prefect = format!(
        "import subprocess\nfrom prefect import flow, task\nfrom prefect.task_runners import \
         ThreadPoolTaskRunner\n\n\n@task\ndef step():\n    subprocess.run([\"/bin/true\"], \
         check=True)\n\n\n@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))\ndef steps():\n    for future in \
         [step.submit() for _ in range({STEPS})]:\n        future.result()\n\n\nif __name__ == \"__main__\":\n    \
         steps()\n"
    );
    for (name, text) in [
        ("steps.yaml", workflow()),
        ("Makefile", makefile()),
        ("build.ninja", ninja),
        ("steps_luigi.py", luigi),
        ("Snakefile", snakemake),
        ("steps_prefect.py", prefect),
    ] {
        fs::write(folder.join(name), text).map_err(|error| error.to_string())?;
    }
    Ok(())
}
