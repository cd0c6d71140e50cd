//! Images of a runtime: kept unpacked, one folder an image, below the server's folder.
//! Not here: running them. Layers are not shared between images: an image is one folder, so that it is mounted with one
//! lower folder and can be removed by hand.
//! Invariant: an image that is there was unpacked to its end, and every blob had the digest it was asked for by.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use oci_client::Reference;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    ContainerError, Pull, Settings,
    limits::{DOCUMENT_BYTES, IMAGE_BYTES, IMAGE_ENTRIES, LAYERS},
};

mod credentials;
mod layout;
mod registry;
pub(crate) mod unpack;

pub(crate) use credentials::for_registry;
use unpack::Budget;

/// An image that is there.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// The folder of its files.
    pub(crate) rootfs: PathBuf,
    /// What it says about running it.
    pub(crate) config: Config,
}

/// What an image says about running it. Source: OCI image-spec `config.md`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Config {
    /// The entry point.
    #[serde(deserialize_with = "nullable")]
    pub(crate) entrypoint: Vec<String>,
    /// The default arguments.
    #[serde(deserialize_with = "nullable")]
    pub(crate) cmd: Vec<String>,
    /// Environment variables, `NAME=value`.
    #[serde(deserialize_with = "nullable")]
    pub(crate) env: Vec<String>,
    /// The working directory.
    pub(crate) working_dir: String,
    /// The user.
    pub(crate) user: String,
}

fn nullable<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

/// The configuration document of an image.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    config: Option<Config>,
    rootfs: RootFs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RootFs {
    diff_ids: Vec<String>,
}

/// The parts of an image, as its manifest names them.
#[derive(Debug)]
struct Manifest {
    /// The manifest's own digest.
    digest: String,
    /// The configuration document.
    config: Vec<u8>,
    /// The layers, lowest first: digest, media type, size.
    layers: Vec<Layer>,
}

#[derive(Debug, Clone)]
struct Layer {
    digest: String,
    media_type: String,
    size: u64,
}

/// Where an image comes from.
enum Source {
    Registry(registry::Registry),
    Layout(layout::Layout),
}

impl Source {
    fn of(image: &str, settings: &Settings) -> Result<Self, ContainerError> {
        match image.strip_prefix(LAYOUT_PREFIX) {
            Some(place) => layout::Layout::open(image, place, &settings.layouts).map(Self::Layout),
            None => registry::Registry::of(image, settings).map(Self::Registry),
        }
    }
    async fn manifest(&self) -> Result<Manifest, String> {
        match self {
            Self::Registry(registry) => registry.manifest().await,
            Self::Layout(layout) => layout.manifest(),
        }
    }
    /// Writes a layer's blob; whoever calls checks its digest.
    async fn layer(&self, layer: &Layer, to: &mut File) -> Result<(), String> {
        match self {
            Self::Registry(registry) => registry.layer(layer, to).await,
            Self::Layout(layout) => layout.layer(layer, to),
        }
    }
}

const LAYOUT_PREFIX: &str = "oci:";

/// Returns the image, pulled if the policy says so.
///
/// # Errors
/// [`ContainerError::Image`], [`ContainerError::Damaged`], [`ContainerError::Io`].
pub(crate) async fn get(image: &str, pull: Pull, settings: &Settings) -> Result<Image, ContainerError> {
    let store = Store::open(&settings.images)?;
    // one at a time for one image: the others find it there
    let _lock = store.lock(image)?;
    let present = store.named(image)?;
    let policy = settled(pull, image);
    match (policy, present) {
        (Pull::Never, Some(present)) => Ok(present),
        (Pull::Never, None) => Err(ContainerError::Image {
            image: image.to_owned(),
            reason: "it is not present with pull policy of Never".to_owned(),
        }),
        (Pull::IfNotPresent, Some(present)) => Ok(present),
        (_, present) => match (store.fetch(image, settings).await, present) {
            (Err(ContainerError::Image { .. }), Some(present)) if pull == Pull::Default => Ok(present),
            (fetched, _) => fetched,
        },
    }
}

/// Returns the policy that holds, as Kubernetes settles it.
pub(crate) fn settled(pull: Pull, image: &str) -> Pull {
    if pull != Pull::Default {
        return pull;
    }
    let latest = image.starts_with(LAYOUT_PREFIX)
        || image
            .parse::<Reference>()
            .is_ok_and(|r| r.digest().is_none() && r.tag().is_none_or(|tag| tag == "latest"));
    if latest { Pull::Always } else { Pull::IfNotPresent }
}

/// The images of one server.
struct Store {
    folder: PathBuf,
}

impl Store {
    fn open(folder: &Path) -> Result<Self, ContainerError> {
        for name in ["", "rootfs", "configs", "names", "locks", "tmp"] {
            let path = folder.join(name);
            DirBuilder::new().recursive(true).mode(0o755).create(&path).map_err(ContainerError::io(path))?;
        }
        Ok(Self { folder: folder.to_owned() })
    }
    fn lock(&self, image: &str) -> Result<File, ContainerError> {
        let path = self.folder.join("locks").join(hex_of(image.as_bytes()));
        let take = || -> io::Result<File> {
            let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
            flock(&file, FlockOperation::LockExclusive)?;
            Ok(file)
        };
        take().map_err(ContainerError::io(path.clone()))
    }
    /// Returns the image last got by this name.
    fn named(&self, image: &str) -> Result<Option<Image>, ContainerError> {
        let path = self.folder.join("names").join(hex_of(image.as_bytes()));
        match fs::read_to_string(&path) {
            Ok(id) => Ok(self.kept(id.trim())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ContainerError::io(path)(error)),
        }
    }
    fn kept(&self, id: &str) -> Option<Image> {
        let rootfs = self.folder.join("rootfs").join(id);
        let text = fs::read(self.folder.join("configs").join(id)).ok()?;
        let config = serde_json::from_slice(&text).ok()?;
        rootfs.is_dir().then_some(Image { rootfs, config })
    }
    async fn fetch(&self, image: &str, settings: &Settings) -> Result<Image, ContainerError> {
        let unreachable = |reason: String| ContainerError::Image { image: image.to_owned(), reason };
        let damaged = |reason: String| ContainerError::Damaged { image: image.to_owned(), reason };
        let source = Source::of(image, settings)?;
        let manifest = source.manifest().await.map_err(unreachable)?;
        let id = hex_of(manifest.digest.as_bytes());
        let kept = match self.kept(&id) {
            Some(kept) => kept,
            None => {
                let document: Document = serde_json::from_slice(&manifest.config)
                    .map_err(|error| damaged(format!("its configuration: {error}")))?;
                if manifest.layers.len() > LAYERS || manifest.layers.len() != document.rootfs.diff_ids.len() {
                    return Err(damaged(
                        "its manifest and its configuration differ in layers, or it has too many".to_owned(),
                    ));
                }
                let fresh = self.folder.join("tmp").join(&id);
                // what an earlier attempt left
                let _ = fs::remove_dir_all(&fresh);
                self.unpack(&source, &manifest, &document, &fresh, image).await?;
                self.keep(&id, &fresh, document.config.unwrap_or_default())?
            }
        };
        let name = self.folder.join("names").join(hex_of(image.as_bytes()));
        write(&name, id.as_bytes()).map_err(ContainerError::io(name.clone()))?;
        Ok(kept)
    }
    async fn unpack(
        &self,
        source: &Source,
        manifest: &Manifest,
        document: &Document,
        fresh: &Path,
        image: &str,
    ) -> Result<(), ContainerError> {
        fs::create_dir_all(fresh).map_err(ContainerError::io(fresh))?;
        let mut budget = Budget { bytes: IMAGE_BYTES, entries: IMAGE_ENTRIES };
        for (layer, diff_id) in manifest.layers.iter().zip(&document.rootfs.diff_ids) {
            let path = fresh.with_extension("layer");
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&path).map_err(ContainerError::io(path.clone()))?;
            // it goes when it is closed, whatever happens
            let _ = fs::remove_file(&path);
            let fetched = source.layer(layer, &mut file).await;
            fetched.map_err(|reason| ContainerError::Image { image: image.to_owned(), reason })?;
            unpack::layer(file, layer, diff_id, fresh, &mut budget)
                .map_err(|reason| ContainerError::Damaged { image: image.to_owned(), reason })?;
        }
        Ok(())
    }
    fn keep(&self, id: &str, fresh: &Path, config: Config) -> Result<Image, ContainerError> {
        let text = serde_json::to_vec(&config).unwrap_or_default();
        let path = self.folder.join("configs").join(id);
        write(&path, &text).map_err(ContainerError::io(path.clone()))?;
        let rootfs = self.folder.join("rootfs").join(id);
        match fs::rename(fresh, &rootfs) {
            Ok(()) => Ok(Image { rootfs, config }),
            // the same image by another name was faster
            Err(_) if rootfs.is_dir() => Ok(Image { rootfs, config }),
            Err(error) => Err(ContainerError::io(rootfs)(error)),
        }
    }
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    File::create(&fresh)?.write_all(text)?;
    fs::rename(fresh, path)
}

fn hex_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the hexadecimal part of a digest we know.
fn sha256_of(digest: &str) -> Result<&str, String> {
    digest
        .strip_prefix("sha256:")
        .filter(|hex| {
            hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
        .ok_or_else(|| format!("`{digest}` is no SHA-256 digest"))
}

/// Checks that `bytes` have the digest.
fn check(bytes: &[u8], digest: &str) -> Result<(), String> {
    let found = hex_of(bytes);
    if sha256_of(digest)? == found {
        Ok(())
    } else {
        Err(format!("its digest is sha256:{found}, not {digest}"))
    }
}

/// Reads a document of limited size.
fn read_document(from: impl Read) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    from.take(DOCUMENT_BYTES + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > DOCUMENT_BYTES {
        return Err(format!("a document is larger than {DOCUMENT_BYTES} bytes"));
    }
    Ok(text)
}

/// Unpacks what an engine sent for `path` to the same path below `folder`.
pub(crate) fn place_outputs(archive: File, path: &str, folder: &Path) -> io::Result<()> {
    use crate::limits::{OUTPUT_BYTES, OUTPUT_ENTRIES};
    let mut archive = archive;
    io::Seek::rewind(&mut archive)?;
    let above = Path::new(path).parent().unwrap_or(Path::new("/"));
    let above = folder.join(crate::tree::clean(above)?);
    fs::create_dir_all(&above)?;
    let mut budget = Budget { bytes: OUTPUT_BYTES, entries: OUTPUT_ENTRIES };
    unpack::plain(archive, &above, &mut budget)
}
