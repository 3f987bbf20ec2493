"""MinHash signatures of sets of shingles, in bands: rows that agree in a band are candidates (Broder 1997).

25 bands of 5 rows: a pair of Jaccard similarity .5 meets in some band with probability .55, .7 with .990, .8 with
.99995. The permutations are 32-bit multiply-adds with odd factors, after datasketch's and rensa's.
"""

from typing import Final

import numpy as np

from pipelines.dedup.kernel import Int64s, UInt32s, UInt64s, kernel, mix, stream
from pipelines.dedup.shingles import Shingles

BANDS: Final = 25
ROWS: Final = 5

_PERMUTATIONS: Final = 128
"""A multiple of what the widest vector registers hold; the last three are not used."""
_HALF: Final = np.uint64(32)
_LARGEST: Final = np.uint32(0xFFFFFFFF)
_factors: Final = np.array(stream(1, _PERMUTATIONS), np.uint64).astype(np.uint32) | np.uint32(1)
_terms: Final = np.array(stream(2, _PERMUTATIONS), np.uint64).astype(np.uint32)


def signatures(sets: Shingles) -> UInt32s:
    """The keys of each text's bands: an array of BANDS times texts."""
    keys = np.empty((BANDS, len(sets)), np.uint32)
    _sign(sets.offsets, sets.hashes, _factors, _terms, keys)
    return keys


@kernel
def _sign(offsets: Int64s, hashes: UInt64s, factors: UInt32s, terms: UInt32s, keys: UInt32s) -> None:
    least = np.empty(_PERMUTATIONS, np.uint32)
    for row in range(len(offsets) - 1):
        for permutation in range(_PERMUTATIONS):
            least[permutation] = _LARGEST
        for place in range(offsets[row], offsets[row + 1]):
            hashed = np.uint32(hashes[place] >> _HALF)
            for permutation in range(_PERMUTATIONS):
                # A comparison, not min(): only this becomes vector instructions.
                value = np.uint32(np.uint32(factors[permutation] * hashed) + terms[permutation])
                if value < least[permutation]:
                    least[permutation] = value
        for band in range(BANDS):
            key = np.uint64(band + 1)
            for position in range(ROWS):
                key = mix(key ^ np.uint64(least[band * ROWS + position]))
            keys[band, row] = np.uint32(key >> _HALF)
