//! The limits an image and a container meet, by name and unit.
//! Not here: limits of pods (`backend::limits`).

use std::time::Duration;

/// The most bytes of an image's manifest, index or configuration.
pub const DOCUMENT_BYTES: u64 = 4 * 1024 * 1024;
/// The most layers of an image.
pub const LAYERS: usize = 256;
/// The most bytes of an image, unpacked, its layers together.
pub const IMAGE_BYTES: u64 = 32 * 1024 * 1024 * 1024;
/// The most entries of an image, its layers together.
pub const IMAGE_ENTRIES: u64 = 2_000_000;
/// The most bytes brought out of a container for one path.
pub const OUTPUT_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// The most entries brought out of a container for one path.
pub const OUTPUT_ENTRIES: u64 = 100_000;
/// The deepest path in an image or output, in folders.
pub const PATH_DEPTH: usize = 128;
/// The most symbolic links followed to find an output.
pub const LINKS: usize = 8;
/// The most processes and threads of a container that asks for no limit of its own.
pub const PROCESSES: i64 = 2048;
/// The most open files of a process of a runtime's container.
pub const OPEN_FILES: u64 = 65_536;
/// The most bytes of a file that says who is who in a container (`/etc/passwd`, `/etc/group`).
pub const ACCOUNTS_BYTES: u64 = 1024 * 1024;
/// How long one question to an engine may take; waiting for a container's end is asked again and again.
pub const ENGINE_SECONDS: u64 = 120;
/// How long an engine may be away before a running container counts as lost.
pub const ENGINE_AWAY: Duration = Duration::from_secs(60);
/// How long the log of a container that has ended may go on.
pub const LOG_REST: Duration = Duration::from_secs(10);
/// How long a registry may be silent.
pub const REGISTRY_SILENCE: Duration = Duration::from_secs(60);
/// How long until an engine is asked again whether the container whose network is shared runs.
pub const OWNER_LOOK: Duration = Duration::from_millis(20);
