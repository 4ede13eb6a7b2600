//! `thingsbus-broker` as a program: its command line, its addresses, its signals.

mod addresses;
mod command_line;
mod signals;
