"""Section 8: what a client keeps goes by ticks, never by the order of arrival."""

from __future__ import annotations

import random
import unittest

from tidelock.records import DELTA, FULL, LEAVE, NotHeld, Record
from tidelock.store import Store


def full(ghost: int, index: int, lane: int, generation: int = 0) -> Record:
    return Record(FULL, 0, ghost, index, generation, version=(1, (lane,)))


def delta(ghost: int, index: int, lane: int, baseline: int) -> Record:
    return Record(DELTA, 0, ghost, index, 0, baseline, (1, (lane,)))


def leave(ghost: int) -> Record:
    return Record(LEAVE, 0, ghost)


def shown(store: Store) -> dict[int, tuple[int, int]]:
    """By index: generation and the lane."""
    return {stream.index: (stream.generation, stream.versions[-1][1][0]) for _, stream in store.shown()}


class Stores(unittest.TestCase):
    def stored(self, *datagrams: tuple[int, Record]) -> Store:
        store = Store()
        for tick, record in datagrams:
            store.store(tick, [record], max(t for t, _ in datagrams))
        return store

    def test_a_late_version_is_stored_and_not_shown(self) -> None:
        store = self.stored((10, full(0, 5, 1)), (12, full(0, 5, 3)), (11, full(0, 5, 2)))
        self.assertEqual({5: (0, 3)}, shown(store))
        self.assertEqual((5, 0, (1, (2,))), store.baseline(0, 0, 13, 11))

    def test_a_baseline_is_the_newest_at_or_before_the_tick_that_is_named(self) -> None:
        store = self.stored((10, full(0, 5, 1)), (20, delta(0, 5, 2, 10)))
        self.assertEqual((1, (1,)), store.baseline(0, 0, 21, 19)[2])
        self.assertEqual((1, (2,)), store.baseline(0, 0, 21, 20)[2])
        for ghost, tick, named in ((0, 21, 9), (1, 21, 20), (0, 10, 10)):
            with self.assertRaises(NotHeld):
                store.baseline(0, ghost, tick, named)

    def test_what_left_is_not_shown_until_it_comes_back(self) -> None:
        store = self.stored((10, full(0, 5, 1)), (12, leave(0)), (11, full(0, 5, 2)))
        self.assertEqual({}, shown(store))
        with self.assertRaises(NotHeld):
            store.baseline(0, 0, 13, 11)
        store.store(14, [full(0, 5, 4)], 14)
        self.assertEqual({5: (0, 4)}, shown(store))

    def test_a_leave_older_than_what_is_held_is_of_a_former_stay(self) -> None:
        store = self.stored((10, full(0, 5, 1)), (14, delta(0, 5, 3, 10)), (12, leave(0)))
        self.assertEqual({5: (0, 3)}, shown(store))
        with self.assertRaises(NotHeld):
            store.baseline(0, 0, 15, 14)

    def test_a_full_record_of_a_stay_that_is_over_is_ignored(self) -> None:
        self.assertEqual({}, shown(self.stored((12, leave(0)), (11, full(0, 5, 2)))))

    def test_an_index_given_anew(self) -> None:
        first, second = (10, full(0, 5, 1)), (20, full(1, 5, 9, generation=1))
        left = (15, leave(0))
        for datagrams in ((first, left, second), (left, second, first), (left, first, second)):
            self.assertEqual({5: (1, 9)}, shown(self.stored(*datagrams)))

    def test_an_entity_has_one_ghost_at_a_time(self) -> None:
        store = self.stored((10, full(0, 5, 1)), (20, full(3, 5, 2)))
        self.assertEqual(5, store.baseline(0, 3, 21, 20)[0])
        with self.assertRaises(NotHeld):
            store.baseline(0, 0, 21, 20)

    def test_versions_are_forgotten_in_time(self) -> None:
        store = Store()
        store.store(0, [full(0, 5, 0)], 0)
        for tick in range(1, 2000):
            store.store(tick, [delta(0, 5, tick, tick - 1)], tick)
            (stream,) = (stream for _, stream in store.shown())
            self.assertLess(len(stream.ticks), 130)
            self.assertIsNotNone(stream.at(max(0, tick - 65)))
        store.store(2000, [leave(0)], 2000)
        store.store(4000, [full(1, 6, 0)], 4000)
        self.assertNotIn(5, store.streams[0])

    def test_the_order_of_arrival_does_not_matter(self) -> None:
        """Within each stay of a ghost; a ghost is given anew only when it was acknowledged that its entity left."""
        for seed in range(200):
            chance = random.Random(seed)
            straight, mixed = Store(), Store()
            tick = 0
            for _ in range(6):
                stays = []
                for ghost in range(4):
                    index = 10 * ghost + chance.randrange(3)
                    ticks = sorted(chance.sample(range(tick + 1, tick + 40), 5))
                    stays += [(t, full(ghost, index, t)) for t in ticks]
                    stays.append((tick + 40, leave(ghost)))
                tick += 40
                stays.sort(key=lambda datagram: datagram[0])
                again = stays + chance.sample(stays, 6)
                chance.shuffle(again)
                for store, datagrams in ((straight, stays), (mixed, again)):
                    for t, record in datagrams:
                        store.store(t, [record], tick)
                self.assertEqual(shown(straight), shown(mixed))
            last = [(tick + n, full(n, 10 * n, n)) for n in range(1, 4)]
            for store in (straight, mixed):
                for t, record in last:
                    store.store(t, [record], t)
            self.assertEqual(shown(straight), shown(mixed))
            self.assertEqual(3, len(shown(mixed)))


if __name__ == "__main__":
    unittest.main()
