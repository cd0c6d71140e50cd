//! Who may do what in `examples/payroll`, printed whole: the people of its directory, the files as they are shipped.
//! Not here: corner cases (the small world of the crate's own tests).

#[cfg(test)]
mod payroll;
