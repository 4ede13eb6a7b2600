//! Hear what sensors say.
pub mod directory;
pub mod mirror;
