//! Archives made and unfolded: what must come back, what must not come out, what must end.
//! Not here: where artifacts lie.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod law;
#[cfg(test)]
mod shapes;
