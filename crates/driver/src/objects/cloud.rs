//! Google Cloud Storage and Azure's blobs. Source: Argo `workflow/artifacts/gcs/gcs.go`, `azure/azure.go`.

use std::sync::Arc;

use model::argo::{AzureArtifact, GcsArtifact};
use object_store::{ObjectStore, azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder};
use url::{Host, Url};

use super::guard::{Guard, explained, retries};
use crate::{DriverError, Secrets, Settings};

/// Returns the store of a bucket of Google's. Without a key file requests are not signed.
pub(super) fn gcs(
    settings: &Settings,
    at: &GcsArtifact,
    secrets: &Secrets,
) -> Result<Arc<dyn ObjectStore>, DriverError> {
    let builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&at.bucket)
        .with_retry(retries())
        .with_http_connector(Guard::new(&settings.reach, None)?);
    let builder = match secrets.text(at.service_account_key_secret.as_ref())? {
        Some(key) => builder.with_service_account_key(key),
        None => builder.with_skip_signature(true),
    };
    let store = builder.build().map_err(|error| DriverError::BadArtifact(hidden(&explained(&error))))?;
    Ok(Arc::new(store))
}

/// A key file that can't be read must not be quoted.
fn hidden(text: &str) -> String {
    text.split(':').next().unwrap_or_default().to_owned()
}

/// Returns the store of a container of Azure's. Without a key requests are not signed, unless the endpoint holds a shared
/// access signature.
pub(super) fn azure(
    settings: &Settings,
    at: &AzureArtifact,
    secrets: &Secrets,
) -> Result<Arc<dyn ObjectStore>, DriverError> {
    if at.use_sdk_creds {
        return Err(DriverError::Unsupported("`useSDKCreds` of `azure`".to_owned()));
    }
    let bad =
        || DriverError::BadArtifact("the `endpoint` of `azure` is not a URL with an account".to_owned());
    let mut url = Url::parse(&at.endpoint).map_err(|_| bad())?;
    let account = account_of(&url).ok_or_else(bad)?;
    let signature: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    url.set_query(None);
    let builder = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_retry(retries())
        .with_container_name(&at.container)
        .with_endpoint(url.as_str().trim_end_matches('/').to_owned())
        .with_allow_http(url.scheme() == "http")
        .with_http_connector(Guard::new(&settings.reach, None)?);
    let builder = match secrets.text(at.account_key_secret.as_ref())? {
        Some(key) => builder.with_access_key(key),
        None if !signature.is_empty() => builder.with_sas_authorization(signature),
        None => builder.with_skip_signature(true),
    };
    let store = builder.build().map_err(|error| DriverError::BadArtifact(explained(&error)))?;
    Ok(Arc::new(store))
}

/// Returns the account: the first part of the host's name, or of the path where the host is an address or this machine
/// (the emulator). Source: Argo `determineAccountName`.
fn account_of(url: &Url) -> Option<String> {
    let in_path = match url.host()? {
        Host::Domain(name) => !name.contains('.'),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    };
    let account = if in_path {
        url.path_segments()?.next().map(str::to_owned)
    } else {
        url.host_str()?.split('.').next().map(str::to_owned)
    };
    account.filter(|account| !account.is_empty())
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::account_of;

    #[test]
    fn an_account_is_in_the_host_or_in_the_path() {
        for (url, expected) in [
            ("https://acme.blob.core.windows.net", Some("acme")),
            ("http://127.0.0.1:10000/devstoreaccount1", Some("devstoreaccount1")),
            ("http://azurite:10000/devstoreaccount1", Some("devstoreaccount1")),
            ("http://127.0.0.1:10000/", None),
        ] {
            assert_eq!(account_of(&Url::parse(url).unwrap()).as_deref(), expected, "{url}");
        }
    }
}
