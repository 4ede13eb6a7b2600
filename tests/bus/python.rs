//! The unmodified thingsbus 0.2.1 and plain pyzmq against our broker.
//!
//! The scripts are in the folder of this module's name; each does one thing, and what it is given comes from here.

mod compare;
mod inputs;
mod plain;
mod snapshots;
