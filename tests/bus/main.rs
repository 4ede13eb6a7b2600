
mod simulated;
