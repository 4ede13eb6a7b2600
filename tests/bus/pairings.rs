//! Our libraries and the unmodified thingsbus 0.2.1, in every pairing: adaptor, broker and client of either kind.

mod replaced;
mod same;
mod snapshots;
