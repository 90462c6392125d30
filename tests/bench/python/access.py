"""Attribute access through the Python binding, in nanoseconds a call, the loop around it taken off."""

import sys
import time

import atoll

ROUNDS = 300_000


class Item(atoll.Object):
    _id: int = atoll.primary_key()
    name: str
    score: float


def timed(action):
    """Best of five, in nanoseconds a round."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter_ns()
        action()
        best = min(best, (time.perf_counter_ns() - start) / ROUNDS)
    return best


def loop():
    for _ in range(ROUNDS):
        pass


def main():
    realm = atoll.open(sys.argv[1], schema=[Item])
    with realm.write():
        item = realm.create(Item, _id=1, name="a text of 16 by", score=1.5)

    def get_double():
        for _ in range(ROUNDS):
            item.score

    def get_string():
        for _ in range(ROUNDS):
            item.name

    def set_double():
        with realm.write():
            for _ in range(ROUNDS):
                item.score = 2.5

    empty = timed(loop)
    for name, action in (("get_double", get_double), ("get_string", get_string), ("set_double", set_double)):
        print(f"python.{name} {timed(action) - empty:.1f} ns")
    realm.close()


if __name__ == "__main__":
    main()
