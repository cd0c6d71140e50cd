//! The values of a login attempt.

use identity::{Nonce, PkceVerifier, Secret, State};

#[test]
fn the_challenge_is_the_one_of_rfc_7636_appendix_b() {
    let bytes = [
        116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105,
        214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
    ];
    let verifier = PkceVerifier::from_random(bytes);
    assert_eq!(verifier.expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[test]
fn values_match_themselves_only_and_are_never_printed() {
    let (state, nonce) = (State::from_random([1; 32]), Nonce::from_random([2; 32]));
    assert!(state.matches(state.expose()));
    for other in ["", nonce.expose(), &state.expose()[1..], &format!("{}A", state.expose())] {
        assert!(!state.matches(other), "`{other}`");
    }
    for printed in
        [format!("{state:?}"), format!("{nonce:?}"), format!("{:?}", PkceVerifier::from_random([3; 32]))]
    {
        assert!(printed.contains("[secret]") && printed.len() < 40, "{printed}");
    }
    assert_eq!(format!("{:?}", Secret::new("hunter2")), "[secret]");
}
