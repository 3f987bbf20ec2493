"""MinHash signatures of sets of shingles, in bands: rows that agree in a band are candidates (Broder 1997).

25 bands of 5 places: a pair of Jaccard similarity .5 meets in some band with probability .55, .7 with .990, .8 with
.99995. The places of a signature are filled as in Fast Similarity Sketching (Dahlgaard et al. 2017, arXiv:1704.04370):
each shingle is thrown into one place only, where the least stays; what is empty then gets the least of all shingles by
a permutation of its own (a 32-bit multiply-add with an odd factor). So two sets agree in a place with the probability
of their similarity, and a long text costs a throw a shingle.
"""

from typing import Final

import numpy as np

from pipelines.dedup.shingles import Shingles
from pipelines.kernels.kernel import LANES, Int64s, UInt32s, UInt64s, kernel, least_permuted, mix, stream

BANDS: Final = 25
ROWS: Final = 5

_PLACES: Final = 128
"""A power of two, by which a throw is a shift; the last three are not used."""
_PLACE_SHIFT: Final = np.uint64(57)
_VALUE_SHIFT: Final = np.uint64(25)
_HALF: Final = np.uint64(32)
_LARGEST: Final = np.uint32(0xFFFFFFFF)
_THROW: Final = np.uint64(stream(3, 1)[0] | 1)
_factors: Final = np.array(stream(1, _PLACES), np.uint64).astype(np.uint32) | np.uint32(1)
_terms: Final = np.array(stream(2, _PLACES), np.uint64).astype(np.uint32)
_weights: Final = np.array(stream(4, BANDS * ROWS), np.uint64) | np.uint64(1)


def signatures(sets: Shingles) -> UInt32s:
    """The keys of each text's bands: an array of BANDS times texts."""
    keys = np.empty((BANDS, len(sets)), np.uint32)
    sign(sets, keys, 0)
    return keys


def sign(sets: Shingles, keys: UInt32s, first: int) -> None:
    """Write the keys of some of the texts whose `keys` these are, from the `first` on."""
    _sign(sets.offsets, sets.hashes, _factors, _terms, _weights, keys, first)


@kernel
def _sign(
    offsets: Int64s,
    hashes: UInt64s,
    factors: UInt32s,
    terms: UInt32s,
    weights: UInt64s,
    keys: UInt32s,
    first: int,
) -> None:
    least, weighed = np.empty(_PLACES, np.uint32), np.empty(BANDS * ROWS, np.uint64)
    empty, found = np.empty(_PLACES + 1, np.int64), np.empty(_PLACES, np.uint32)
    some_factors, some_terms = np.zeros(_PLACES, np.uint32), np.zeros(_PLACES, np.uint32)
    for row in range(len(offsets) - 1):
        start, end = offsets[row], offsets[row + 1]
        for place in range(_PLACES):
            least[place] = _LARGEST
        for place in range(start, end):
            # The operators' bits say nothing here: texts that differ in them alone are to meet.
            thrown = (hashes[place] >> _HALF) * _THROW
            into = thrown >> _PLACE_SHIFT
            least[into] = min(least[into], np.uint32(thrown >> _VALUE_SHIFT))
        left = 0
        for place in range(BANDS * ROWS):
            empty[left] = place
            left += least[place] == _LARGEST
        for place in range(left):
            some_factors[place], some_terms[place] = factors[empty[place]], terms[empty[place]]
        for place in range(0, left, LANES):
            least_permuted(hashes, start, end, some_factors, some_terms, place, found)
        for place in range(left):
            least[empty[place]] = found[place]
        for place in range(BANDS * ROWS):
            weighed[place] = np.uint64(least[place]) * weights[place]
        for band in range(BANDS):
            key = np.uint64(band)
            for place in range(ROWS):
                key += weighed[band * ROWS + place]
            keys[band, first + row] = np.uint32(mix(key) >> _HALF)
