//! The facts of a login that rules ask for, taken from what the issuer says.
//! Not here: how the login was proved (see `identity`).

use identity::Principal;
use jiff::Timestamp;

/// How far an issuer's clock may run ahead of ours, in seconds, before its time of login counts as unknown.
const CLOCK_SKEW_SECONDS: i64 = 60;

/// Something the caller knows, has, or is (RFC 8176 methods by NIST SP 800-63 factor).
const FACTORS: [&[&str]; 3] = [
    &["pwd", "pin", "kba"],
    &["otp", "hwk", "swk", "sc", "sms", "tel", "pop"],
    &["face", "fpt", "iris", "retina", "vbm"],
];

/// Authentication contexts that mean several factors: OpenID EAP, REFEDS, OpenID PAPE, NIST.
const STRONG_CONTEXTS: [&str; 6] = [
    "phr",
    "phrh",
    "https://refeds.org/profile/mfa",
    "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
    "http://idmanagement.gov/ns/assurance/aal/2",
    "http://idmanagement.gov/ns/assurance/aal/3",
];

/// Returns whether the login used several factors: the issuer says `mfa`, names methods of two different factors,
/// or an authentication context that means it. One method alone, even a one-time password, is one factor.
pub(crate) fn several_factors(principal: &Principal) -> bool {
    let says = |method: &str| principal.amr.iter().any(|amr| amr == method);
    let factors = FACTORS.iter().filter(|methods| methods.iter().any(|method| says(method))).count();
    let strong = principal.acr.as_deref().is_some_and(|acr| STRONG_CONTEXTS.contains(&acr));
    says("mfa") || factors >= 2 || strong
}

/// Returns how long ago the person authenticated, in seconds; none if the issuer does not say, or says a time to come.
pub(crate) fn auth_age(principal: &Principal, now: Timestamp) -> Option<i64> {
    let age = now.as_second().saturating_sub(principal.auth_time?.as_second());
    (age >= -CLOCK_SKEW_SECONDS).then_some(age.max(0))
}
