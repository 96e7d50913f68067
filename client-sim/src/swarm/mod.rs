//! x
mod clock;
mod metrics_text;
mod random;
mod server_figures;
mod summary;
mod threshold;
