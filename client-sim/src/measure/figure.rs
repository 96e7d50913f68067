/// What is measured many times and told as a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Round trips.
    Rtt,
    /// From the moment a tick was due at the server to the receipt of its snapshot.
    Age,
    /// From the moment an input was due to the receipt of the first snapshot with its effect.
    Effect,
    /// How late clients were served.
    Lag,
    /// From the start of a client to its admission.
    Connect,
    /// From the start of a client to its first complete view.
    Join,
    /// Each client's estimate of its jitter.
    Jitter,
    /// How far predictions were off.
    Prediction,
    /// How far behind the newest tick things are shown.
    Delay,
    /// How far from the truth things were shown.
    Display,
    /// How far the server's clock is believed to be from ours.
    Offset,
    /// How much faster or slower it is believed to run.
    Drift,
    /// How unevenly snapshots arrive.
    ClockJitter,
}

impl Figure {
    /// How many there are.
    pub const COUNT: usize = 13;
    /// How many of them, the first ones, are also kept for each second.
    pub const LIVE: usize = 4;
    /// All of them.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Rtt,
        Self::Age,
        Self::Effect,
        Self::Lag,
        Self::Connect,
        Self::Join,
        Self::Jitter,
        Self::Prediction,
        Self::Delay,
        Self::Display,
        Self::Offset,
        Self::Drift,
        Self::ClockJitter,
    ];

    /// Its name where it is told exactly, with the unit of its histogram, of which the summary's unit has a thousand.
    #[must_use]
    pub const fn exact_name(self) -> &'static str {
        match self {
            Self::Rtt => "rtt_us",
            Self::Age => "snapshot_age_us",
            Self::Effect => "input_to_effect_us",
            Self::Lag => "schedule_lag_us",
            Self::Connect => "connect_us",
            Self::Join => "join_us",
            Self::Jitter => "jitter_us",
            Self::Prediction => "prediction_error_mm",
            Self::Delay => "interpolation_delay_us",
            Self::Display => "interpolation_error_mm",
            Self::Offset => "clock_offset_error_us",
            Self::Drift => "clock_drift_ppb",
            Self::ClockJitter => "clock_jitter_us",
        }
    }
}
