"""The kernel of BLAKE3 against the library, at every length at which blocks, chunks or trees change."""

import numpy as np
import polars as pl
import polars_hash as plh
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.kernels.blake3 import DIGEST, LANES, as_column, digests

EDGES = [
    n + step
    for n in (0, 64, 128, 1024, 2048, 3072, 4096, 7168, 16384, 31 * 1024)
    for step in (-1, 0, 1)
    if n + step >= 0
]
lengths = st.one_of(st.sampled_from(EDGES), st.integers(0, 200), st.integers(0, 70_000))


def by_library(texts: list[str]) -> list[bytes]:
    hexadecimal = pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(plh.col("text").chash.blake3())
    return [bytes.fromhex(digest)[:DIGEST] for digest in hexadecimal.to_series()]


def by_kernel(texts: list[str], gap: int, behind: int) -> list[bytes]:
    """With `gap` bytes between the texts, and `behind` after the last."""
    said = [text.encode() for text in texts]
    data = np.frombuffer(b"".join(text + b"\xff" * gap for text in said) + b"\xff" * behind, np.uint8)
    starts = np.cumsum([0, *(len(text) + gap for text in said)])[:-1].astype(np.int64)
    ends = starts + np.array([len(text) for text in said], np.int64)
    column = as_column(digests(data, starts, ends))
    assert column.dtype == pl.Binary
    return column.to_list()


@settings(deadline=None, max_examples=60)
@given(sizes=st.lists(lengths, max_size=2 * LANES), gap=st.sampled_from([0, 3]), behind=st.sampled_from([0, 64]))
@example(sizes=EDGES, gap=0, behind=0)
@example(sizes=[1_000_003, 0, 1024 * LANES, 5], gap=0, behind=64)
def test_hashes_are_those_of_the_library(sizes: list[int], gap: int, behind: int) -> None:
    letters = "abcdefghijklmnopqrstuvwxyzé"
    texts = ["".join(letters[(n * n + 7 * place) % 27] for place in range(n)) for n in sizes]
    assert by_kernel(texts, gap, behind) == by_library(texts)


def test_the_hash_of_nothing_is_the_papers() -> None:
    (empty,) = by_kernel([""], 0, 0)
    assert empty.hex() == "af1349b9f5f9a1a6a0404dea36dcc949"
