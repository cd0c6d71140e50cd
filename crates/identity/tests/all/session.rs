//! Session tokens.

use aws_lc_rs::digest;
use identity::SessionToken;

#[test]
fn a_token_comes_back_as_the_same_session_and_is_not_printed() {
    let token = SessionToken::from_random([9; 32]);
    assert_eq!(token.expose().len(), 47);
    assert!(token.expose().starts_with("mqs_"));
    let again = SessionToken::parse(token.expose()).unwrap();
    assert_eq!(token.sha256(), again.sha256());
    assert_eq!(token.sha256(), digest::digest(&digest::SHA256, token.expose().as_bytes()).as_ref());
    assert_ne!(token.sha256(), SessionToken::from_random([8; 32]).sha256());
    assert!(!format!("{token:?}").contains("mqs_"));
}

#[test]
fn what_is_no_session_token_is_left_to_the_issuers() {
    let good = SessionToken::from_random([9; 32]);
    let good = good.expose();
    for text in [
        "",
        "mqs_",
        "a.b.c",
        &good[..46],
        &format!("{good}A"),
        &good.to_uppercase(),
        &good[1..],
        &format!(" {good}"),
    ] {
        assert!(SessionToken::parse(text).is_none(), "`{text}`");
    }
    // 43 characters hold 258 bits: another spelling of the same bytes would be a second token for one session.
    assert!(SessionToken::parse(&format!("{}F", &good[..46])).is_none());
}
