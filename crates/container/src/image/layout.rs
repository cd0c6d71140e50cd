//! Images in an OCI layout folder: `oci:FOLDER[:TAG]`. Source: OCI image-spec `image-layout.md`.
//! Not here: writing such folders.
//! Invariant: only folders below those that the server's owner listed are read.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Layer, Manifest, check, read_document, sha256_of};
use crate::{ContainerError, limits::IMAGE_BYTES};

/// An image in a layout folder.
pub(super) struct Layout {
    folder: PathBuf,
    tag: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Index {
    manifests: Vec<Descriptor>,
    layers: Vec<Descriptor>,
    config: Option<Descriptor>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
    annotations: std::collections::BTreeMap<String, String>,
    platform: Option<Platform>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Platform {
    architecture: String,
    os: String,
}

impl Layout {
    /// Opens the folder that `place` names, which must lie below one of `allowed`.
    pub(super) fn open(image: &str, place: &str, allowed: &[PathBuf]) -> Result<Self, ContainerError> {
        let bad = |reason: &str| ContainerError::Image { image: image.to_owned(), reason: reason.to_owned() };
        let (folder, tag) = match place.rsplit_once(':') {
            Some((folder, tag)) if !tag.contains('/') => (folder, Some(tag.to_owned())),
            _ => (place, None),
        };
        let folder = Path::new(folder).canonicalize().map_err(|error| bad(&error.to_string()))?;
        let inside = |root: &PathBuf| root.canonicalize().is_ok_and(|root| folder.starts_with(root));
        if !allowed.iter().any(inside) {
            return Err(bad("the folder is not below one of the configured layout folders"));
        }
        Ok(Self { folder, tag })
    }
    /// Returns the manifest for this machine's platform, with its configuration.
    pub(super) fn manifest(&self) -> Result<Manifest, String> {
        let path = self.folder.join("index.json");
        let text = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut index = parse(&read_document(text)?)?;
        let mut chosen = self.choose(&index)?;
        // an index may lead to an index, once
        for _ in 0..2 {
            let text = self.document(&chosen)?;
            index = parse(&text)?;
            let Some(config) = &index.config else {
                chosen = for_platform(&index.manifests)?;
                continue;
            };
            let layers = index.layers.iter().map(|layer| Layer {
                digest: layer.digest.clone(),
                media_type: layer.media_type.clone(),
                size: layer.size,
            });
            return Ok(Manifest {
                digest: chosen.digest,
                config: self.document(config)?,
                layers: layers.collect(),
            });
        }
        Err("it has no manifest".to_owned())
    }
    fn choose(&self, index: &Index) -> Result<Descriptor, String> {
        let Some(tag) = &self.tag else { return for_platform(&index.manifests) };
        let tagged = |entry: &&Descriptor| entry.annotations.get(REF_NAME).is_some_and(|name| name == tag);
        let found: Vec<Descriptor> = index.manifests.iter().filter(tagged).cloned().collect();
        for_platform(&found).map_err(|_| format!("there is no tag `{tag}`"))
    }
    fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>, String> {
        let text = read_document(self.blob(&descriptor.digest)?)?;
        check(&text, &descriptor.digest)?;
        Ok(text)
    }
    /// Writes a layer's blob.
    pub(super) fn layer(&self, layer: &Layer, to: &mut File) -> Result<(), String> {
        let mut from = io::Read::take(self.blob(&layer.digest)?, IMAGE_BYTES.min(layer.size));
        io::copy(&mut from, to).map(drop).map_err(|error| error.to_string())
    }
    fn blob(&self, digest: &str) -> Result<File, String> {
        let path = self.folder.join("blobs/sha256").join(sha256_of(digest)?);
        File::open(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

const REF_NAME: &str = "org.opencontainers.image.ref.name";

fn parse(text: &[u8]) -> Result<Index, String> {
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

fn for_platform(entries: &[Descriptor]) -> Result<Descriptor, String> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let fits = |entry: &&Descriptor| {
        entry.platform.as_ref().is_none_or(|p| p.os == "linux" && p.architecture == architecture)
    };
    entries.iter().find(fits).cloned().ok_or_else(|| format!("there is no image for linux/{architecture}"))
}
