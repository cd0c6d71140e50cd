//! `marque login`: by an OpenID provider with a browser, or by the server's own directory with a password. The
//! password comes from the terminal or from standard input, never from the command line.
//! Not here: the protocol itself (see `connector`), keeping the token (see `credentials`).

use std::{
    io::BufRead,
    process::{Command, Stdio},
    time::Duration,
};

use audit::Clock as _;
use clap::Args;
use connector::{LoginClient, LoginOptions, LoginSecrets};
use identity::{IssuerConfig, IssuerSettings};
use jiff::Timestamp;
use runner::{clock::SystemClock, random};
use url::Url;

use super::session;
use crate::{
    args::Global,
    client::{Client, Provider, address, address_text},
    credentials::{self, Credential},
    error::CliError,
    exit::Exit,
    render::{span, table::tame},
    shell::Shell,
};

/// How long the browser is waited for.
const PATIENCE: Duration = Duration::from_secs(300);
/// The longest password that is read, in bytes.
const MAX_PASSWORD_BYTES: u64 = 4096;

/// Log in to a server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  marque login https://marque.example
  marque login https://marque.example --provider corp --no-browser
  marque login http://127.0.0.1:2746 --user olga
  marque login http://127.0.0.1:2746 --user olga --password-stdin < password.txt

The token is kept in credentials.json in $XDG_CONFIG_HOME/marque, for your eyes only.
For machines, MARQUE_TOKEN holds a token and nothing is kept.")]
pub struct Login {
    /// The server's address
    #[arg(value_name = "SERVER")]
    pub address: Option<String>,
    /// Which of the server's ways to log in
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// The name in the server's own directory
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "user")]
    pub password_stdin: bool,
    /// Only print the address to open, open no browser
    #[arg(long)]
    pub no_browser: bool,
}

/// Logs in.
///
/// # Errors
/// [`CliError`].
pub async fn login(args: &Login, global: &Global, shell: &mut Shell<'_>) -> Result<Exit, CliError> {
    let folder = shell.around.config_folder.clone();
    let mut known = credentials::load(&folder)?;
    let server = match &args.address {
        Some(text) => address(text)?,
        None => session::server(global, &known)?,
    };
    let client = Client::new(server.clone(), None)?;
    let provider = provider(args, client.providers().await?.providers, &client)?;
    let credential = match provider.kind.as_str() {
        "local" => by_password(args, &client, shell).await?,
        "oidc" => by_browser(args, &provider, shell).await?,
        other => {
            return Err(CliError::LogIn(format!(
                "this program knows no way to log in called `{}`",
                tame(other)
            )));
        }
    };
    let me = Client::new(server.clone(), Some(credential.token.clone()))?.who_am_i().await?;
    let until = credential.expires_at.map(|at| format!(", until {}", span::moment(at))).unwrap_or_default();
    known.servers.insert(address_text(&server).to_owned(), credential);
    known.current = Some(address_text(&server).to_owned());
    credentials::save(&folder, &known)?;
    writeln!(shell.out, "logged in to {} as {}{until}", address_text(&server), tame(&me.subject))?;
    Ok(Exit::OK)
}

/// Chooses the way to log in: the one named, the directory when a user is named, or the only one.
fn provider(args: &Login, mut offered: Vec<Provider>, client: &Client) -> Result<Provider, CliError> {
    let names: Vec<String> = offered.iter().map(|provider| tame(&provider.name)).collect();
    match (&args.provider, &args.user) {
        (Some(name), _) => offered.retain(|provider| provider.name == *name),
        (None, Some(_)) => offered.retain(|provider| provider.kind == "local"),
        (None, None) => {}
    }
    let several = offered.len() > 1;
    match offered.pop() {
        Some(provider) if !several => Ok(provider),
        Some(_) => {
            Err(CliError::Usage(format!("choose a way to log in with --provider: {}", names.join(", "))))
        }
        None => {
            let wanted = args.provider.as_deref().unwrap_or("a directory of its own");
            let offers = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            Err(CliError::LogIn(format!(
                "`{}` does not offer {}; it offers {offers}",
                client.server(),
                tame(wanted)
            )))
        }
    }
}

async fn by_password(args: &Login, client: &Client, shell: &mut Shell<'_>) -> Result<Credential, CliError> {
    let interactive = shell.look.interactive;
    let user = match &args.user {
        Some(user) => user.clone(),
        None if interactive => {
            write!(shell.err, "User: ")?;
            shell.err.flush()?;
            line(shell.input)?
        }
        None => return Err(CliError::Usage("name the user with --user".to_owned())),
    };
    let password = if args.password_stdin {
        line(shell.input)?
    } else if interactive {
        rpassword::prompt_password(format!("Password of {} at {}: ", tame(&user), client.server()))?
    } else {
        return Err(CliError::Usage(
            "there is no terminal to ask for the password: use --password-stdin".to_owned(),
        ));
    };
    let session = client.log_in(&user, &password).await.map_err(|error| match error {
        CliError::NotLoggedIn { reason, .. } => CliError::LogIn(reason),
        other => other,
    })?;
    Ok(Credential { token: session.token, user, expires_at: session.expires_at })
}

fn line(input: &mut dyn BufRead) -> Result<String, CliError> {
    let mut line = String::new();
    std::io::Read::take(input, MAX_PASSWORD_BYTES).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn by_browser(
    args: &Login,
    provider: &Provider,
    shell: &mut Shell<'_>,
) -> Result<Credential, CliError> {
    let failed = |error: &dyn std::error::Error| CliError::LogIn(chain(error));
    let audience = provider.audience.clone().unwrap_or_default();
    let mut settings = IssuerSettings::new(&provider.name, &provider.issuer, &audience);
    settings.client_id = Some(provider.client_id.clone());
    let config = IssuerConfig::new(settings).map_err(|error| failed(&error))?;
    let client = LoginClient::discover(config, SystemClock.now()).await.map_err(|error| failed(&error))?;
    let scopes = provider.scopes.iter().filter(|scope| !matches!(scope.as_str(), "openid" | "profile"));
    let options = LoginOptions {
        // RFC 8707 wants an absolute address; audiences of another kind are the provider's own affair
        resource: Some(audience).filter(|audience| Url::parse(audience).is_ok()),
        scopes: scopes.cloned().collect(),
        offline: false,
    };
    let random = || random::bytes().map_err(|error| failed(&error));
    let secrets = LoginSecrets::from_random(random()?, random()?, random()?);
    let attempt = client.begin(&options, secrets).await.map_err(|error| failed(&error))?;
    let url = attempt.authorization_url().clone();
    writeln!(shell.err, "Open this address in a browser on this machine:\n\n{url}\n")?;
    shell.err.flush()?;
    if shell.look.interactive && !args.no_browser {
        open(&url);
    }
    let code = attempt.wait(PATIENCE).await.map_err(|error| failed(&error))?;
    let login = client.redeem(code, now()).await.map_err(|error| failed(&error))?;
    Ok(Credential {
        token: login.access_token.expose().to_owned(),
        user: login.principal.key.subject,
        expires_at: Some(login.expires_at),
    })
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// Asks the desktop to open the address; where there is none, the printed address does.
fn open(url: &Url) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(program);
    command.arg(url.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(mut child) = command.spawn() {
        // somebody has to take note of its end
        std::thread::spawn(move || child.wait());
    }
}

/// Returns an error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
