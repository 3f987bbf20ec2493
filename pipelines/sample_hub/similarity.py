"""How alike two texts are, by the definition that duplicates are judged by: written out plainly, for a few rows."""

import re
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Final

SHINGLE: Final = 5
"""Words a shingle; a word is Unicode's `\\w+`, lower-cased."""


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def shingles(text: str, size: int = SHINGLE) -> frozenset[tuple[str, ...]]:
    """Every run of `size` words; one shorter run where there are fewer words, none where there are none."""
    found = words(text)
    return frozenset(tuple(found[at : at + size]) for at in range(max(len(found) - size + 1, min(len(found), 1))))


def jaccard(left: str, right: str) -> float:
    """Share of the shingles of two texts that both have; 0 where neither has a word."""
    a, b = shingles(left), shingles(right)
    return len(a & b) / len(a | b) if a | b else 0.0


def alike(texts: Iterable[str], threshold: float) -> Iterator[tuple[int, int, float]]:
    """Pairs of positions whose similarity reaches `threshold`. Compares all pairs: for hundreds of texts."""
    sets = [shingles(text) for text in texts]
    for left, right in combinations(range(len(sets)), 2):
        union = len(sets[left] | sets[right])
        if union and (similarity := len(sets[left] & sets[right]) / union) >= threshold:
            yield left, right, similarity
