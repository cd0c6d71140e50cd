//! What the supervisor is told of a pod and nobody else may see: commands and environments, which may hold values of
//! Secrets, the files of its Secrets, and what is masked. It is handed over in an anonymous file of memory that only the
//! two have open.
//! Not here: the rest of what the supervisor is told (`spec`).
//! Invariant: nothing of this is written to a disk or into a `Debug` form.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek, Write},
    os::fd::{AsFd, OwnedFd},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustix::fs::{MemfdFlags, memfd_create};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    environment::Variables,
    limits::SPEC_BYTES,
    mask::Masker,
    probe::Probe,
    spec::{pairs, text, texts},
};

/// Values that are masked wherever the pod writes them.
pub(crate) type Masks = Vec<Zeroizing<Vec<u8>>>;

/// What nobody else may see.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Private {
    /// What each container runs, in the order of the specification.
    pub(crate) commands: Vec<PrivateCommand>,
    /// The values of Secrets.
    pub(crate) masks: Masks,
}

/// What a container runs, and the files that are made for it alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct PrivateCommand {
    /// Program and arguments.
    pub(crate) argv: Vec<String>,
    /// The whole environment.
    pub(crate) env: Variables,
    /// The files of ConfigMaps and Secrets it mounts.
    pub(crate) files: Vec<PrivateFile>,
    /// What must pass before it counts as ready.
    pub(crate) probes: Vec<Probe>,
}

/// A file of a ConfigMap or Secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PrivateFile {
    /// Where in the pod.
    pub(crate) path: String,
    /// Its mode.
    pub(crate) mode: u32,
    /// Its bytes.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Private(…)")
    }
}

impl fmt::Debug for PrivateCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateCommand(…)")
    }
}

impl Drop for PrivateCommand {
    fn drop(&mut self) {
        self.argv.zeroize();
        self.env.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

impl Private {
    /// Returns a file of memory that holds it.
    pub(crate) fn to_file(&self) -> io::Result<OwnedFd> {
        let mut file = File::from(memfd_create("pod", MemfdFlags::CLOEXEC)?);
        let mut value = json!({
            "commands": self.commands.iter().map(PrivateCommand::to_json).collect::<Vec<_>>(),
            "masks": self.masks.iter().map(|mask| STANDARD.encode(mask.as_slice())).collect::<Vec<_>>(),
        });
        let text = Zeroizing::new(serde_json::to_vec(&value)?);
        scrub(&mut value);
        file.write_all(&text)?;
        file.rewind()?;
        Ok(file.into())
    }
    /// Reads it from a file of memory, which is emptied.
    ///
    /// # Errors
    /// Also if the file holds something else.
    pub(crate) fn from_file(file: impl AsFd) -> io::Result<Self> {
        let mut file = File::from(file.as_fd().try_clone_to_owned()?);
        let mut text = Zeroizing::new(Vec::with_capacity(file.metadata()?.len().try_into().unwrap_or(0)));
        (&mut file).take(SPEC_BYTES).read_to_end(&mut text)?;
        let mut value: Value = serde_json::from_slice(&text)?;
        let read = Self::from_json(&value);
        scrub(&mut value);
        file.set_len(0)?;
        read.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
    /// Returns `text` without the values of Secrets.
    pub(crate) fn masked(&self, text: &str) -> String {
        Masker::new(self.masks.clone()).mask_text(text.to_owned())
    }
    fn from_json(value: &Value) -> Option<Self> {
        let map = value.as_object()?;
        let list = |key: &str| Some(map.get(key)?.as_array()?.iter());
        Some(Self {
            commands: list("commands")?
                .map(|value| PrivateCommand::from_json(value.as_object()?))
                .collect::<Option<_>>()?,
            masks: list("masks")?.map(|value| bytes(value.as_str()?)).collect::<Option<_>>()?,
        })
    }
}

impl PrivateCommand {
    fn to_json(&self) -> Value {
        let file = |file: &PrivateFile| json!({"path": file.path, "mode": file.mode, "bytes": STANDARD.encode(file.bytes.as_slice())});
        json!({
            "argv": self.argv,
            "env": self.env,
            "files": self.files.iter().map(file).collect::<Vec<_>>(),
            "probes": self.probes,
        })
    }
    fn from_json(map: &Map<String, Value>) -> Option<Self> {
        let file = |value: &Value| {
            let map = value.as_object()?;
            let mode = u32::try_from(map.get("mode")?.as_u64()?).ok()?;
            Some(PrivateFile { path: text(map, "path")?, mode, bytes: bytes(map.get("bytes")?.as_str()?)? })
        };
        Some(Self {
            argv: texts(map.get("argv")?)?,
            env: pairs(map.get("env")?)?,
            files: map.get("files")?.as_array()?.iter().map(file).collect::<Option<_>>()?,
            probes: Vec::deserialize(map.get("probes")?).ok()?,
        })
    }
}

fn bytes(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(text).ok().map(Zeroizing::new)
}

/// Overwrites every text of a value.
pub(crate) fn scrub(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::Object(fields) => fields.values_mut().for_each(scrub),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::{Private, PrivateCommand, PrivateFile};

    #[test]
    fn it_is_read_once_and_then_gone() {
        let bytes = Zeroizing::new(b"hunter2hunter2".to_vec());
        let command = PrivateCommand {
            argv: vec!["sh".to_owned(), "hunter2hunter2".to_owned()],
            env: vec![("A".to_owned(), "hunter2hunter2".to_owned())],
            files: vec![PrivateFile { path: "/etc/key".to_owned(), mode: 0o400, bytes }],
            probes: Vec::new(),
        };
        let private = Private { commands: vec![command], masks: vec![Zeroizing::new(vec![0, 255, 7])] };
        let file = private.to_file().unwrap();
        assert_eq!(Private::from_file(&file).unwrap(), private);
        assert!(Private::from_file(&file).is_err());
        assert!(!format!("{private:?} {:?}", private.commands).contains("hunter2"));
    }
}
