//! The built-in directory of people: names, argon2id hashes, groups; for demonstrations and small installations.
//! Not here: reading its file (see `server`), counting failed attempts, making salts up (they arrive as values).
//! Invariant: checking a password costs the same for a user who does not exist or is disabled, and says the same.

use std::{collections::BTreeMap, fmt};

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, Version, password_hash::SaltString};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::{
    error::{AuthError, quoted},
    principal::{Caller, Principal, PrincipalKey, PrincipalKind},
    secret::Secret,
};

/// The name of the built-in directory as a provider.
const PROVIDER: &str = "local";
/// The longest user name or group, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// The longest password, in bytes, so that a huge one costs nothing.
const MAX_PASSWORD_BYTES: usize = 1024;
/// The least memory of a hash in KiB, and the least memory times passes (OWASP Password Storage, argon2id).
const MIN_MEMORY_KIB: u32 = 7168;
const MIN_WORK_KIB: u64 = 35_840;
/// The most memory in KiB, passes and lanes, so that an entry cannot stop the server.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 16;

/// Somebody in the local directory, not checked yet.
#[derive(Debug, Clone)]
pub struct LocalUser {
    /// The name to log in with, which is also the subject.
    pub name: String,
    /// The argon2id hash of the password in PHC string format.
    pub password_hash: Secret,
    /// Groups.
    pub groups: Vec<String>,
    /// Display name.
    pub display_name: Option<String>,
    /// E-mail address, for display only.
    pub email: Option<String>,
    /// Whether the user may no longer log in.
    pub disabled: bool,
}

#[derive(Clone)]
struct Hash {
    params: Params,
    salt: Vec<u8>,
    output: Zeroizing<Vec<u8>>,
}

#[derive(Clone)]
struct Entry {
    principal: Principal,
    hash: Hash,
    disabled: bool,
}

/// The people of the local directory, checked.
#[derive(Clone)]
pub struct LocalDirectory {
    entries: BTreeMap<String, Entry>,
    decoy: Hash,
}

impl fmt::Debug for LocalDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalDirectory").field("users", &self.entries.keys()).finish_non_exhaustive()
    }
}

impl LocalDirectory {
    /// Checks the entries; `issuer` is this server's own issuer URL, which vouches for them.
    ///
    /// # Errors
    /// Every fault found, each an [`AuthError::BadDirectory`].
    pub fn parse(users: Vec<LocalUser>, issuer: &str) -> Result<Self, Vec<AuthError>> {
        let mut entries = BTreeMap::new();
        let mut seen = BTreeMap::new();
        let mut faults = Vec::new();
        for user in users {
            let name = user.name.clone();
            if let Some(other) = seen.insert(name.to_ascii_lowercase(), name.clone()) {
                let problem = format!("cannot be told from the user `{}`", quoted(&other));
                faults.push(AuthError::BadDirectory { user: quoted(&name), problem });
            }
            match entry(user, issuer) {
                Ok(entry) => {
                    entries.insert(name, entry);
                }
                Err(problem) => {
                    let problem = problem.to_owned();
                    faults.push(AuthError::BadDirectory { user: quoted(&name), problem });
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let costliest =
            entries.values().map(|entry: &Entry| &entry.hash.params).max_by_key(|params| work(params));
        let params = costliest.cloned().unwrap_or_default();
        let decoy = Hash { params, salt: vec![0; 16], output: Zeroizing::new(vec![0; 32]) };
        Ok(Self { entries, decoy })
    }

    /// Returns the names of everybody, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Returns what the directory says about somebody: a description, not a proof.
    pub fn principal(&self, name: &str) -> Option<&Principal> {
        self.entries.get(name).map(|entry| &entry.principal)
    }

    /// Returns the user whose password this is. Takes tens of milliseconds by design: keep it off async threads.
    ///
    /// # Errors
    /// [`AuthError::BadCredentials`], whatever was wrong.
    pub fn verify_password(
        &self,
        name: &str,
        password: &Secret,
        now: Timestamp,
    ) -> Result<Caller, AuthError> {
        let entry = self.entries.get(name);
        let hash = entry.map_or(&self.decoy, |entry| &entry.hash);
        let matches = hash.matches(password.expose());
        match entry {
            Some(entry) if matches && !entry.disabled => {
                let mut principal = entry.principal.clone();
                principal.auth_time = Some(now);
                Ok(Caller::vouched(principal))
            }
            _ => Err(AuthError::BadCredentials),
        }
    }
}

/// Returns the argon2id hash of a password in PHC string format, with 19 MiB, 2 passes and 1 lane, for
/// [`LocalUser::password_hash`]. The salt comes fresh from the random door.
///
/// # Errors
/// [`AuthError::BadPassword`] if the password is empty, only white space, or longer than 1024 bytes.
pub fn hash_password(password: &Secret, salt: [u8; 16]) -> Result<Secret, AuthError> {
    let bad = |reason| AuthError::BadPassword { reason };
    check_password(password.expose()).map_err(bad)?;
    let salt = SaltString::encode_b64(&salt).map_err(|_| bad("the salt does not fit"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default());
    let hash = argon2.hash_password(password.expose().as_bytes(), &salt);
    hash.map(|hash| Secret::new(hash.to_string())).map_err(|_| bad("argon2id refused it"))
}

fn check_password(password: &str) -> Result<(), &'static str> {
    if password.trim().is_empty() {
        return Err("it is empty");
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err("it is longer than 1024 bytes");
    }
    Ok(())
}

fn work(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

fn entry(user: LocalUser, issuer: &str) -> Result<Entry, &'static str> {
    let name_fits = |text: &str| {
        !text.is_empty()
            && text.len() <= MAX_NAME_BYTES
            && text.trim() == text
            && !text.chars().any(char::is_control)
    };
    if !name_fits(&user.name) {
        return Err("has a name that is empty, too long, padded, or has control characters");
    }
    if !user.groups.iter().all(|group| name_fits(group)) {
        return Err("has a group that is empty, too long, padded, or has control characters");
    }
    let hash = Hash::parse(user.password_hash.expose())?;
    let mut groups = user.groups;
    groups.sort_unstable();
    groups.dedup();
    let principal = Principal {
        key: PrincipalKey { issuer: issuer.to_owned(), subject: user.name },
        provider: PROVIDER.to_owned(),
        kind: PrincipalKind::User,
        name: user.display_name,
        email: user.email,
        groups,
        amr: vec!["pwd".to_owned()],
        acr: None,
        auth_time: None,
    };
    Ok(Entry { principal, hash, disabled: user.disabled })
}

impl Hash {
    fn parse(phc: &str) -> Result<Self, &'static str> {
        const NO_PHC: &str = "has no argon2id hash in PHC string format (`$argon2id$v=19$…`)";
        let parsed = PasswordHash::new(phc).map_err(|_| NO_PHC)?;
        if parsed.algorithm != Algorithm::Argon2id.ident() || parsed.version != Some(Version::V0x13.into()) {
            return Err(NO_PHC);
        }
        let params = Params::try_from(&parsed).map_err(|_| NO_PHC)?;
        let mut salt = [0; 64];
        let salt =
            parsed.salt.and_then(|text| text.decode_b64(&mut salt).ok().map(<[u8]>::to_vec)).ok_or(NO_PHC)?;
        let output = parsed.hash.ok_or(NO_PHC)?;
        if params.m_cost() < MIN_MEMORY_KIB
            || work(&params) < MIN_WORK_KIB
            || output.len() < 16
            || salt.len() < 8
        {
            return Err("has a hash that is too cheap to guess: use `m=19456,t=2,p=1` or more");
        }
        if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES || params.p_cost() > MAX_LANES {
            return Err("has a hash that is too dear to check: use at most `m=262144,t=16,p=16`");
        }
        Ok(Self { params, salt, output: Zeroizing::new(output.as_bytes().to_vec()) })
    }

    /// Returns whether this is the password; does the same work for one that cannot be.
    fn matches(&self, password: &str) -> bool {
        let (tried, may_match) =
            if check_password(password).is_ok() { (password, true) } else { ("-", false) };
        let mut output = Zeroizing::new(vec![0; self.output.len()]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let hashed = argon2.hash_password_into(tried.as_bytes(), &self.salt, &mut output).is_ok();
        verify_slices_are_equal(&output, &self.output).is_ok() && hashed && may_match
    }
}
