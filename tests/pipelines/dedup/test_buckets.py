import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipelines.dedup.buckets import ALONE, buckets, shared
from pipelines.kernels.kernel import UInt32s, UInt64s

KEYS = st.integers(0, 3) | st.integers(0, 2**32 - 1)
BANDS = st.tuples(st.integers(1, 3), st.integers(0, 40))


def groups(keys: UInt32s, salt: UInt64s, band: int) -> set[tuple[int, ...]]:
    """The rows of each bucket, by plain Python."""
    found: dict[tuple[int, int], list[int]] = {}
    for row, key in enumerate(keys[band]):
        found.setdefault((int(key), int(salt[row])), []).append(row)
    return {tuple(rows) for rows in found.values() if len(rows) > 1}


@given(keys=arrays.arrays(np.uint32, BANDS, elements=KEYS), data=st.data())
def test_rows_share_a_bucket_where_they_agree_in_key_and_salt(keys: UInt32s, data: st.DataObject) -> None:
    salts = data.draw(arrays.arrays(np.uint64, keys.shape[1], elements=st.sampled_from([0, 5, 2**63])))
    found = buckets(keys, salts)
    for band in range(keys.shape[0]):
        numbers = found.numbers[:, band]
        said = {tuple(np.flatnonzero(numbers == number).tolist()) for number in set(numbers.tolist()) - {ALONE}}
        assert said == groups(keys, salts, band)
    used = found.numbers[found.numbers != ALONE]
    assert np.bincount(used, minlength=len(found.sizes)).tolist() == found.sizes.tolist()


@pytest.mark.parametrize("rows", [8_191, 8_192, 100_000])
def test_many_rows_are_sorted_by_ranges_and_none_is_lost(rows: int) -> None:
    rng = np.random.default_rng(rows)
    keys = rng.integers(0, 2**32, (2, rows), np.uint32)
    keys[0, rows // 2 :] = keys[0, : rows - rows // 2]
    keys[1] = keys[1, 0]
    expected = np.unique(keys[0], return_counts=True)[1]
    found = buckets(keys)
    assert sorted(found.sizes[:-1].tolist()) == sorted(expected[expected > 1].tolist())
    assert found.sizes[-1] == rows
    assert shared(keys[:1]).sum() == expected[expected > 1].sum()
    assert shared(keys).all()
