//! Recorded state, tick by tick: what the codec is trained and measured on.

use tidelock::state::{Audience, Schema, StreamLayout, Version};

/// The versions of many streams of one layout over time.
#[derive(Debug)]
pub struct Corpus {
    /// For tables.
    pub name: &'static str,
    schema: Schema,
    audience: Audience,
    /// Ticks in a second.
    pub tick_hz: u32,
    /// For each stream, by ascending tick, the ticks in which it changed, with its state from then on.
    pub streams: Vec<Vec<(u32, Version)>>,
}

impl Corpus {
    /// Nothing recorded yet.
    #[must_use]
    pub const fn new(name: &'static str, schema: Schema, audience: Audience, tick_hz: u32) -> Self {
        Self { name, schema, audience, tick_hz, streams: Vec::new() }
    }

    /// The layout of its streams.
    #[must_use]
    pub fn layout(&self) -> &StreamLayout {
        self.schema.stream(self.audience)
    }

    /// Notes the state of a stream at a tick later than all before.
    pub fn record(&mut self, stream: usize, tick: u32, version: &Version) {
        if self.streams.len() <= stream {
            self.streams.resize_with(stream + 1, Vec::new);
        }
        let versions = &mut self.streams[stream];
        if versions.last().is_none_or(|(_, last)| last != version) {
            versions.push((tick, version.clone()));
        }
    }

    /// The state of a stream at a tick, if it was there already.
    #[must_use]
    pub fn at(&self, stream: usize, tick: u32) -> Option<&Version> {
        let versions = &self.streams[stream];
        let after = versions.partition_point(|(at, _)| *at <= tick);
        after.checked_sub(1).map(|index| &versions[index].1)
    }

    /// How often a stream changed.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.streams.iter().map(|versions| versions.len().saturating_sub(1)).sum()
    }
}
