//! Say what a sensor measured.
pub mod wire;
