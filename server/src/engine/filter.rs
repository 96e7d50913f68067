use super::marks::{IndexSet, Marks, SparseSet, bits};
use crate::game::Exception;
use std::collections::BTreeMap;
use tidelock::ClientId;

/// What the game hides and shows besides what is near: entities on layers, and single clients' exceptions.
///
/// It works on marks, 64 entities at a time: where no entity is on layers and a client has no exceptions, on none.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// By index, of those that are on layers, which.
    layers: Vec<u64>,
    /// Those that are on layers, were it on none of the 64.
    layered: IndexSet,
    layered_count: usize,
    /// Those that are on each layer; up to the highest that was ever used.
    on_layer: Vec<IndexSet>,
    /// Of clients that have any, or had.
    exceptions: BTreeMap<ClientId, Exceptions>,
}

/// The exceptions of one client.
#[derive(Debug, Default)]
struct Exceptions {
    shown: SparseSet,
    hidden: SparseSet,
}

impl Filter {
    /// An entity is on these layers, or hidden from nobody.
    pub(crate) fn set_layers(&mut self, index: u32, layers: Option<u64>) {
        let was_layered = self.layered.has(index);
        if layers.is_none() && !was_layered {
            return;
        }
        self.layered.set(index, layers.is_some());
        self.layered_count = self.layered_count + usize::from(layers.is_some()) - usize::from(was_layered);
        if self.layers.len() <= index as usize {
            self.layers.resize(index as usize + 1, 0);
        }
        let now = layers.unwrap_or(0);
        let before = std::mem::replace(&mut self.layers[index as usize], now);
        for layer in bits(before ^ now) {
            if self.on_layer.len() <= layer as usize {
                self.on_layer.resize_with(layer as usize + 1, IndexSet::default);
            }
            self.on_layer[layer as usize].set(index, now >> layer & 1 != 0);
        }
    }

    /// A client sees an entity by this exception, or by the rules. Returns the exception before.
    pub(crate) fn set_exception(
        &mut self,
        client_id: ClientId,
        index: u32,
        exception: Option<Exception>,
    ) -> Option<Exception> {
        if exception.is_none() && !self.exceptions.contains_key(&client_id) {
            return None;
        }
        let own = self.exceptions.entry(client_id).or_default();
        let before = own.of(index);
        own.shown.set(index, exception == Some(Exception::Shown));
        own.hidden.set(index, exception == Some(Exception::Hidden));
        before
    }

    /// A client has no exceptions any more: `each` hears of those it had.
    pub(crate) fn reset_client(&mut self, client_id: ClientId, mut each: impl FnMut(u32, Exception)) {
        let Some(own) = self.exceptions.remove(&client_id) else { return };
        own.shown.iter().for_each(|index| each(index, Exception::Shown));
        own.hidden.iter().for_each(|index| each(index, Exception::Hidden));
    }

    /// Nobody has an exception of an entity any more: `each` hears of those that there were.
    pub(crate) fn reset_entity(&mut self, index: u32, mut each: impl FnMut(Exception)) {
        self.exceptions.retain(|_, own| {
            own.of(index).into_iter().for_each(&mut each);
            own.shown.set(index, false);
            own.hidden.set(index, false);
            !own.shown.is_empty() || !own.hidden.is_empty()
        });
    }

    /// Takes from the marks of a client who sees these layers what is hidden from it, and adds what is shown to it.
    pub(crate) fn apply(&self, client_id: ClientId, seen_layers: u64, marks: &mut Marks) {
        if self.layered_count > 0 {
            marks.retain(|word| self.visible(word, seen_layers));
        }
        if let Some(own) = self.exceptions.get(&client_id) {
            own.hidden.words().for_each(|(word, bits)| marks.remove_word(word, bits));
            own.shown.words().for_each(|(word, bits)| marks.add_word(word, bits));
        }
    }

    /// Those of a word that are on no layers, or on one of these.
    fn visible(&self, word: u32, seen_layers: u64) -> u64 {
        let layered = self.layered.word(word);
        if layered == 0 {
            return u64::MAX;
        }
        let seen = bits(seen_layers).filter_map(|layer| self.on_layer.get(layer as usize));
        seen.fold(!layered, |visible, layer| visible | layer.word(word))
    }
}

impl Exceptions {
    fn of(&self, index: u32) -> Option<Exception> {
        if self.shown.has(index) {
            return Some(Exception::Shown);
        }
        self.hidden.has(index).then_some(Exception::Hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ClientId = ClientId(1);
    const B: ClientId = ClientId(2);

    /// What of `near` and beyond a client sees.
    fn seen(filter: &Filter, client_id: ClientId, layers: u64, near: &[u32]) -> Vec<u32> {
        let mut marks = Marks::default();
        marks.reach(1_000);
        near.iter().for_each(|index| marks.add(*index, true));
        filter.apply(client_id, layers, &mut marks);
        let words = marks.drain().flat_map(|(word, marked)| bits(marked.may_stay).map(move |bit| word * 64 + bit));
        words.collect()
    }

    #[test]
    fn without_layers_and_exceptions_nothing_is_hidden() {
        assert_eq!(seen(&Filter::default(), A, 0, &[0, 70, 999]), [0, 70, 999]);
    }

    #[test]
    fn what_is_on_layers_is_seen_by_whom_sees_one_of_them() {
        let mut filter = Filter::default();
        filter.set_layers(1, Some(0b011));
        filter.set_layers(70, Some(0b100));
        filter.set_layers(71, Some(0));
        filter.set_layers(72, Some(1 << 63));
        let near = [0, 1, 70, 71, 72];
        let cases = [(0, vec![0]), (0b010, vec![0, 1]), (0b110, vec![0, 1, 70]), (u64::MAX, vec![0, 1, 70, 72])];
        for (layers, expected) in cases {
            assert_eq!(seen(&filter, A, layers, &near), expected, "{layers:b}");
        }
        filter.set_layers(1, None);
        filter.set_layers(70, Some(1));
        assert_eq!(seen(&filter, A, 0b100, &near), [0, 1]);
    }

    #[test]
    fn exceptions_are_one_clients_and_stronger_than_layers() {
        let mut filter = Filter::default();
        filter.set_layers(1, Some(1));
        filter.set_exception(A, 1, Some(Exception::Shown));
        filter.set_exception(A, 500, Some(Exception::Shown));
        filter.set_exception(B, 2, Some(Exception::Hidden));
        assert_eq!((seen(&filter, A, 0, &[1, 2]), seen(&filter, B, 1, &[1, 2])), (vec![1, 2, 500], vec![1]));
        assert_eq!(filter.set_exception(A, 1, Some(Exception::Hidden)), Some(Exception::Shown));
        assert_eq!(seen(&filter, A, 1, &[1, 2]), [2, 500]);
    }

    #[test]
    fn exceptions_end_one_by_one_and_with_their_client_or_entity() {
        let mut filter = Filter::default();
        let all = [(A, 1, Exception::Shown), (A, 2, Exception::Hidden), (B, 1, Exception::Hidden)];
        let make = |filter: &mut Filter| {
            for (client_id, index, exception) in all {
                filter.set_exception(client_id, index, Some(exception));
            }
        };
        make(&mut filter);
        assert_eq!(filter.set_exception(A, 2, None), Some(Exception::Hidden));
        let mut ended = Vec::new();
        filter.reset_client(A, |index, exception| ended.push((index, exception)));
        assert_eq!(ended, [(1, Exception::Shown)]);
        make(&mut filter);
        let mut ended = Vec::new();
        filter.reset_entity(1, |exception| ended.push(exception));
        assert_eq!(ended, [Exception::Shown, Exception::Hidden]);
        assert_eq!((seen(&filter, A, 0, &[1, 2]), filter.exceptions.len()), (vec![1], 1));
        assert_eq!(filter.set_exception(B, 7, None), None);
    }
}
