//! An object with the places of its values.

use crate::{
    fault::{Fault, Place},
    yaml::Places,
};

/// A typed object with the place of its first line and places of inner paths.
#[derive(Debug, Clone)]
pub struct Written<T> {
    /// The object.
    pub object: T,
    /// Where it begins.
    pub place: Option<Place>,
    places: Places,
    /// What is wrong in it and is accepted all the same: fields that nobody reads.
    pub(super) overlooked: Vec<Fault>,
}

impl<T> Written<T> {
    /// Returns `object`, whose values are written at `places`.
    pub fn new(object: T, places: Places) -> Self {
        Self { object, place: places.start(), places, overlooked: Vec::new() }
    }
    /// Returns `object` as something that is written nowhere.
    pub fn nowhere(object: T) -> Self {
        Self::new(object, Places::default())
    }
    /// Returns where the value at `path` (`spec.components[0].traits[1]`) is written, or else the nearest
    /// value around it that is written.
    pub fn place_of(&self, path: &str) -> Option<Place> {
        self.places.nearest(path)
    }
    /// Returns the places of the object's values.
    pub fn places(&self) -> &Places {
        &self.places
    }
    /// Returns the object that `change` makes of this one, at the same places.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Written<U> {
        let Self { object, place, places, overlooked } = self;
        Written { object: change(object), place, places, overlooked }
    }
}
