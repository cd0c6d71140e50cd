//! The limits a pod meets, by name and unit.
//! Not here: limits of manifests (`model::limits`).

/// The most bytes of a pod's log, framing included; later lines are dropped and one line says so.
pub const LOG_BYTES: u64 = 64 * 1024 * 1024;
/// The longest line of a log in bytes; a longer one is split.
pub const LOG_LINE_BYTES: usize = 64 * 1024;
/// The most bytes of a log returned by one reading.
pub const LOG_READ_BYTES: u64 = 1024 * 1024;
/// The most bytes of standard output kept as the result, counted from its end (Argo `workflow/executor`).
pub const RESULT_BYTES: usize = 256 * 1024;
/// The most bytes of one output parameter.
pub const PARAMETER_BYTES: u64 = 256 * 1024;
/// The most bytes of one output artifact, its files together.
pub const ARTIFACT_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// The most files and folders of one artifact.
pub const ARTIFACT_ENTRIES: u32 = 100_000;
/// The deepest folder of an artifact.
pub const ARTIFACT_DEPTH: u32 = 64;
/// The most containers of a pod.
pub const POD_CONTAINERS: usize = 64;
/// The most daemons of a run that live at once.
pub const RUN_DAEMONS: usize = 256;
/// The longest path of an artifact or parameter in bytes.
pub const PATH_BYTES: usize = 4096;
/// The longest node id in bytes: a folder's name.
pub const NODE_ID_BYTES: usize = 255;
/// The most bytes of a pod's specification on disk.
pub const SPEC_BYTES: u64 = 16 * 1024 * 1024;
/// The most bytes of a run token.
pub const TOKEN_BYTES: u64 = 64 * 1024;
/// The most bytes of a secret that is looked for as a whole in what a pod writes; of a longer one only its lines are.
pub const MASKED_BYTES: usize = 16 * 1024;
/// The most lines of one secret that are looked for.
pub const MASKED_LINES: usize = 1024;
/// Milliseconds between TERM and KILL.
pub const KILL_GRACE_MS: u64 = 10_000;
/// Milliseconds a sandbox may take to be built.
pub const SANDBOX_BUILD_MS: u64 = 20_000;
/// The most bytes of a sandboxed pod's own file system (memory backed).
pub const SANDBOX_ROOT_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// The most files of a sandboxed pod's own file system.
pub const SANDBOX_ROOT_FILES: u64 = 262_144;
/// The most processes and threads of a sandboxed pod.
pub const SANDBOX_PROCESSES: u64 = 2048;
/// The most open files of a sandboxed pod's process.
pub const SANDBOX_OPEN_FILES: u64 = 65_536;
/// The user and group id a sandboxed pod sees as its own.
pub const SANDBOX_UID: u32 = 1000;
/// The first of the user ids that a server running as root lends to pods, one each; above every range that
/// distributions and container engines hand out (systemd `docs/UIDS-GIDS.md`).
pub const POD_UID_BASE: u32 = 0x7000_0000;
/// How many user ids are lent.
pub const POD_UID_COUNT: u32 = 0x00ff_ffff;
