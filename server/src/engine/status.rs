use core::net::SocketAddr;
use std::time::Duration;
use tidelock::{ClientId, Tick};

/// One client, for people to look at.
#[derive(Clone, Debug)]
pub struct ClientStatus {
    /// By which its backend knows it.
    pub client_id: ClientId,
    /// Where it is.
    pub address: SocketAddr,
    /// The smoothed round-trip time, once measured.
    pub rtt: Option<Duration>,
    /// Of the datagrams sent to it, how many were lost, in percent.
    pub loss_down_pct: f32,
    /// Of the datagrams it sent, how many were lost, in percent.
    pub loss_up_pct: f32,
    /// How many ticks before their use its inputs arrive, as last reported to it.
    pub input_lead_ticks: Option<f32>,
    /// When it joined; `None` before that.
    pub joined_tick: Option<Tick>,
    /// What it may be sent now, in bytes a second of UDP payload: what its link takes, up to what is configured.
    pub rate_bytes_s: u32,
    /// UDP payload sent to it.
    pub sent_bytes: u64,
    /// Streams of entities that it sees.
    pub visible: usize,
}
