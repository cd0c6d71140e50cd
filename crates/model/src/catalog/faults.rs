//! The codes of what can be wrong between objects.

use crate::fault::Code;

/// Two objects of one kind have one name.
pub const DEFINED_TWICE: Code = Code("MDL0401");
/// Something refers to an object that does not exist.
pub const UNKNOWN_REFERENCE: Code = Code("MDL0402");
/// A component's properties, or a parameter's value, do not fit what is asked for.
pub const BAD_PROPERTIES: Code = Code("MDL0403");
/// A trait does not fit its component or another trait.
pub const BAD_TRAIT: Code = Code("MDL0404");
/// The scopes do not form trees, or a component is in two of one kind.
pub const BAD_SCOPE: Code = Code("MDL0405");
/// A trait asks for more than a scope allows.
pub const ABOVE_CEILING: Code = Code("MDL0406");
/// A gate that could not hold what it promises.
pub const BAD_GATE: Code = Code("MDL0407");
/// An access rule that is not understood, or could never fire.
pub const BAD_RULE: Code = Code("MDL0408");
/// A WorkflowTemplate belongs to two components.
pub const BOUND_TWICE: Code = Code("MDL0409");
/// Something that is understood but not carried out here.
pub const NOT_CARRIED_OUT: Code = Code("MDL0410");
/// A definition that nothing can be made of.
pub const BAD_DEFINITION: Code = Code("MDL0411");
/// A duration that is none.
pub const BAD_DURATION: Code = Code("MDL0412");
