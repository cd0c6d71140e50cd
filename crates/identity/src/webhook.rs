//! Senders of webhooks, who have no token: each signs what it sends, in its product's own way, with a secret that both
//! sides know. Source: Argo `server/auth/webhook` over go-playground/webhooks (github, gitlab, bitbucket,
//! bitbucketserver).
//! Not here: where the secrets are kept (`runner`), that the same delivery comes twice: no product signs when it sent.

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use model::yaml;

use crate::{AuthError, Caller, Secret};

/// The name of the Secret that says, under each client's name, how it signs.
pub const WEBHOOK_CLIENTS: &str = "argo-workflows-webhook-clients";

/// What was sent: its headers by name in small letters, and the body whose bytes are signed.
pub struct Delivery<'a> {
    /// Returns the text of a header that stands once.
    pub header: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
    /// The body as it came.
    pub body: &'a [u8],
}

/// How a client of one product shows that a delivery is its own.
#[derive(Clone, Copy)]
enum Proof {
    /// The body's HMAC with SHA-256, in hexadecimal behind `sha256=`.
    Signature,
    /// The secret itself.
    Token,
}

struct Product {
    name: &'static str,
    /// The header that names the event; each product sends it always.
    event: &'static str,
    header: &'static str,
    proof: Proof,
}

const PRODUCTS: &[Product] = &[
    Product {
        name: "github",
        event: "x-github-event",
        header: "x-hub-signature-256",
        proof: Proof::Signature,
    },
    Product { name: "gitlab", event: "x-gitlab-event", header: "x-gitlab-token", proof: Proof::Token },
    Product { name: "bitbucket", event: "x-event-key", header: "x-hook-uuid", proof: Proof::Token },
    Product {
        name: "bitbucketserver",
        event: "x-event-key",
        header: "x-hub-signature",
        proof: Proof::Signature,
    },
];

struct Client {
    product: &'static Product,
    secret: Secret,
}

impl Client {
    fn parse(name: &str, text: &[u8]) -> Result<Self, AuthError> {
        let bad = |problem| AuthError::BadWebhookClient { name: crate::error::quoted(name), problem };
        // what is wrong in detail might repeat the secret
        let text = std::str::from_utf8(text).map_err(|_| bad("is not text"))?;
        let documents = yaml::parse(name, text).map_err(|_| bad("is not YAML"))?;
        let document = documents.first().ok_or_else(|| bad("is empty"))?;
        let value = document.value();
        let text = |key| value.get(key).map_or(Some(""), serde_json::Value::as_str);
        let (Some(named), Some(secret), true) = (text("type"), text("secret"), value.is_object()) else {
            return Err(bad("is not an object with `type` and `secret`"));
        };
        let secret = Secret::new(secret);
        let product = PRODUCTS
            .iter()
            .find(|product| product.name == named)
            .ok_or_else(|| bad("has a `type` other than github, gitlab, bitbucket and bitbucketserver"))?;
        if secret.expose().is_empty() {
            return Err(bad("has no `secret`: everybody could send in its name"));
        }
        Ok(Self { product, secret })
    }

    fn sent(&self, delivery: &Delivery<'_>) -> bool {
        let Some(shown) = (delivery.header)(self.product.header) else { return false };
        if (delivery.header)(self.product.event).is_none_or(str::is_empty) {
            return false;
        }
        match self.product.proof {
            Proof::Token => self.secret.matches(shown),
            Proof::Signature => {
                let key = Key::new(HMAC_SHA256, self.secret.expose().as_bytes());
                let signature = shown.strip_prefix("sha256=").and_then(bytes);
                signature.is_some_and(|signature| hmac::verify(&key, delivery.body, &signature).is_ok())
            }
        }
    }
}

/// Returns the caller that signed a delivery: the machine identity `webhook/<namespace>/<client>`. `clients` are the
/// names and texts of the namespace's Secret, in order of name; the first whose proof fits counts.
///
/// # Errors
/// [`AuthError::BadWebhookClient`] for a client that can't be read, [`AuthError::NoWebhookClient`] if nobody's proof
/// fits.
pub fn verify_webhook<'a>(
    namespace: &str,
    clients: impl Iterator<Item = (&'a str, &'a [u8])>,
    delivery: &Delivery<'_>,
) -> Result<Caller, AuthError> {
    for (name, text) in clients {
        if Client::parse(name, text)?.sent(delivery) {
            return Ok(Caller::for_webhook(namespace, name));
        }
    }
    Err(AuthError::NoWebhookClient)
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hexadecimal.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    if rest.is_empty() { pairs.iter().map(pair).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GitHub's own example ("Validating webhook deliveries"), and the same body for the others.
    const BODY: &[u8] = b"Hello, World!";
    const SECRET: &str = "It's a Secret to Everybody";
    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn sender(product: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<String, AuthError> {
        let client = format!("type: {product}\nsecret: \"{SECRET}\"\n");
        let other = "type: gitlab\nsecret: another".to_owned();
        let clients = [("a-other", other.as_bytes()), ("forge", client.as_bytes())];
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        let delivery = Delivery { header: &header, body };
        let caller = verify_webhook("argo", clients.into_iter(), &delivery)?;
        Ok(caller.principal().key.subject.clone())
    }

    #[test]
    fn each_product_shows_whose_delivery_it_is() {
        let good: &[(&str, &[(&str, &str)])] = &[
            ("github", &[("x-github-event", "push"), ("x-hub-signature-256", SIGNATURE)]),
            ("bitbucketserver", &[("x-event-key", "repo:refs_changed"), ("x-hub-signature", SIGNATURE)]),
            ("gitlab", &[("x-gitlab-event", "Push Hook"), ("x-gitlab-token", SECRET)]),
            ("bitbucket", &[("x-event-key", "repo:push"), ("x-hook-uuid", SECRET)]),
        ];
        for (product, headers) in good {
            assert_eq!(sender(product, headers, BODY).as_deref(), Ok("webhook/argo/forge"), "{product}");
            // nothing that is missing or changed is made up for
            for left_out in 0..headers.len() {
                let rest: Vec<_> = headers
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| *at != left_out)
                    .map(|(_, pair)| *pair)
                    .collect();
                assert_eq!(sender(product, &rest, BODY), Err(AuthError::NoWebhookClient), "{product}");
            }
            if headers.iter().any(|(_, text)| *text == SIGNATURE) {
                assert_eq!(sender(product, headers, b"Hello, World?"), Err(AuthError::NoWebhookClient));
            }
            for (other, _) in good.iter().filter(|(other, _)| other != product) {
                assert_eq!(
                    sender(other, headers, BODY),
                    Err(AuthError::NoWebhookClient),
                    "{product} {other}"
                );
            }
        }
    }

    #[test]
    fn a_proof_in_part_is_none() {
        let with = |signature: &str| {
            sender("github", &[("x-github-event", "push"), ("x-hub-signature-256", signature)], BODY)
        };
        let upper = SIGNATURE.to_uppercase().replace("SHA256", "sha256");
        assert!(with(&upper).is_ok());
        for wrong in ["", "sha256=", "sha256=7", &SIGNATURE[..SIGNATURE.len() - 2], &SIGNATURE[7..], SECRET] {
            assert_eq!(with(wrong), Err(AuthError::NoWebhookClient), "{wrong}");
        }
        assert_eq!(with(&SIGNATURE.replace("sha256", "sha1")), Err(AuthError::NoWebhookClient));
        assert_eq!(with(&format!("{SIGNATURE}00")), Err(AuthError::NoWebhookClient));
    }

    #[test]
    fn a_client_that_makes_no_sense_lets_nobody_in_and_does_not_tell_its_secret() {
        let header = |_: &str| None;
        let delivery = Delivery { header: &header, body: b"" };
        for text in
            ["", "[", "a", "type: github", "type: github\nsecret: ''", "type: svn\nsecret: hush", "\u{0}"]
        {
            let refused = verify_webhook("argo", [("c", text.as_bytes())].into_iter(), &delivery);
            let error = refused.expect_err(text);
            assert!(matches!(error, AuthError::BadWebhookClient { .. }), "{text}: {error}");
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    }
}
