//! How a run goes, on a terminal: figures with their last minutes, and a strip of clients. Pure: what is drawn is drawn into a buffer.

mod draw;
mod screen;

#[cfg(test)]
mod tests;

pub use draw::draw;
pub use screen::Screen;
