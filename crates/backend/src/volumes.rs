//! The volumes of a pod on one machine: folders of its own (`emptyDir`, `ephemeral`), folders that outlive it
//! (`persistentVolumeClaim`), and the files of ConfigMaps, Secrets and the pod's own fields.
//! Source: Kubernetes core/v1 Volume; `pkg/volume/{configmap,secret,projected,downwardapi}`.
//! Not here: mounting (`sandbox::root`), whose objects these are (`materials`). Every other kind of volume would lead to
//! the machine itself or to a cluster, and is refused by name.
//! Invariant: the files of Secrets go into the pod's own memory-backed files, never to the machine's disk.

use std::collections::BTreeMap;

use engine::Pod;
use model::argo::{Container, Volume, VolumeMount};
use policy::RunFacts;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    BackendError, Materials,
    downward::{field, resource},
    folder::{PodFolder, checked_name, pod_path_fault},
    plan::unsupported,
    private::PrivateFile,
    spec::MountSpec,
};

/// What a container sees of its pod's volumes.
#[derive(Default)]
pub(crate) struct Shown {
    /// Folders, the outer ones first.
    pub(crate) mounts: Vec<MountSpec>,
    /// Files of ConfigMaps, Secrets and the pod's fields.
    pub(crate) files: Vec<PrivateFile>,
}

/// Whose volumes they are.
#[derive(Clone, Copy)]
pub(crate) struct Volumes<'a> {
    /// The run.
    pub(crate) run: &'a RunFacts,
    /// The pod.
    pub(crate) pod: &'a Pod,
    /// What it is handed.
    pub(crate) materials: &'a Materials,
    /// Its folder.
    pub(crate) folder: &'a PodFolder,
}

/// A file of a volume: its path in it, mode and bytes.
type Files = BTreeMap<String, (u32, Zeroizing<Vec<u8>>)>;

/// What a volume is made of.
enum Content {
    /// A folder, relative to the backend's.
    Folder(String),
    /// Files.
    Files(Files),
}

impl Volumes<'_> {
    /// Returns what `container` sees at `mounts`.
    ///
    /// # Errors
    /// [`BackendError::Unsupported`] with Kubernetes' message if a volume cannot be had.
    pub(crate) fn shown<'m>(
        &self,
        container: &Container,
        mounts: impl Iterator<Item = &'m VolumeMount>,
    ) -> Result<Shown, BackendError> {
        let mut shown = Shown::default();
        for mount in mounts {
            self.show(container, mount, &mut shown)?;
        }
        shown.mounts.sort_by_key(|mount| mount.path.split('/').count());
        Ok(shown)
    }
    /// Returns the folders of the pod's own volumes and claims, relative to the backend's, and whether there are claims.
    ///
    /// # Errors
    /// [`BackendError`].
    pub(crate) fn folders(&self) -> Result<(Vec<String>, bool), BackendError> {
        let mut folders = Vec::new();
        let mut claims = false;
        for volume in &self.pod.volumes {
            if let Some((kind @ ("emptyDir" | "ephemeral" | "persistentVolumeClaim"), source)) =
                kind_of(volume)
            {
                folders.push(self.folder_of(volume, kind, source)?);
                claims |= kind == "persistentVolumeClaim";
            }
        }
        Ok((folders, claims))
    }

    fn show(
        &self,
        container: &Container,
        mount: &VolumeMount,
        shown: &mut Shown,
    ) -> Result<(), BackendError> {
        let path = mount.mount_path.trim_end_matches('/');
        if let Some(fault) = mount_fault(path) {
            return Err(unsupported(format!("the mount of volume `{}` at `{path}` {fault}", mount.name)));
        }
        let sub_path = self.sub_path(mount)?;
        match self.content(container, &mount.name)? {
            Content::Folder(host) => shown.mounts.push(MountSpec {
                host,
                sub_path,
                path: path.to_owned(),
                writable: !mount.read_only,
            }),
            Content::Files(files) => {
                for (name, (mode, bytes)) in files {
                    if let Some(path) = below(path, &sub_path, &name) {
                        shown.files.push(PrivateFile { path, mode, bytes });
                    }
                }
            }
        }
        Ok(())
    }
    /// Returns the part of the volume that is mounted; `subPathExpr` may name the container's variables, which are not
    /// known here, so it is refused unless it has none.
    fn sub_path(&self, mount: &VolumeMount) -> Result<String, BackendError> {
        let expression = mount.rest.get("subPathExpr").and_then(Value::as_str).unwrap_or_default();
        if expression.contains("$(") {
            let name = &mount.name;
            return Err(unsupported(format!(
                "`subPathExpr` of volume `{name}` with variables is not supported"
            )));
        }
        let path = if mount.sub_path.is_empty() { expression } else { &mount.sub_path };
        let path = path.trim_matches('/');
        match inner_path_fault(path) {
            Some(fault) if !path.is_empty() => {
                Err(unsupported(format!("subPath `{}` of volume `{}` {fault}", mount.sub_path, mount.name)))
            }
            _ => Ok(path.to_owned()),
        }
    }
    fn content(&self, container: &Container, name: &str) -> Result<Content, BackendError> {
        let volume = self.pod.volumes.iter().rev().find(|volume| volume.name == name);
        let volume =
            volume.ok_or_else(|| unsupported(format!("volume `{name}` not found in workflow spec")))?;
        let (kind, source) = kind_of(volume).unwrap_or(("emptyDir", &Value::Null));
        match kind {
            "emptyDir" | "ephemeral" | "persistentVolumeClaim" => {
                self.folder_of(volume, kind, source).map(Content::Folder)
            }
            "configMap" | "secret" | "downwardAPI" => {
                let mode = source.get("defaultMode").and_then(Value::as_u64).unwrap_or(0o644);
                self.source(container, name, (kind, source), mode).map(Content::Files)
            }
            "projected" => {
                let mode = source.get("defaultMode").and_then(Value::as_u64).unwrap_or(0o644);
                let sources = source.get("sources").and_then(Value::as_array).into_iter().flatten();
                let mut files = Files::new();
                for (kind, source) in sources.filter_map(Value::as_object).flatten() {
                    files.extend(self.source(container, name, (kind, source), mode)?);
                }
                Ok(Content::Files(files))
            }
            other => Err(unsupported(format!(
                "volume `{name}` is a `{other}`, which is not to be had on one machine: a pod sees nothing of the machine itself"
            ))),
        }
    }
    fn folder_of(&self, volume: &Volume, kind: &str, source: &Value) -> Result<String, BackendError> {
        if kind != "persistentVolumeClaim" {
            return Ok(format!("{}/volumes/{}", self.folder.relative(), checked_name(&volume.name)?));
        }
        let claim = source.get("claimName").and_then(Value::as_str).unwrap_or_default();
        if !self.materials.claims.contains(claim) {
            return Err(unsupported(format!("persistentvolumeclaim \"{claim}\" not found")));
        }
        Ok(format!("{}/{}", claims_folder(&self.run.name.namespace)?, checked_name(claim)?))
    }
    /// Returns the files of a ConfigMap, a Secret or the pod's fields.
    fn source(
        &self,
        container: &Container,
        volume: &str,
        (kind, source): (&str, &Value),
        mode: u64,
    ) -> Result<Files, BackendError> {
        let fault =
            |why: String| unsupported(format!("MountVolume.SetUp failed for volume \"{volume}\" : {why}"));
        let text = |field: &str| source.get(field).and_then(Value::as_str);
        let optional = source.get("optional").and_then(Value::as_bool) == Some(true);
        let (word, keys) = match kind {
            "configMap" => {
                let found = self.materials.config_maps.get(text("name").unwrap_or_default());
                let copied = found.map(|keys| {
                    keys.iter()
                        .map(|(k, v)| (k.clone(), Zeroizing::new(v.clone())))
                        .collect::<BTreeMap<_, _>>()
                });
                ("configmap", copied)
            }
            "secret" => {
                let name = text("secretName").or_else(|| text("name")).unwrap_or_default();
                ("secret", self.materials.secrets.get(name).cloned())
            }
            "downwardAPI" => return self.fields(container, source, mode).map_err(fault),
            other => return Err(fault(format!("a `{other}` is not to be had on one machine"))),
        };
        let Some(keys) = keys else {
            let name = text("secretName").or_else(|| text("name")).unwrap_or_default();
            return if optional {
                Ok(Files::new())
            } else {
                Err(fault(format!("{word} \"{name}\" not found")))
            };
        };
        let Some(items) = source.get("items").and_then(Value::as_array).filter(|items| !items.is_empty())
        else {
            return Ok(keys.into_iter().map(|(key, bytes)| (key, (bits(mode), bytes))).collect());
        };
        let mut files = Files::new();
        for item in items {
            let key = item.get("key").and_then(Value::as_str).unwrap_or_default();
            let (path, mode) = item_place(item, mode).map_err(fault)?;
            match keys.get(key) {
                Some(bytes) => drop(files.insert(path, (mode, bytes.clone()))),
                None if optional => {}
                None => return Err(fault(format!("references non-existent {word} key: {key}"))),
            }
        }
        Ok(files)
    }
    fn fields(&self, container: &Container, source: &Value, mode: u64) -> Result<Files, String> {
        let mut files = Files::new();
        for item in source.get("items").and_then(Value::as_array).into_iter().flatten() {
            let (path, mode) = item_place(item, mode)?;
            let of = |part: &str, field: &str| item.get(part)?.get(field)?.as_str();
            let text = match (of("fieldRef", "fieldPath"), of("resourceFieldRef", "resource")) {
                (Some(name), _) => field(self.run, self.pod, name)?,
                (None, Some(name)) => resource(container, name, of("resourceFieldRef", "divisor"))?,
                (None, None) => return Err("an item names no field".to_owned()),
            };
            files.insert(path, (mode, Zeroizing::new(text.into_bytes())));
        }
        Ok(files)
    }
}

/// Returns the folder of a namespace's claims, relative to the backend's.
///
/// # Errors
/// [`BackendError::BadName`].
pub(crate) fn claims_folder(namespace: &str) -> Result<String, BackendError> {
    Ok(format!("volumes/{}", checked_name(namespace)?))
}

fn kind_of(volume: &Volume) -> Option<(&str, &Value)> {
    volume.source.iter().next().map(|(kind, source)| (kind.as_str(), source))
}

fn item_place(item: &Value, mode: u64) -> Result<(String, u32), String> {
    let path = item.get("path").and_then(Value::as_str).unwrap_or_default();
    if let Some(fault) = inner_path_fault(path) {
        return Err(format!("the path `{path}` of an item {fault}"));
    }
    let mode = item.get("mode").and_then(Value::as_u64).unwrap_or(mode);
    Ok((path.to_owned(), bits(mode)))
}

fn bits(mode: u64) -> u32 {
    u32::try_from(mode & 0o777).unwrap_or(0o644)
}

/// Returns where a volume's file is seen, if the mounted part has it.
fn below(mount: &str, sub_path: &str, name: &str) -> Option<String> {
    if sub_path.is_empty() {
        return Some(format!("{mount}/{name}"));
    }
    let rest = name.strip_prefix(sub_path)?;
    (rest.is_empty() || rest.starts_with('/')).then(|| format!("{mount}{rest}"))
}

/// Returns why a path can't be one inside a volume.
fn inner_path_fault(path: &str) -> Option<&'static str> {
    if path.starts_with('/') {
        return Some("is absolute");
    }
    pod_path_fault(&format!("/{path}"))
}

/// Returns why a path can't be where a volume is mounted: it must not be one the sandbox itself is made of.
fn mount_fault(path: &str) -> Option<&'static str> {
    if path.split('/').skip(1).any(|part| part.is_empty() || part == ".") {
        return Some("has an empty part or a `.`");
    }
    let is_at_or_below =
        |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let own = ["/.old", "/proc", "/dev", "/run/marque", "/argo"].into_iter().any(is_at_or_below);
    if own && !is_at_or_below("/dev/shm") {
        return Some("is a place that every pod needs itself");
    }
    pod_path_fault(path)
}
