//! Amazon S3 and what speaks its protocol, Alibaba's OSS among them (it documents itself as compatible, with the bucket in
//! the host's name). Source: Argo `workflow/artifacts/s3/s3.go`, `oss/oss.go`.
//! Not here, and refused by name: `roleARN`, a key management context, object locking, OSS's life cycle rules.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::argo::{KeySelector, OssArtifact, S3Artifact};
use object_store::{
    ObjectStore,
    aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential},
    client::{HttpClient, HttpRequest, HttpRequestBody},
};
use reqwest::Method;
use serde_json::Value;

use super::guard::{Guard, explained, retries};
use crate::{DriverError, Secrets, Settings};

/// A bucket that is to be made if there is none.
pub(crate) struct Bucket {
    client: HttpClient,
    credential: AwsCredential,
    region: String,
    url: String,
}

/// Returns the bucket's store, and the bucket if it is to be made.
pub(super) fn store(
    settings: &Settings,
    at: &S3Artifact,
    secrets: &Secrets,
) -> Result<(Arc<dyn ObjectStore>, Option<Bucket>), DriverError> {
    refuse(&at.rest, "s3", &["roleARN"])?;
    let guard = Guard::new(&settings.reach, secrets.bytes(at.ca_secret.as_ref())?)?;
    let insecure = at.insecure == Some(true);
    let scheme = if insecure { "http" } else { "https" };
    let host = if at.endpoint.is_empty() { "s3.amazonaws.com" } else { at.endpoint.trim_end_matches('/') };
    let region = region_of(&at.region, host);
    let credential = credential(
        settings,
        secrets,
        [at.access_key_secret.as_ref(), at.secret_key_secret.as_ref(), at.session_token_secret.as_ref()],
        at.use_sdk_creds,
    )?;
    let amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    let endpoint =
        if amazon { format!("{scheme}://{}.{host}", at.bucket) } else { format!("{scheme}://{host}") };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&at.bucket)
        .with_region(&region)
        .with_endpoint(endpoint)
        .with_virtual_hosted_style_request(amazon)
        .with_allow_http(insecure)
        .with_retry(retries())
        .with_http_connector(guard.clone());
    builder = signed(builder, credential.as_ref());
    builder = encrypted(builder, &at.rest, secrets)?;
    let store = builder.build().map_err(|error| DriverError::BadArtifact(explained(&error)))?;
    let wanted = at.rest.get("createBucketIfNotPresent").filter(|wanted| !wanted.is_null());
    let bucket = match (wanted, credential) {
        (Some(options), Some(credential)) => {
            if options.get("objectLocking").and_then(Value::as_bool) == Some(true) {
                return Err(DriverError::Unsupported(
                    "`objectLocking` of `createBucketIfNotPresent`".to_owned(),
                ));
            }
            let url = if amazon {
                format!("{scheme}://{}.{host}/", at.bucket)
            } else {
                format!("{scheme}://{host}/{}", at.bucket)
            };
            Some(Bucket { client: guard.client(), credential, region, url })
        }
        _ => None,
    };
    Ok((Arc::new(store), bucket))
}

/// Returns the store of an OSS bucket.
pub(super) fn oss(
    settings: &Settings,
    at: &OssArtifact,
    secrets: &Secrets,
) -> Result<Arc<dyn ObjectStore>, DriverError> {
    refuse(&at.rest, "oss", &["lifecycleRule", "createBucketIfNotPresent"])?;
    let guard = Guard::new(&settings.reach, None)?;
    let (scheme, host) = at.endpoint.split_once("://").unwrap_or(("https", &at.endpoint));
    let host = host.trim_end_matches('/');
    // oss-cn-hangzhou.aliyuncs.com, oss-cn-hangzhou-internal.aliyuncs.com
    let region = host.split('.').next().unwrap_or_default().trim_end_matches("-internal");
    let token = at.rest.get("securityToken").and_then(Value::as_str).filter(|token| !token.is_empty());
    let pair = [at.access_key_secret.as_ref(), at.secret_key_secret.as_ref(), None];
    let credential = credential(settings, secrets, pair, at.use_sdk_creds)?;
    let credential =
        credential.map(|known| AwsCredential { token: token.map(str::to_owned).or(known.token), ..known });
    // as OSS's own clients do: an address has no subdomains
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let in_host = name.parse::<std::net::IpAddr>().is_err();
    let endpoint =
        if in_host { format!("{scheme}://{}.{host}", at.bucket) } else { format!("{scheme}://{host}") };
    let builder = AmazonS3Builder::new()
        .with_bucket_name(&at.bucket)
        .with_region(region)
        .with_endpoint(endpoint)
        .with_virtual_hosted_style_request(in_host)
        .with_retry(retries())
        .with_allow_http(scheme == "http")
        .with_http_connector(guard);
    let store = signed(builder, credential.as_ref()).build();
    Ok(Arc::new(store.map_err(|error| DriverError::BadArtifact(explained(&error)))?))
}

/// Refuses by name what is set of these fields.
pub(super) fn refuse(
    fields: &serde_json::Map<String, Value>,
    driver: &str,
    names: &[&str],
) -> Result<(), DriverError> {
    let empty = |value: &Value| value.is_null() || value.as_str() == Some("") || *value == false;
    match names.iter().find(|name| fields.get(**name).is_some_and(|value| !empty(value))) {
        Some(name) => Err(DriverError::Unsupported(format!("`{name}` of `{driver}`"))),
        None => Ok(()),
    }
}

/// Returns the region as written, else as the host's name says it (`s3.eu-west-1.amazonaws.com`), else the first one.
fn region_of(written: &str, host: &str) -> String {
    if !written.is_empty() {
        return written.to_owned();
    }
    let of_amazon = host.strip_prefix("s3.").and_then(|rest| rest.split_once(".amazonaws.com"));
    of_amazon.map_or("us-east-1", |(region, _)| region).to_owned()
}

/// Returns what requests are signed with: the Secrets' values, else the server's own where its owner lets workflows use
/// them, else nothing.
fn credential(
    settings: &Settings,
    secrets: &Secrets,
    [key, secret, token]: [Option<&KeySelector>; 3],
    own: bool,
) -> Result<Option<AwsCredential>, DriverError> {
    if let (Some(key_id), Some(secret_key)) = (secrets.text(key)?, secrets.text(secret)?) {
        let token = secrets.text(token)?.map(str::to_owned);
        return Ok(Some(AwsCredential {
            key_id: key_id.to_owned(),
            secret_key: secret_key.to_owned(),
            token,
        }));
    }
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (own, settings.own_credentials) {
        (true, false) => Err(DriverError::Unsupported(
            "`useSDKCreds` without the server's setting `artifacts.ownCredentials`".to_owned(),
        )),
        (true, true) => {
            let missing =
                || DriverError::failed("the server's own credentials", "there are none in its environment");
            Ok(Some(AwsCredential {
                key_id: variable("AWS_ACCESS_KEY_ID").ok_or_else(missing)?,
                secret_key: variable("AWS_SECRET_ACCESS_KEY").ok_or_else(missing)?,
                token: variable("AWS_SESSION_TOKEN"),
            }))
        }
        (false, _) => Ok(None),
    }
}

fn signed(builder: AmazonS3Builder, credential: Option<&AwsCredential>) -> AmazonS3Builder {
    let Some(credential) = credential else { return builder.with_skip_signature(true) };
    let builder =
        builder.with_access_key_id(&credential.key_id).with_secret_access_key(&credential.secret_key);
    match &credential.token {
        Some(token) => builder.with_token(token),
        None => builder,
    }
}

fn encrypted(
    builder: AmazonS3Builder,
    rest: &serde_json::Map<String, Value>,
    secrets: &Secrets,
) -> Result<AmazonS3Builder, DriverError> {
    let Some(options) = rest.get("encryptionOptions").and_then(Value::as_object) else { return Ok(builder) };
    refuse(options, "encryptionOptions", &["kmsEncryptionContext"])?;
    if let Some(selector) = options.get("serverSideCustomerKeySecret").filter(|selector| !selector.is_null())
    {
        let selector: KeySelector = serde_json::from_value(selector.clone()).map_err(|_| {
            DriverError::BadArtifact("`serverSideCustomerKeySecret` is no key of a secret".to_owned())
        })?;
        let key = secrets.bytes(Some(&selector))?.unwrap_or_default();
        return Ok(builder.with_ssec_encryption(STANDARD.encode(key)));
    }
    let kms = options.get("kmsKeyId").and_then(Value::as_str).filter(|id| !id.is_empty());
    if let Some(id) = kms {
        return Ok(builder.with_sse_kms_encryption(id));
    }
    if options.get("enableEncryption").and_then(Value::as_bool) == Some(true) {
        let key = "aws_server_side_encryption".parse();
        let key = key.map_err(|_| DriverError::Unsupported("`enableEncryption`".to_owned()))?;
        return Ok(builder.with_config(key, "AES256"));
    }
    Ok(builder)
}

impl Bucket {
    /// Makes the bucket; one that is there already is left as it is.
    pub(super) async fn make(&self) -> Result<(), DriverError> {
        let what = "making the bucket";
        let body = if self.region == "us-east-1" {
            String::new()
        } else {
            format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{}\
                 </LocationConstraint></CreateBucketConfiguration>",
                self.region
            )
        };
        let bad = || DriverError::failed(what, "its address makes no sense");
        let mut request = HttpRequest::new(HttpRequestBody::from(body));
        *request.method_mut() = Method::PUT;
        *request.uri_mut() = self.url.parse().map_err(|_| bad())?;
        AwsAuthorizer::new(&self.credential, "s3", &self.region)
            .try_authorize(&mut request, None)
            .map_err(|error| DriverError::failed(what, explained(&error)))?;
        let answer = self.client.execute(request).await;
        let answer =
            answer.map_err(|error| DriverError::failed(what, super::guard::cleaned(&error.to_string())))?;
        match answer.status().as_u16() {
            // 409: it is there, ours or somebody else's, which the next request tells
            200..=299 | 409 => Ok(()),
            status => Err(DriverError::failed(what, format!("failed with {status}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::region_of;

    #[test]
    fn a_region_is_written_or_in_the_hosts_name() {
        for (written, host, expected) in [
            ("eu-x", "s3.amazonaws.com", "eu-x"),
            ("", "s3.eu-west-1.amazonaws.com", "eu-west-1"),
            ("", "s3.amazonaws.com", "us-east-1"),
            ("", "minio:9000", "us-east-1"),
        ] {
            assert_eq!(region_of(written, host), expected, "{written} {host}");
        }
    }
}
