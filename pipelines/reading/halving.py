"""Finding the few bad ones among many with tests that only say whether all of a run are good."""

from collections.abc import Callable


def faulty(count: int, sound: Callable[[int, int], bool]) -> list[int]:
    """Positions, in order, of the items that are not sound alone.

    `sound(start, stop)` says whether all items from `start` up to `stop` are. A run that is not is halved until the
    bad ones stand alone: some 2 log2(count) tests for each of them, one where there are none.
    """
    found: list[int] = []
    runs = [(0, count)]
    while runs:
        start, stop = runs.pop()
        if start == stop or sound(start, stop):
            continue
        if stop - start == 1:
            found.append(start)
            continue
        middle = (start + stop) // 2
        runs += [(middle, stop), (start, middle)]
    return found
