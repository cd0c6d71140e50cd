//! Why an identity source could not be asked, or what it answered instead.
//! Not here: why a token is refused (see [`identity::AuthError`], which is carried through).

use identity::AuthError;
use model::Code;

/// Why somebody could not be identified.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The token is refused; asking again will not help.
    #[error(transparent)]
    Refused(#[from] AuthError),
    /// No answer.
    #[error("the identity provider at `{address}` does not answer")]
    Unreachable {
        /// Where it was asked.
        address: String,
        /// What failed.
        #[source]
        source: reqwest::Error,
    },
    /// An answer that is not what the standard says.
    #[error("the identity provider at `{address}` answers wrongly: {problem}")]
    BadAnswer {
        /// Where it was asked.
        address: String,
        /// What is wrong.
        problem: String,
    },
    /// The document found at the issuer names another issuer.
    #[error("the provider's document names the issuer `{found}` where `{configured}` is configured")]
    WrongIssuer {
        /// The configured issuer.
        configured: String,
        /// The issuer found.
        found: String,
    },
    /// Keys are too old to be trusted and newer ones cannot be had; tried too recently to try again.
    #[error("the keys of the issuer `{issuer}` could not be fetched a moment ago")]
    NoKeys {
        /// The issuer.
        issuer: String,
    },
    /// The system's certificates or TLS are unusable.
    #[error("no HTTP client can be made")]
    NoClient(#[source] reqwest::Error),
    /// The provider ended the login.
    #[error("the identity provider refused the login: `{error}` {description}")]
    LoginRefused {
        /// The error code (RFC 6749 §4.1.2.1, §5.2).
        error: String,
        /// The provider's own words.
        description: String,
    },
    /// The login's answer came from another provider (RFC 9207).
    #[error("the login was answered by another issuer than the one asked")]
    MixUp,
    /// The port for the answer could not be opened.
    #[error("no port of this machine could be opened for the login's answer")]
    NoListener(#[source] std::io::Error),
    /// Nobody logged in.
    #[error("nobody logged in within {seconds} seconds")]
    TimedOut {
        /// How long it was waited for.
        seconds: u64,
    },
}

impl ConnectorError {
    /// Returns the stable code; for a refused token the code of the reason.
    pub const fn code(&self) -> Code {
        Code(match self {
            Self::Refused(reason) => return reason.code(),
            Self::Unreachable { .. } => "CON0001",
            Self::BadAnswer { .. } => "CON0002",
            Self::WrongIssuer { .. } => "CON0003",
            Self::NoKeys { .. } => "CON0004",
            Self::NoClient(_) => "CON0005",
            Self::LoginRefused { .. } => "CON0006",
            Self::MixUp => "CON0007",
            Self::NoListener(_) => "CON0008",
            Self::TimedOut { .. } => "CON0009",
        })
    }

    /// Returns whether the token itself is to blame, so that the answer is 401; else the provider is (503).
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}
