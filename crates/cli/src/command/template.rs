//! `marque template` and `marque cluster-template`: the templates that a server keeps, as `argo` has the commands.
//! Not here: what they have in common with schedules (`kept`); running one (`submit --from`).

use clap::Subcommand;

use super::{kept, lint};
use crate::{args::Global, client::Kind, error::CliError, exit::Exit, shell::Shell};

/// Work on the WorkflowTemplates of a namespace.
#[derive(Debug, Subcommand)]
pub enum Template {
    /// Create WorkflowTemplates
    #[command(after_help = "Examples:
  marque template create build.yaml -n ci
  cat build.yaml | marque template create - -n ci -o yaml

What is there already is not changed: `update`, or `marque apply`, which does either.")]
    Create(kept::Files),
    /// Show WorkflowTemplates
    #[command(after_help = "Examples:
  marque template get build -n ci -o yaml")]
    Get(kept::Names),
    /// List the WorkflowTemplates that you may see
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  marque template list -n ci
  marque template list -A -l team=data"
    )]
    List(kept::Listing),
    /// Put WorkflowTemplates in the place of those of their names
    #[command(after_help = "Examples:
  marque template update build.yaml -n ci")]
    Update(kept::Files),
    /// Delete WorkflowTemplates
    #[command(after_help = "Examples:
  marque template delete build -n ci")]
    Delete(kept::Deletion),
    /// Check WorkflowTemplates without a server; objects of other kinds are left alone
    #[command(after_help = "Examples:
  marque template lint templates/")]
    Lint(lint::OfKind),
}

/// Work on the templates that all namespaces share.
#[derive(Debug, Subcommand)]
pub enum ClusterTemplate {
    /// Create ClusterWorkflowTemplates
    #[command(after_help = "Examples:
  marque cluster-template create shared.yaml")]
    Create(kept::Files),
    /// Show ClusterWorkflowTemplates
    #[command(after_help = "Examples:
  marque cluster-template get shared -o yaml")]
    Get(kept::Names),
    /// List the ClusterWorkflowTemplates that you may see
    #[command(
        visible_alias = "ls",
        after_help = "Examples:
  marque cluster-template list"
    )]
    List(kept::Listing),
    /// Put ClusterWorkflowTemplates in the place of those of their names
    #[command(after_help = "Examples:
  marque cluster-template update shared.yaml")]
    Update(kept::Files),
    /// Delete ClusterWorkflowTemplates
    #[command(after_help = "Examples:
  marque cluster-template delete shared")]
    Delete(kept::Deletion),
    /// Check ClusterWorkflowTemplates without a server; objects of other kinds are left alone
    #[command(after_help = "Examples:
  marque cluster-template lint shared.yaml")]
    Lint(lint::OfKind),
}

/// Does what is asked of WorkflowTemplates.
///
/// # Errors
/// [`CliError`].
pub async fn template(args: &Template, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    const KIND: Kind = Kind::WorkflowTemplate;
    match args {
        Template::Create(args) => kept::create(KIND, args, global, shell).await,
        Template::Get(args) => kept::get(KIND, args, global, shell).await,
        Template::List(args) => kept::list(KIND, args, global, shell).await,
        Template::Update(args) => kept::update(KIND, args, global, shell).await,
        Template::Delete(args) => kept::delete(KIND, args, global, shell).await,
        Template::Lint(args) => lint::of_kind(KIND, args, global, shell),
    }
}

/// Does what is asked of ClusterWorkflowTemplates.
///
/// # Errors
/// [`CliError`].
pub async fn cluster_template(
    args: &ClusterTemplate,
    global: &Global,
    shell: &mut Shell<'_>,
) -> Result<Exit, CliError> {
    const KIND: Kind = Kind::ClusterWorkflowTemplate;
    match args {
        ClusterTemplate::Create(args) => kept::create(KIND, args, global, shell).await,
        ClusterTemplate::Get(args) => kept::get(KIND, args, global, shell).await,
        ClusterTemplate::List(args) => kept::list(KIND, args, global, shell).await,
        ClusterTemplate::Update(args) => kept::update(KIND, args, global, shell).await,
        ClusterTemplate::Delete(args) => kept::delete(KIND, args, global, shell).await,
        ClusterTemplate::Lint(args) => lint::of_kind(KIND, args, global, shell),
    }
}
