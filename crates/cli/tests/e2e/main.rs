//! End-to-end tests: the binary, real peers, real processes. One program, so that it is linked once.
//! Not here: what each room promises by itself.

#[cfg(test)]
mod backfill;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod ceiling;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod expectations;
#[cfg(test)]
mod gates;
#[cfg(test)]
mod hera;
#[cfg(test)]
mod kill9;
#[cfg(test)]
mod live;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod story;
#[cfg(test)]
mod support;
