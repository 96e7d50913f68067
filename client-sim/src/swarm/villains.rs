use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tidelock::Instant;
use tidelock::netcode::ConnectToken;

use super::villain::Villain;
use super::worker::{News, Order, Plan};
use super::{SwarmError, clock};
use crate::link::Rng;
use crate::measure::Mood;
use crate::measure::summary::Hostile;

/// The thread of all clients that attack the server.
pub(super) struct Villains {
    orders: Sender<Order>,
    thread: JoinHandle<Hostile>,
}

/// What goes on in it.
struct Gang {
    plan: Plan,
    orders: Receiver<Order>,
    news: Sender<News>,
    villains: BTreeMap<u32, Villain>,
    /// Of those that are gone.
    deeds: Hostile,
    /// When those who want tokens next ask for them.
    asks_at: Instant,
    ends_at: Instant,
}

impl Villains {
    pub(super) fn hire(plan: &Plan, news: Sender<News>) -> Result<Self, SwarmError> {
        let (orders, inbox) = channel();
        let gang = Gang {
            plan: plan.clone(),
            orders: inbox,
            news,
            villains: BTreeMap::new(),
            deeds: Hostile::default(),
            asks_at: plan.started_at,
            ends_at: plan.window_end,
        };
        let builder = std::thread::Builder::new().name("tidelock-hostile".to_owned());
        let thread = builder.spawn(move || gang.run()).map_err(SwarmError::system("starting a thread"))?;
        Ok(Self { orders, thread })
    }

    /// A thread that has ended needs no orders.
    pub(super) fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }

    /// Waits for its end.
    pub(super) fn join(self) -> Hostile {
        // The panic has been printed; there is nothing to add.
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Gang {
    const ROUND: Duration = Duration::from_micros(1_000_000 / Villain::STEPS_HZ);
    /// Those who want tokens ask for them this often.
    const ASKING: Duration = Duration::from_secs(1);

    fn run(mut self) -> Hostile {
        let mut round = clock::now();
        while round < self.ends_at {
            self.take_orders(round);
            self.villains.values_mut().for_each(|villain| villain.step(round));
            self.ask(round);
            clock::sleep_until(round + Self::ROUND);
            // What was missed is not made up for: it would be a flood of another kind.
            round = clock::now();
        }
        let all: Vec<u32> = self.villains.keys().copied().collect();
        all.into_iter().for_each(|client| self.end(client, round));
        self.deeds
    }

    fn take_orders(&mut self, now: Instant) {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Start { client, token, .. }) => self.start(client, *token),
                Ok(Order::Leave { client }) => self.end(client, now),
                Ok(Order::Resume { client, token }) => {
                    self.villains.get_mut(&client).into_iter().for_each(|villain| villain.give((*token).clone()));
                }
                Ok(Order::Stop { at }) => self.ends_at = self.ends_at.min(at),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    fn start(&mut self, client: u32, token: ConnectToken) {
        let seed = Rng::stream(self.plan.seed, u64::from(client) * 4).next_u64();
        // For want of sockets there is one less: what it would have done, nobody counts.
        if let Ok(villain) = Villain::new(client, token, &self.plan.schema, seed) {
            self.villains.insert(client, villain);
        }
    }

    fn end(&mut self, client: u32, now: Instant) {
        if let Some(mut villain) = self.villains.remove(&client) {
            villain.end(now);
            self.deeds.add(&villain.deeds());
        }
    }

    /// Once a second: for tokens, and to be seen.
    fn ask(&mut self, now: Instant) {
        if now < self.asks_at {
            return;
        }
        self.asks_at = now + Self::ASKING;
        for (client, villain) in &self.villains {
            if villain.wants_token() {
                // A main thread that has ended hands out no tokens any more.
                let _ = self.news.send(News::Lost { client: *client });
            }
        }
        let moods = self.villains.keys().map(|client| (*client, Mood::Hostile)).collect();
        let _ = self.news.send(News::Moods(moods));
    }
}
