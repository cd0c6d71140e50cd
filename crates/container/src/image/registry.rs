//! Images from a registry. Source: OCI distribution-spec. Not here: pushing.
//! Invariant: without TLS only this machine and the registries that the server's owner listed are spoken to.

use std::{fs::File, io::Write, net::IpAddr};

use futures_util::TryStreamExt;
use oci_client::{
    Client, Reference,
    client::{ClientConfig, ClientProtocol},
    manifest::OciDescriptor,
    secrets::RegistryAuth,
};

use super::{Layer, Manifest, check, credentials};
use crate::{
    ContainerError, Settings,
    limits::{DOCUMENT_BYTES, IMAGE_BYTES, REGISTRY_SILENCE},
};

/// An image in a registry.
pub(super) struct Registry {
    client: Client,
    reference: Reference,
    auth: RegistryAuth,
}

impl Registry {
    /// Returns the image so called.
    pub(super) fn of(image: &str, settings: &Settings) -> Result<Self, ContainerError> {
        let bad = |reason: String| ContainerError::Image { image: image.to_owned(), reason };
        let mut reference: Reference = image.parse().map_err(|error| bad(format!("{error}")))?;
        if let Some(mirror) = settings.mirrors.get(reference.registry()) {
            reference.set_mirror_registry(mirror.clone());
        }
        let host = reference.resolve_registry().to_owned();
        let plain = is_loopback(&host) || settings.insecure.contains(&host);
        let protocol =
            if plain { ClientProtocol::HttpsExcept(vec![host.clone()]) } else { ClientProtocol::Https };
        let config = ClientConfig {
            protocol,
            read_timeout: Some(REGISTRY_SILENCE),
            connect_timeout: Some(REGISTRY_SILENCE),
            user_agent: "marque",
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).map_err(|error| bad(error.to_string()))?;
        let auth = match credentials::for_registry(settings, &host).map_err(bad)? {
            Some((user, password)) => RegistryAuth::Basic(user, password),
            None => RegistryAuth::Anonymous,
        };
        Ok(Self { client, reference, auth })
    }
    /// Returns the manifest for this machine's platform, with its configuration.
    pub(super) async fn manifest(&self) -> Result<Manifest, String> {
        let found = self.client.pull_image_manifest(&self.reference, &self.auth).await;
        let (manifest, digest) = found.map_err(|error| error.to_string())?;
        let config = self.document(&manifest.config).await?;
        let layers = manifest.layers.into_iter().map(|layer| Layer {
            size: u64::try_from(layer.size).unwrap_or_default(),
            digest: layer.digest,
            media_type: layer.media_type,
        });
        Ok(Manifest { digest, config, layers: layers.collect() })
    }
    async fn document(&self, descriptor: &OciDescriptor) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        self.stream(descriptor, DOCUMENT_BYTES, &mut text).await?;
        check(&text, &descriptor.digest)?;
        Ok(text)
    }
    /// Writes a layer's blob.
    pub(super) async fn layer(&self, layer: &Layer, to: &mut File) -> Result<(), String> {
        let size = i64::try_from(layer.size).unwrap_or(i64::MAX);
        let descriptor = OciDescriptor { digest: layer.digest.clone(), size, ..OciDescriptor::default() };
        self.stream(&descriptor, IMAGE_BYTES, to).await
    }
    async fn stream(&self, descriptor: &OciDescriptor, most: u64, to: &mut impl Write) -> Result<(), String> {
        let said = |error: &dyn std::fmt::Display| format!("blob {}: {error}", descriptor.digest);
        let most = most.min(u64::try_from(descriptor.size).unwrap_or_default());
        let mut blob = self
            .client
            .pull_blob_stream(&self.reference, descriptor)
            .await
            .map_err(|error| said(&error))?
            .stream;
        let mut read = 0;
        while let Some(bytes) = blob.try_next().await.map_err(|error| said(&error))? {
            read += bytes.len() as u64;
            if read > most {
                return Err(said(&"it is larger than its manifest says, or than it may be"));
            }
            to.write_all(&bytes).map_err(|error| said(&error))?;
        }
        Ok(())
    }
}

/// Whether a registry is on this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = host
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or_else(|| host.rsplit_once(':').map_or(host, |(name, _)| name), |(name, _)| name);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
