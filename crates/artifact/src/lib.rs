//! Artifacts on their way in and out: packed as Argo packs them, and unpacked without trusting what is inside.
//! Not here: which artifact goes where (`engine`), pods (`backend`), whether anybody may see it (`policy`).
//! Invariant: unpacking writes below its target only, follows no link, and ends within its [`Limits`].

mod error;
mod limits;
mod name;
mod pack;
mod unpack;

pub use error::ArtifactError;
pub use limits::{
    ARCHIVE_DEPTH, ARCHIVE_ENTRIES, ARCHIVE_NAME_BYTES, Limits, UNPACKED_BYTES, ZIP_INDEX_BYTES,
};
pub use pack::{pack, stored_name};
pub use unpack::{is_tarball, unpack};
