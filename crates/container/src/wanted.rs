//! What container is wanted. Not here: where it comes from (templates), who runs it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Settings;

/// A container that is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Its name, unique on the machine, and its label: letters, digits and `-`.
    pub name: String,
    /// The image, as written.
    pub image: String,
    /// When the image is pulled.
    pub pull: Pull,
    /// The program and its first arguments; the image's entry point when absent.
    pub command: Option<Vec<String>>,
    /// Further arguments; the image's when there are none and no command.
    pub args: Vec<String>,
    /// Environment variables on top of the image's.
    pub env: Vec<(String, String)>,
    /// The working directory; the image's when empty.
    pub working_dir: String,
    /// User, or user and group with a colon; the image's when empty.
    pub user: String,
    /// The host name.
    pub host_name: String,
    /// Whether the container's own file system can only be read.
    pub read_only: bool,
    /// Folders and files of this machine, outer ones first.
    pub binds: Vec<Bind>,
    /// What it may use.
    pub limits: Limits,
    /// Whose network it shares: a container's name for an engine, the file of a network namespace for a runtime.
    pub network_of: Option<String>,
    /// The engine's network that it is in instead of the usual one; it is made if it is not there.
    pub network: Option<String>,
    /// What has to hold before it can be used, in the words of whoever opens the stage; without it nobody asks.
    pub probes: Option<Value>,
    /// Paths to bring out after its end.
    pub outputs: Vec<String>,
}

/// When an image is pulled. Source: Kubernetes "Image pull policy".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pull {
    /// As Kubernetes does when nothing is said: always for `latest`, else if it is not there; but what is there is used
    /// when the registry can't be reached.
    #[default]
    Default,
    /// Always.
    Always,
    /// If it is not there.
    IfNotPresent,
    /// Never.
    Never,
}

impl Pull {
    /// Returns the policy so called; `None` if there is none.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "" => Self::Default,
            "Always" => Self::Always,
            "IfNotPresent" => Self::IfNotPresent,
            "Never" => Self::Never,
            _ => return None,
        })
    }
}

/// A folder or file of this machine that a container sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// On this machine.
    pub host: String,
    /// In the container.
    pub path: String,
    /// Whether the container may write.
    pub writable: bool,
}

/// What a container may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// Thousandths of a processor.
    pub cpu_milli: Option<u64>,
}

/// What a stage is told first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The container.
    pub wanted: Wanted,
    /// How containers are run here.
    pub settings: Settings,
    /// A folder of the container's own. Its files are in `rootfs` in it: an engine's the outputs, a runtime's all.
    pub folder: PathBuf,
}

/// Returns thousandths of what a Kubernetes quantity says; `None` if it is none, or too large.
/// Source: apimachinery `resource.Quantity`.
pub fn quantity_milli(text: &str) -> Option<u64> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(at);
    let factor: f64 = match suffix {
        "m" => 1.0,
        "" => 1e3,
        "k" => 1e6,
        "M" => 1e9,
        "G" => 1e12,
        "T" => 1e15,
        "Ki" => 1024.0 * 1e3,
        "Mi" => 1024.0 * 1024.0 * 1e3,
        "Gi" => 1024.0 * 1024.0 * 1024.0 * 1e3,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1e3,
        exponent => {
            10_f64.powi(exponent.strip_prefix(['e', 'E'])?.parse::<i32>().ok().filter(|e| *e < 16)?) * 1e3
        }
    };
    let value = number.parse::<f64>().ok()? * factor;
    let exact = format!("{:.0}", value.ceil());
    (value.is_finite() && value < 1e19).then(|| exact.parse().ok()).flatten()
}
