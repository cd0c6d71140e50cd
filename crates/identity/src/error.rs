//! Why somebody is not who they claim to be, each reason with its code.
//! Not here: the HTTP status (401 whatever the reason; see `server`).

use model::Code;

/// Why a token, a password or a setting was refused. Whoever sent it learns the reason; nothing secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Not a JWS in compact serialization, or not JSON inside.
    #[error("the token is not a signed JWT: {reason}")]
    Malformed {
        /// What is wrong with its form.
        reason: &'static str,
    },
    /// Longer than any sane token.
    #[error("the token is longer than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A header member that changes how the token is to be read, or names its own key.
    #[error("the token's header has `{member}`, which is not accepted")]
    HeaderMember {
        /// The member.
        member: String,
    },
    /// `alg` missing, unknown, not configured, or not the key's.
    #[error("the token's algorithm `{alg}` is not accepted")]
    Algorithm {
        /// What the header says.
        alg: String,
    },
    /// `typ` is another kind of token.
    #[error("the token's type `{typ}` is not the one expected here")]
    WrongType {
        /// What the header says; empty if nothing.
        typ: String,
    },
    /// No configured issuer has this `iss`.
    #[error("the issuer `{issuer}` is not configured")]
    UnknownIssuer {
        /// What the token says.
        issuer: String,
    },
    /// The issuer is known, the key is not: it may have been rotated.
    #[error("the issuer `{issuer}` has no key `{kid}` for this token")]
    UnknownKey {
        /// The issuer.
        issuer: String,
        /// The `kid` of the header; empty if none.
        kid: String,
    },
    /// The signature is not the issuer's.
    #[error("the token's signature does not verify")]
    BadSignature,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is in the future.
    #[error("the token is not valid yet (`{claim}`)")]
    NotYetValid {
        /// The claim.
        claim: &'static str,
    },
    /// Issued longer ago than the configuration allows.
    #[error("the token was issued too long ago")]
    TooOld,
    /// `aud` does not name this server.
    #[error("the token is not meant for this audience")]
    WrongAudience,
    /// `azp` is not the configured client.
    #[error("the token's authorized party is not the configured client")]
    WrongParty,
    /// A claim that must be there is not, or has the wrong shape.
    #[error("the token's claim `{claim}` {problem}")]
    BadClaim {
        /// The claim, as the configuration or the standard names it.
        claim: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The provider left groups out.
    #[error("the token does not carry all groups (`{marker}`): groups overage")]
    GroupsOverage {
        /// What shows it.
        marker: String,
    },
    /// The ID token does not answer this login attempt.
    #[error("the ID token's nonce is not the one of this login")]
    WrongNonce,
    /// The ID token belongs to another access token.
    #[error("the access token is not the one the ID token was issued with")]
    WrongTokenHash,
    /// The person authenticated too long ago.
    #[error("the last authentication is too long ago")]
    StaleAuthentication,
    /// User unknown, password wrong, or account disabled: never told which.
    #[error("the user name or the password is wrong")]
    BadCredentials,
    /// A key set that is not one, or that contradicts itself.
    #[error("the key set is refused: {reason}")]
    BadJwks {
        /// What is wrong with it.
        reason: String,
    },
    /// A setting of an issuer that could not work or is not safe.
    #[error("the issuer's setting `{setting}` {problem}")]
    BadIssuer {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// An entry of the local directory that could not work or is not safe.
    #[error("the local directory's user `{user}` {problem}")]
    BadDirectory {
        /// The user's name.
        user: String,
        /// What is wrong with the entry.
        problem: String,
    },
    /// The password could not be hashed.
    #[error("the password cannot be hashed: {reason}")]
    BadPassword {
        /// Why.
        reason: &'static str,
    },
    /// Not the key of run tokens.
    #[error("the run token key {problem}")]
    BadRunTokenKey {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A run token that would not be accepted, so is not minted.
    #[error("the run token's claim `{claim}` {problem}")]
    BadRunClaim {
        /// The claim.
        claim: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A client of webhooks that could not work or is not safe.
    #[error("the webhook client `{name}` {problem}")]
    BadWebhookClient {
        /// Its name.
        name: String,
        /// What is wrong with it; nothing of what it holds.
        problem: &'static str,
    },
    /// Clients of webhooks in a Secret that this server cannot open.
    #[error("the Secret of the webhook clients was not sealed by this server")]
    SealedWebhookClients,
    /// A delivery that no client has signed.
    #[error("no webhook client has signed this")]
    NoWebhookClient,
}

impl AuthError {
    /// Returns the stable code of this reason.
    pub const fn code(&self) -> Code {
        Code(match self {
            Self::Malformed { .. } => "IDN0001",
            Self::TooLarge { .. } => "IDN0002",
            Self::HeaderMember { .. } => "IDN0003",
            Self::Algorithm { .. } => "IDN0004",
            Self::WrongType { .. } => "IDN0005",
            Self::UnknownIssuer { .. } => "IDN0006",
            Self::UnknownKey { .. } => "IDN0007",
            Self::BadSignature => "IDN0008",
            Self::Expired => "IDN0009",
            Self::NotYetValid { .. } => "IDN0010",
            Self::TooOld => "IDN0011",
            Self::WrongAudience => "IDN0012",
            Self::WrongParty => "IDN0013",
            Self::BadClaim { .. } => "IDN0014",
            Self::GroupsOverage { .. } => "IDN0015",
            Self::WrongNonce => "IDN0016",
            Self::WrongTokenHash => "IDN0017",
            Self::StaleAuthentication => "IDN0018",
            Self::BadCredentials => "IDN0019",
            Self::BadJwks { .. } => "IDN0020",
            Self::BadIssuer { .. } => "IDN0021",
            Self::BadDirectory { .. } => "IDN0022",
            Self::BadPassword { .. } => "IDN0023",
            Self::BadRunTokenKey { .. } => "IDN0024",
            Self::BadRunClaim { .. } => "IDN0025",
            Self::BadWebhookClient { .. } | Self::SealedWebhookClients => "IDN0026",
            Self::NoWebhookClient => "IDN0027",
        })
    }
}

/// The most characters of foreign text an error repeats.
const QUOTED_CHARS: usize = 80;

/// Returns foreign text fit for a message: cut short, control characters replaced.
pub(crate) fn quoted(text: &str) -> String {
    let clean = |c: char| if c.is_control() || c == '`' { '\u{fffd}' } else { c };
    let mut out: String = text.chars().take(QUOTED_CHARS).map(clean).collect();
    if text.chars().nth(QUOTED_CHARS).is_some() {
        out.push('…');
    }
    out
}
