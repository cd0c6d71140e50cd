//! The commands, one a file: a struct of arguments and a function that does it. What several of them share stands in
//! `session` (who asks whom), `sheets` (reading files), `together` (checking them), `kept` (objects
//! that the server keeps), `follow` (showing a run as it goes), `answers` (spelling).
//! Not here: how things look (see `render`).

pub mod answer;
mod answers;
pub mod apply;
pub mod archive;
pub mod audit;
pub mod auth;
pub mod completion;
pub mod config;
pub mod convert;
#[cfg(test)]
mod convert_tests;
pub mod cron;
pub mod delete;
pub mod demo;
pub mod eval;
#[cfg(test)]
mod eval_tests;
pub mod explain;
mod follow;
pub mod gates;
pub mod get;
mod kept;
pub mod lint;
#[cfg(test)]
mod lint_tests;
pub mod list;
mod local;
pub mod login;
pub mod logout;
pub mod logs;
pub mod operate;
mod parameters;
pub mod run;
mod runs;
pub mod serve;
mod session;
mod sheets;
pub mod submit;
pub mod sync;
pub mod template;
#[cfg(test)]
mod tests;
mod together;
pub mod version;
pub mod wait;
pub mod watch;
pub mod whoami;

use crate::{
    args::{Cli, Command},
    error::CliError,
    exit::Exit,
    shell::Shell,
};

/// Does what the command line asks for.
///
/// # Errors
/// [`CliError`].
pub async fn run(cli: Cli, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let global = &cli.global;
    tracing::debug!(version = env!("CARGO_PKG_VERSION"), "CLI version");
    match &cli.command {
        Command::Demo(args) => demo::demo(args, shell).await,
        Command::Run(args) => run::run(args, global, shell).await,
        Command::Serve(args) => serve::serve(args, shell).await,
        Command::Config(args) => config::config(args, shell),
        Command::Login(args) => login::login(args, global, shell).await,
        Command::Logout(args) => logout::logout(args, global, shell).await,
        Command::Whoami(args) => whoami::whoami(args, global, shell).await,
        Command::Apply(args) => apply::apply(args, global, shell).await,
        Command::Submit(args) => submit::submit(args, global, shell).await,
        Command::List(args) => list::list(args, global, shell).await,
        Command::Get(args) => get::get(args, global, shell).await,
        Command::Logs(args) => logs::logs(args, global, shell).await,
        Command::Watch(args) => watch::watch(args, global, shell).await,
        Command::Wait(args) => wait::wait(args, global, shell).await,
        Command::Stop(args) => operate::stop(args, global, shell).await,
        Command::Terminate(args) => operate::terminate(args, global, shell).await,
        Command::Suspend(args) => operate::suspend(args, global, shell).await,
        Command::Resume(args) => operate::resume(args, global, shell).await,
        Command::Retry(args) => operate::retry(args, global, shell).await,
        Command::Resubmit(args) => operate::resubmit(args, global, shell).await,
        Command::Cron(args) => cron::cron(args, global, shell).await,
        Command::Archive(args) => archive::archive(args, global, shell).await,
        Command::Auth(args) => auth::auth(args, global, shell),
        Command::Sync(args) => sync::sync(args, global, shell).await,
        Command::Template(args) => template::template(args, global, shell).await,
        Command::ClusterTemplate(args) => template::cluster_template(args, global, shell).await,
        Command::Node(args) => operate::node(args, global, shell).await,
        Command::Delete(args) => delete::delete(args, global, shell).await,
        Command::Gates(args) => gates::gates(args, global, shell).await,
        Command::Approve(args) => answer::approve(args, global, shell).await,
        Command::Deny(args) => answer::deny(args, global, shell).await,
        Command::Explain(args) => explain::explain(args, global, shell).await,
        Command::Audit(args) => audit::audit(args, global, shell).await,
        Command::Eval(args) => eval::eval(args, shell),
        Command::Lint(args) => lint::lint(args, global, shell),
        Command::Convert(args) => convert::convert(args, shell),
        Command::Completion(args) => completion::completion(args, shell),
        Command::Version(args) => version::version(args, global, shell).await,
    }
}
