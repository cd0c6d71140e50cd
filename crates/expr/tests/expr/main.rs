//! The public surface of `expr`: recorded cases, laws and limits.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod golden;
mod hostile;
#[cfg(test)]
mod lang_laws;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod tags;
