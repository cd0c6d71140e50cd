//! The Open Application Model's objects as they are written (spec v0.3.0), and Marque's scope and policy.
//! Not here: what they mean together (see `catalog`).

mod application;
mod definition;
mod policy;
mod scope;
mod subject;
mod traits;
mod viewers;

pub use application::*;
pub use definition::*;
pub use policy::*;
pub use scope::*;
pub use subject::{Subject, SubjectError};
pub use traits::*;
pub use viewers::Viewers;

/// The API version of OAM's objects.
pub const CORE_API_VERSION: &str = "core.oam.dev/v1beta1";
/// The API version of Marque's own objects.
pub const MARQUE_API_VERSION: &str = "marque.dev/v1alpha1";
