//! Reading the configuration: the file, then the variables over it.

use std::path::{Path, PathBuf};

use model::{Code, Fault, yaml};

use super::{Config, Isolation};
use crate::ServerError;

/// A setting that does not make sense.
pub(super) const BAD_SETTING: Code = Code("SRV0002");
/// The largest configuration file, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 1024 * 1024;

impl Config {
    /// Reads the configuration: from the file if there is one, then from those of `variables` that are settings:
    /// `MARQUE_LISTEN`, `MARQUE_ISSUER`, `MARQUE_DATA`, `MARQUE_ISOLATION`, `MARQUE_PARALLEL_PODS`,
    /// `MARQUE_MANAGED_NAMESPACE`. Others are not looked at.
    ///
    /// # Errors
    /// [`ServerError::ConfigUnreadable`], [`ServerError::BadConfig`] with every fault and its place.
    pub fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ServerError> {
        let mut config = file.map_or_else(|| Ok(Self::default()), Self::read)?;
        let mut faults = Vec::new();
        for (name, value) in variables {
            if let Some(problem) = config.set(&name, &value) {
                let shown: String = value.chars().take(64).collect();
                let message = format!("`{name}` cannot be `{}`: {problem}", shown.escape_debug());
                faults.push(Fault::new(BAD_SETTING, message));
            }
        }
        if faults.is_empty() { Ok(config) } else { Err(ServerError::BadConfig(faults)) }
    }

    fn read(path: &Path) -> Result<Self, ServerError> {
        let text = read_text(path)?;
        let mut config = Self::parse(&path.display().to_string(), &text).map_err(ServerError::BadConfig)?;
        config.anchor(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// Reads a configuration from its text; `file` is its name in faults. Paths stay as they are written.
    ///
    /// # Errors
    /// Every fault, with its place.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Fault>> {
        let documents = yaml::parse(file, text)?;
        let mut documents = documents.into_iter().filter(|document| !document.is_empty());
        let Some(document) = documents.next() else { return Ok(Self::default()) };
        if documents.next().is_some() {
            return Err(vec![Fault::new(BAD_SETTING, format!("`{file}` holds more than one document"))]);
        }
        let config: Self = yaml::decode(&document)?;
        let faults = config.faults(&document.places());
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }

    /// Makes relative paths relative to `folder`.
    fn anchor(&mut self, folder: &Path) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // where the server's own folder cannot be told, paths stay relative to it
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let anchor = |path: &mut PathBuf| *path = folder.join(&*path);
        anchor(&mut self.data);
        if let Some(directory) = &mut self.local_directory {
            anchor(&mut directory.file);
        }
        self.executor_plugins.iter_mut().filter_map(|plugin| plugin.token_file.as_mut()).for_each(anchor);
        self.artifact_drivers.iter_mut().for_each(|driver| anchor(&mut driver.socket));
        self.containers.credentials.iter_mut().for_each(anchor);
        self.containers.layouts.iter_mut().for_each(anchor);
        self.mounts.iter_mut().for_each(|mount| anchor(&mut mount.host));
    }

    /// Sets what a variable sets; returns what is wrong with its value.
    fn set(&mut self, name: &str, value: &str) -> Option<String> {
        match name {
            "MARQUE_LISTEN" => match value.parse() {
                Ok(listen) => self.listen = listen,
                Err(_) => return Some("it is not an address and a port".to_owned()),
            },
            "MARQUE_ISSUER" => self.issuer = Some(value.to_owned()),
            "MARQUE_DATA" => self.data = PathBuf::from(value),
            "MARQUE_ISOLATION" => match value {
                "namespaces" => self.isolation = Isolation::Namespaces,
                "containers" => self.isolation = Isolation::Containers,
                "none" => self.isolation = Isolation::None,
                _ => return Some("it is `namespaces`, `containers` or `none`".to_owned()),
            },
            "MARQUE_PARALLEL_PODS" => match value.parse() {
                Ok(pods) => self.parallel_pods = pods,
                Err(_) => return Some("it is not a number".to_owned()),
            },
            "MARQUE_MANAGED_NAMESPACE" => self.managed_namespace = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}

/// Returns the text of a file of settings.
///
/// # Errors
/// [`ServerError::ConfigUnreadable`], also if it is larger than a file of settings can be.
pub(crate) fn read_text(path: &Path) -> Result<String, ServerError> {
    let failed = |source| ServerError::ConfigUnreadable { path: path.to_owned(), source };
    let about = std::fs::metadata(path).map_err(failed)?;
    if about.len() > MAX_FILE_BYTES {
        return Err(failed(std::io::Error::other(format!("it is larger than {MAX_FILE_BYTES} bytes"))));
    }
    std::fs::read_to_string(path).map_err(failed)
}
