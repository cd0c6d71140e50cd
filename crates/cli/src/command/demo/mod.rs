//! `marque demo`: the whole story in a terminal. A server in this process, a store in a temporary folder, real HTTP,
//! and every person's own `marque`.
//! Not here: what is said (see `story`), by whom (see `people`), and how it is shown (see `stage`).

mod people;
mod proof;
mod stage;
mod story;

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use model::oam::Subject;
use runner::random;
use server::{
    App, Config,
    config::{Isolation as Served, LocalDirectory},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{local::make_private, serve::of_server};
use crate::{
    args::Isolation,
    error::CliError,
    exit::Exit,
    shell::{Paint, Shell},
};
use people::Person;
use stage::Stage;

/// The example's files, as they are in the repository.
const EXAMPLE: [(&str, &str); 4] = [
    ("application.yaml", include_str!("../../../../../examples/payroll/application.yaml")),
    ("definitions.yaml", include_str!("../../../../../examples/payroll/definitions.yaml")),
    ("scopes.yaml", include_str!("../../../../../examples/payroll/scopes.yaml")),
    ("workflow-template.yaml", include_str!("../../../../../examples/payroll/workflow-template.yaml")),
];

/// Tell the whole story in the terminal.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque demo
  marque demo --keep
  marque demo --isolation none")]
pub struct Demo {
    /// Leave the server running, and say how to log in
    #[arg(long)]
    pub keep: bool,
    /// The folder of data, kept afterwards; without it, a temporary one
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How steps are kept apart
    #[arg(long, value_enum, default_value = "namespaces")]
    pub isolation: Isolation,
}

/// Tells the story.
///
/// # Errors
/// [`CliError`]; also when anything goes otherwise than the story says.
pub async fn demo(args: &Demo, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let folder = Folder::make(args.data.as_ref())?;
    let played = tokio::select! {
        played = told(args, &folder.path, shell) => Some(played?),
        _ = tokio::signal::ctrl_c() => None,
    };
    let Some(Played { config, people }) = played else { return Ok(Exit::FAILED) };
    if args.keep {
        let server = format!("http://{}", config.listen);
        let served = Server::start(config, shell).await?;
        keep(&server, &people, shell)?;
        tokio::signal::ctrl_c().await?;
        served.end().await?;
        writeln!(shell.out, "\nended")?;
    } else {
        shell.out.write_all(NEXT.as_bytes())?;
    }
    Ok(Exit::OK)
}

/// What stays of the story: the server's configuration, with the port it had, and who can log in.
struct Played {
    config: Config,
    people: Vec<Person>,
}

async fn told(args: &Demo, folder: &Path, shell: &mut Shell<'_>) -> Result<Played, CliError> {
    let began = runner::clock::monotonic();
    let people = people::everybody()?;
    let directory = folder.join("directory.json");
    people::write(&people, &directory).await?;
    let manifests = write_example(folder)?;
    let data = folder.join("data");
    let mut config = config(args, &data, &directory);
    let served = Server::start(config.clone(), shell).await?;
    config.listen = served.address;
    let server = format!("http://{}", served.address);
    let kept_apart = match args.isolation {
        Isolation::Namespaces => "each step in a sandbox of its own, without a network",
        Isolation::Containers => "each step in a container of its image",
        Isolation::None => "steps are plain processes, because --isolation none was asked for",
    };
    writeln!(shell.out, "A server on {server}, its store in {}; {kept_apart}.", data.display())?;
    let mut stage = Stage { shell, folder: folder.to_owned(), server, people: people.clone(), act: 0 };
    stage.play(&manifests).await?;
    stage.audit().await?;
    served.end().await?;
    proof::play(&mut stage, &data).await?;
    let seconds = runner::clock::monotonic().duration_since(began).as_secs_f64();
    let all = format!("That was all of it, in {seconds:.1} seconds.");
    writeln!(shell.out, "\n{}", shell.look.paint(Paint::Good, all))?;
    Ok(Played { config, people })
}

const NEXT: &str = "
What to try next:
  marque demo --keep                                    the same, and the server stays: be Carla yourself
  marque run examples/payroll/workflow-template.yaml    the same template without any server, as your own user
  marque serve --config marque.yaml                     a server of your own, with your OpenID provider
  marque --help
";

fn keep(server: &str, people: &[Person], shell: &mut Shell<'_>) -> Result<(), CliError> {
    writeln!(shell.out, "\nThe server stays at {server} until Ctrl-C. Log in as any of these:\n")?;
    let rows: Vec<[String; 3]> = people
        .iter()
        .map(|person| [person.name.clone(), person.password.clone(), person.display_name.clone()])
        .collect();
    shell.out.write_all(crate::render::table::table(["USER", "PASSWORD", "WHO"], &rows).as_bytes())?;
    writeln!(
        shell.out,
        "\nWhat to try next, in another terminal:\n  marque login {server} --user carla\n  \
         marque submit --from payroll/payroll-export -n finance --reason test\n  \
         marque explain submit payroll/payroll-export -n finance\n  \
         marque login {server} --user olga\n  \
         marque submit --from payroll/payroll-export -n finance --reason 'monthly run' --watch"
    )?;
    shell.out.flush()?;
    Ok(())
}

/// Writes the example's files into the folder and returns where they are: its own folder, or the repository's if
/// this is it, so that the places in decisions are files the reader can open.
fn write_example(folder: &Path) -> Result<PathBuf, CliError> {
    let beside = PathBuf::from("examples/payroll");
    let same =
        |(name, text): &(&str, &str)| fs::read_to_string(beside.join(name)).is_ok_and(|there| there == *text);
    if EXAMPLE.iter().all(same) {
        return Ok(beside);
    }
    let example = folder.join("payroll");
    make_private(&example)?;
    for (name, text) in EXAMPLE {
        let path = example.join(name);
        fs::write(&path, text).map_err(|error| CliError::write(&path, error))?;
    }
    Ok(example)
}

fn config(args: &Demo, data: &Path, directory: &Path) -> Config {
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        data: data.to_owned(),
        isolation: match args.isolation {
            Isolation::Namespaces => Served::Namespaces,
            Isolation::Containers => Served::Containers,
            Isolation::None => Served::None,
        },
        administrators: vec![Subject::Group("platform".to_owned())],
        auditors: vec![Subject::Group("internal-audit".to_owned())],
        local_directory: Some(LocalDirectory { file: directory.to_owned(), session_minutes: 60 }),
        managed_namespace: Some("finance".to_owned()),
        ..Config::default()
    }
}

/// A server in this process.
struct Server {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    task: JoinHandle<Result<(), server::ServerError>>,
}

impl Server {
    async fn start(mut config: Config, shell: &Shell<'_>) -> Result<Self, CliError> {
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener
            .map_err(|error| CliError::local(format!("`{}` cannot be listened on", config.listen), error))?;
        let address = listener.local_addr()?;
        config.listen = address;
        let app = App::assemble(config, Some(shell.around.program.clone()))
            .await
            .map_err(|error| of_server(error, None))?;
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(server::serve(app, listener, async move {
            // whether it was told or its teller is gone, it ends
            let _ = ended.await;
        }));
        Ok(Self { address, end, task })
    }

    async fn end(self) -> Result<(), CliError> {
        drop(self.end);
        let served = self.task.await.map_err(|error| CliError::local("the server ended badly", error))?;
        served.map_err(|error| of_server(error, None))
    }
}

/// The folder of the story; a temporary one is taken away at the end.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn make(given: Option<&PathBuf>) -> Result<Self, CliError> {
        if let Some(path) = given {
            make_private(path)?;
            if path.join("data").exists() {
                return Err(CliError::Usage(format!(
                    "`{}` holds the data of an earlier demo; name another folder",
                    path.display()
                )));
            }
            return Ok(Self { path: path.clone(), temporary: false });
        }
        let suffix = random::name_suffix().map_err(|error| CliError::local("no name for a folder", error))?;
        let path = std::env::temp_dir().join(format!("marque-demo-{suffix}"));
        // not recursive: a folder that is there already is somebody else's
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| CliError::write(&path, error))?;
        Ok(Self { path, temporary: true })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "the temporary folder stays");
        }
    }
}
