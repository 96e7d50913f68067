use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use nix::sys::eventfd::EventFd;

use super::SwarmError;
use super::poller::Poller;
use super::villains::Villains;
use super::worker::{News, Order, Plan, Worker, WorkerReport};
use crate::bots::Cast;
use crate::measure::summary::Hostile;

/// The threads that run clients.
pub(super) struct Crew {
    hands: Vec<Hand>,
    /// If there are any.
    villains: Option<Villains>,
    /// Which clients those are.
    cast: Cast,
    /// Of so many clients in a row, this process has one.
    stride: u32,
}

/// One worker, and the ways to reach it.
struct Hand {
    orders: Sender<Order>,
    call: Arc<EventFd>,
    thread: JoinHandle<Result<WorkerReport, SwarmError>>,
}

impl Crew {
    /// Below, one worker is enough for any machine. A thin client is little work.
    const CLIENTS_PER_WORKER: u32 = 250;
    const THIN_PER_WORKER: u32 = 1_250;

    /// As many as one of every `stride` of so many clients need, and as there are cores; and what they tell.
    pub(super) fn hire(plan: &Plan, clients: u32, stride: u32) -> Result<(Self, Receiver<News>), SwarmError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let thin = (0..clients).filter(|client| plan.thin.has(*client)).count() as u32;
        let workload = f64::from(clients - thin) / f64::from(Self::CLIENTS_PER_WORKER)
            + f64::from(thin) / f64::from(Self::THIN_PER_WORKER);
        let wanted = (workload / f64::from(stride)).ceil().max(1.0) as usize;
        let (sender, news) = channel();
        let hands = (0..wanted.min(cores)).map(|_| Hand::hire(plan, sender.clone())).collect::<Result<_, _>>()?;
        let has_villains = (0..clients).any(|client| plan.bots.is_hostile(client));
        let villains = has_villains.then(|| Villains::hire(plan, sender)).transpose()?;
        Ok((Self { hands, villains, cast: plan.bots.clone(), stride }, news))
    }

    pub(super) fn len(&self) -> usize {
        self.hands.len()
    }

    /// Tells the worker of a client, always the same.
    pub(super) fn order(&self, client: u32, order: Order) {
        if let Some(villains) = self.villains.as_ref().filter(|_| self.cast.is_hostile(client)) {
            return villains.order(order);
        }
        let hand = (client / self.stride) as usize % self.hands.len();
        self.hands[hand].order(order);
    }

    pub(super) fn order_all(&self, order: impl Fn() -> Order) {
        self.hands.iter().for_each(|hand| hand.order(order()));
        self.villains.iter().for_each(|villains| villains.order(order()));
    }

    /// Waits for all of them.
    pub(super) fn join(&mut self) -> Result<(Vec<WorkerReport>, Hostile), SwarmError> {
        // The panic has been printed; there is nothing to add.
        let join = |hand: Hand| hand.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let reports = self.hands.drain(..).map(join).collect::<Result<_, _>>()?;
        Ok((reports, self.villains.take().map(Villains::join).unwrap_or_default()))
    }
}

impl Hand {
    fn hire(plan: &Plan, news: Sender<News>) -> Result<Self, SwarmError> {
        let (orders, inbox) = channel();
        let call = Poller::call().map_err(SwarmError::system("making an event"))?;
        let poller = Poller::new(Arc::clone(&call)).map_err(SwarmError::system("making a poller"))?;
        let worker = Worker::new(plan.clone(), inbox, news, poller);
        let builder = std::thread::Builder::new().name("tidelock-swarm".to_owned());
        let thread = builder.spawn(move || worker.run()).map_err(SwarmError::system("starting a thread"))?;
        Ok(Self { orders, call, thread })
    }

    /// A worker that has ended needs no orders.
    fn order(&self, order: Order) {
        if self.orders.send(order).is_ok() {
            let _ = self.call.write(1);
        }
    }
}
