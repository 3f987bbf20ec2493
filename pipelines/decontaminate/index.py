"""The items of benchmarks as a scan looks them up: every run of 8 tokens, and the ends of short items.

A bloom filter that fits the second-level cache tells nearly all runs of a clean text apart from those of items; the
hash tables behind it are looked at for the rest only.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from pipelines.decontaminate.tokens import ANCHOR, GRAM, buffers, cut, grams, kinds, room, together
from pipelines.kernels.kernel import Bools, Bytes, Int32s, Int64s, Integer, UInt32s, UInt64s, kernel

FOLLOWED: Final = 64
"""Places of a run of 8 tokens in one item that are followed to find the longest run that a text shares. An item that
says the same more often costs no more, and the run that is told of it may be shorter than it is."""

SHORT: Final = 13
"""Tokens from which an item is left to the rules of n-grams."""

ITEMS: Final = pl.Schema(
    {
        "benchmark": pl.String(),
        "item": pl.String(),  # its name in the benchmark
        "field": pl.String(),  # which of its texts
        "text": pl.String(),  # null where only hashes are held
        "answers": pl.List(pl.String),  # any of them is right; null or empty where none is known
        "choices": pl.List(pl.String),  # that are given with the question; null where none are
        "words": pl.Int64(),  # tokens
        "grams": pl.List(pl.Int64),  # hashes of its runs of 8 tokens, in order; null where the text is held
    }
)
"""A text of an item of a benchmark."""

_BITS_EACH: Final = 8
_SHIFTS: Final = (np.uint64(0), np.uint64(6), np.uint64(12))
_WORD: Final = np.uint64(18)
_SLOT: Final = np.uint64(30)
_SIXTY_THREE: Final = np.uint64(63)
_ONE: Final = np.uint64(1)


@dataclass(frozen=True)
class Lookup:
    """Places by their hash: those of `keys[n]` are `places[first[n]:first[n + 1]]`, and one of `slots` is `n`.

    Runs are followed at the places before `followed[n]`.
    """

    bloom: UInt64s
    slots: Int32s
    keys: UInt64s
    first: Int32s
    followed: Int32s
    places: Int32s


@dataclass(frozen=True)
class Index:
    """Texts of items (`items`, in the schema ITEMS) with what a scan needs.

    `tokens` are those of all texts, one after the other: text `n` has `offsets[n]:offsets[n + 1]`. `starts` and `ends`
    are their bytes in the text (NFC), `bare` their hashes; of a text of which only hashes are held they are 0.
    """

    items: pl.DataFrame
    offsets: Int64s
    owner: Int32s
    starts: Int32s
    ends: Int32s
    bare: UInt64s
    by_gram: Lookup
    by_end: Lookup

    def __len__(self) -> int:
        return self.items.height

    @cached_property
    def words(self) -> Int64s:
        """Tokens of each text."""
        return np.diff(self.offsets)


def index(items: pl.DataFrame) -> Index:
    """Build the index of items (columns of ITEMS; `words` is needed where only hashes are held). Millions a second."""
    offsets, data, normal = buffers(items["text"])
    held = items["text"].is_not_null().to_numpy()
    lengths = np.where(held, 0, items["words"].fill_null(0).to_numpy()).astype(np.int64)
    scratch = room(offsets)
    _count(offsets, data, kinds(), held, lengths, scratch)
    at = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    total = int(at[-1])
    whole, bare = np.zeros(total, np.uint64), np.zeros(total, np.uint64)
    starts, ends = np.zeros(total, np.int32), np.zeros(total, np.int32)
    eights = np.zeros(total, np.uint64)
    _fill(offsets, data, kinds(), held, at, scratch, whole, bare, starts, ends, eights)
    hashed = items["grams"].list.explode(empty_as_null=False, keep_nulls=False).to_numpy().astype(np.int64)
    _place(held, at, hashed.view(np.uint64), eights)
    owner = np.repeat(np.arange(items.height, dtype=np.int32), lengths)
    room_left = np.repeat(at[1:], lengths) - np.arange(total)
    grammed = np.flatnonzero(room_left >= GRAM).astype(np.int32)
    short = np.flatnonzero(held & (lengths > 0) & (lengths < SHORT)).astype(np.int32)
    return Index(
        items=items.with_columns(text=pl.when(pl.Series(held)).then(normal), words=pl.Series(lengths)),
        offsets=at,
        owner=owner,
        starts=starts,
        ends=ends,
        bare=bare,
        by_gram=_lookup(eights[grammed], grammed, owner[grammed]),
        by_end=_lookup(_endings(bare, at, short), short, short),
    )


def hashes(texts: pl.Series) -> pl.DataFrame:
    """What of texts may be kept where their owners ask that they be not published: `words` and `grams`.

    No text follows from them; whoever knows 8 words in a row can see whether they stand there.
    """
    offsets, data, _ = buffers(texts)
    lengths = np.zeros(len(texts), np.int64)
    held = np.ones(len(texts), np.bool_)
    scratch = room(offsets)
    _count(offsets, data, kinds(), held, lengths, scratch)
    at = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    unused = np.zeros(int(at[-1]), np.uint64)
    places = np.zeros(int(at[-1]), np.int32)
    eights = np.zeros(int(at[-1]), np.uint64)
    _fill(offsets, data, kinds(), held, at, scratch, unused, unused.copy(), places, places.copy(), eights)
    owner = np.repeat(np.arange(len(texts)), lengths)
    full = np.repeat(at[1:], lengths) - np.arange(len(eights)) >= GRAM
    each = pl.DataFrame({"row": owner[full], "gram": eights[full].view(np.int64)})
    listed = each.group_by("row", maintain_order=True).agg(grams="gram")
    rows = pl.DataFrame({"row": np.arange(len(texts)), "words": lengths})
    found = rows.join(listed, on="row", how="left", maintain_order="left")
    return found.select("words", pl.col("grams").fill_null([]))


def _lookup(keys: UInt64s, places: Int32s, owner: Int32s) -> Lookup:
    often = _often(keys, places, owner)
    # Places in falling order: a run that goes on is read before its last token's place is written over.
    order = np.lexsort((-places, often, keys))
    distinct, first = np.unique(keys[order], return_index=True)
    starts: Int32s = np.append(first, len(keys)).astype(np.int32)
    followed = starts[:-1] + (np.add.reduceat(~often[order], starts[:-1]) if len(keys) else 0)
    slots = np.full(max(16, 1 << (2 * len(distinct)).bit_length()), -1, np.int32)
    bloom = np.zeros(max(8, 1 << (len(distinct) * _BITS_EACH // 64).bit_length()), np.uint64)
    _insert(distinct, slots, bloom)
    return Lookup(bloom, slots, distinct, starts, np.asarray(followed, np.int32), places[order])


def _often(keys: UInt64s, places: Int32s, owner: Int32s) -> Bools:
    """Whether FOLLOWED places of the same hash in the same item come before each."""
    order = np.lexsort((places, owner, keys))
    same = np.zeros(len(keys), np.bool_)
    same[1:] = (keys[order][1:] == keys[order][:-1]) & (owner[order][1:] == owner[order][:-1])
    number = np.arange(len(keys))
    rank = number - np.maximum.accumulate(np.where(same, 0, number))
    often = np.zeros(len(keys), np.bool_)
    often[order] = rank >= FOLLOWED
    return often


@kernel
def may_hold(bloom: UInt64s, hashed: np.uint64) -> bool:
    """False where the filter shows that a hash is not there."""
    bits = _ONE << (hashed & _SIXTY_THREE)
    bits |= _ONE << ((hashed >> _SHIFTS[1]) & _SIXTY_THREE)
    bits |= _ONE << ((hashed >> _SHIFTS[2]) & _SIXTY_THREE)
    held = bloom[(hashed >> _WORD) & np.uint64(len(bloom) - 1)]
    return bool(held & bits == bits)


@kernel
def find(slots: Int32s, keys: UInt64s, hashed: np.uint64) -> int:
    """Number of a hash in `keys`; -1 where it is not there."""
    mask = np.uint64(len(slots) - 1)
    slot = (hashed >> _SLOT) & mask
    while slots[slot] >= 0:
        if keys[slots[slot]] == hashed:
            return int(slots[slot])
        slot = (slot + _ONE) & mask
    return -1


@kernel
def ending(bare: UInt64s, start: Integer, end: Integer, pairs: UInt64s, fours: UInt64s, eights: UInt64s) -> np.uint64:
    """Hash by which a short text is looked up: of its last 4 tokens, or of all where it has fewer."""
    if end - start < ANCHOR:
        return together(bare[start:end], end - start)
    grams(bare[end - ANCHOR : end], ANCHOR, pairs, fours, eights)
    return np.uint64(fours[0])


@kernel
def _insert(distinct: UInt64s, slots: Int32s, bloom: UInt64s) -> None:
    mask, words = np.uint64(len(slots) - 1), np.uint64(len(bloom) - 1)
    for number in range(len(distinct)):
        hashed = distinct[number]
        slot = (hashed >> _SLOT) & mask
        while slots[slot] >= 0:
            slot = (slot + _ONE) & mask
        slots[slot] = number
        for shift in _SHIFTS:
            bloom[(hashed >> _WORD) & words] |= _ONE << ((hashed >> shift) & _SIXTY_THREE)


@kernel
def _count(offsets: Int64s, data: Bytes, kinds: UInt32s, held: Bools, lengths: Int64s, scratch: int) -> None:
    whole, bare = np.empty(scratch, np.uint64), np.empty(scratch, np.uint64)
    starts, ends = np.empty(scratch, np.int64), np.empty(scratch, np.int64)
    for row in range(len(lengths)):
        if held[row]:
            lengths[row] = cut(data, offsets[row], offsets[row + 1], kinds, whole, bare, starts, ends)


@kernel
def _fill(
    offsets: Int64s,
    data: Bytes,
    kinds: UInt32s,
    held: Bools,
    at: Int64s,
    scratch: int,
    whole: UInt64s,
    bare: UInt64s,
    starts: Int32s,
    ends: Int32s,
    eights: UInt64s,
) -> None:
    first, last = np.empty(scratch, np.int64), np.empty(scratch, np.int64)
    wholes, bares = np.empty(scratch, np.uint64), np.empty(scratch, np.uint64)
    pairs, fours, runs = np.empty(scratch, np.uint64), np.empty(scratch, np.uint64), np.empty(scratch, np.uint64)
    for row in range(len(at) - 1):
        if not held[row]:
            continue
        count = cut(data, offsets[row], offsets[row + 1], kinds, wholes, bares, first, last)
        grams(wholes, count, pairs, fours, runs)
        for place in range(count):
            to = at[row] + place
            whole[to], bare[to], starts[to], ends[to] = wholes[place], bares[place], first[place], last[place]
            if place < count - 7:
                eights[to] = runs[place]


@kernel
def _place(held: Bools, at: Int64s, hashed: UInt64s, eights: UInt64s) -> None:
    """Put the hashes of items without a text where those of the others stand."""
    used = 0
    for row in range(len(held)):
        if not held[row]:
            for place in range(at[row], at[row + 1] - 7):
                eights[place] = hashed[used]
                used += 1


@kernel
def _endings(bare: UInt64s, at: Int64s, short: Int32s) -> UInt64s:
    found = np.empty(len(short), np.uint64)
    pairs, fours, eights = np.empty(4, np.uint64), np.empty(4, np.uint64), np.empty(4, np.uint64)
    for number in range(len(short)):
        item = short[number]
        found[number] = ending(bare, at[item], at[item + 1], pairs, fours, eights)
    return found
