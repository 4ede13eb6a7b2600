//! The history: what every thing said over time, on disk, within bounds.

mod bytes;
mod column;
mod part;
mod points;
mod rows;
mod rules;
mod shape;
