use std::collections::BTreeMap;

use super::player::SwarmPlayer;

/// Who plays where: each client that is there has a seat, whose number the poller and the schedule know it by. Seats are used again.
#[derive(Default)]
pub(super) struct Seats {
    seats: Vec<Option<Seat>>,
    free: Vec<usize>,
    /// Of those who have not been told to leave, by the client's number.
    by_client: BTreeMap<u32, usize>,
}

/// One client that is there.
pub(super) struct Seat {
    /// The client's number.
    pub(super) client: u32,
    /// Which kind of link it has.
    pub(super) link: usize,
    pub(super) player: SwarmPlayer,
    /// It has been told to leave, and says goodbye.
    pub(super) leaves: bool,
}

impl Seats {
    /// Where the next one who comes will sit.
    pub(super) fn next_free(&self) -> usize {
        self.free.last().copied().unwrap_or(self.seats.len())
    }

    /// Somebody comes, and sits where [`Seats::next_free`] said.
    pub(super) fn take(&mut self, seat: Seat) {
        let number = self.next_free();
        self.by_client.insert(seat.client, number);
        if self.free.pop().is_some() {
            self.seats[number] = Some(seat);
        } else {
            self.seats.push(Some(seat));
        }
    }

    /// A client is told to leave: its number is free for it to come back.
    pub(super) fn dismiss(&mut self, client: u32) -> Option<(usize, &mut Seat)> {
        let number = self.by_client.remove(&client)?;
        let seat = self.seats[number].as_mut()?;
        seat.leaves = true;
        Some((number, seat))
    }

    /// Somebody is gone for good.
    pub(super) fn vacate(&mut self, number: usize) -> Option<Seat> {
        let seat = self.seats.get_mut(number)?.take()?;
        if !seat.leaves {
            self.by_client.remove(&seat.client);
        }
        self.free.push(number);
        Some(seat)
    }

    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut Seat> {
        self.seats.get_mut(number)?.as_mut()
    }

    /// Where the client with this number sits, if it is there and has not been told to leave.
    pub(super) fn of_client(&mut self, client: u32) -> Option<(usize, &mut Seat)> {
        let number = *self.by_client.get(&client)?;
        Some((number, self.seats[number].as_mut()?))
    }

    /// Everybody who is there, with the number of the seat.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Seat)> {
        self.seats.iter_mut().enumerate().filter_map(|(number, seat)| Some((number, seat.as_mut()?)))
    }

    /// Everybody, for the last time.
    pub(super) fn into_iter(self) -> impl Iterator<Item = Seat> {
        self.seats.into_iter().flatten()
    }

    /// Everybody who is there.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().flatten()
    }
}
