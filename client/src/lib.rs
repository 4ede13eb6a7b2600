//! Hear what sensors say.
pub mod directory;
