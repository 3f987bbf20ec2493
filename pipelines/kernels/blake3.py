"""BLAKE3 of many texts at once (O'Connor, Aumasson, Neves and Wilcox-O'Hearn 2020, the paper's version 20211102173700).

A library hashes one text a call, and most texts here are too short to fill its vectors. So blocks of LANES different
texts (or chunks of one) are compressed side by side, which the processor does with one instruction for all where it
has such wide ones: texts of 40 bytes at 0.6 GB a CPU-second, from 300 bytes on at 2 GB, where `polars-hash` has 0.3
and 0.7 (AVX-512).
"""
# ruff: noqa: ANN401 -- what numba hands to an intrinsic has no types.

from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
from llvmlite import ir
from numba import types

from pipelines.kernels.kernel import Bytes, Int64s, Integer, UInt32s, UInt64s, eight_bytes, instruction, kernel

DIGEST: Final = 16
"""Bytes of a digest that are kept."""

LANES: Final = 16
_CHUNK: Final = 1024
_BLOCK: Final = 64
_CHUNK_START, _CHUNK_END, _PARENT, _ROOT = (np.uint32(1 << bit) for bit in range(4))
_IV: Final = np.array(
    [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19], np.uint32
)
_ROUNDS: Final = 7
_ORDER: Final = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
"""Which word of the message stands where in the next round."""

_MIXED: Final = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)
"""Words of the state that are mixed with each other: columns, then diagonals."""

_NONE: Final = np.uint64(0)
_WORDS: Final = 8
_COUNTER, _LENGTH, _FLAGS, _ROWS = 8, 9, 10, 11
"""Rows of the lanes: eight of the chaining value, and these."""


def digests(data: Bytes, starts: Int64s, ends: Int64s) -> Bytes:
    """The first DIGEST bytes of the hash of each text `data[starts[i]:ends[i]]`, one after another."""
    made = np.empty(len(starts) * DIGEST, np.uint8)
    firsts = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(np.maximum(1, -(-(ends - starts) // _CHUNK)), out=firsts[1:])
    _digests(data, starts, ends, firsts, _IV, made)
    return made


def as_column(made: Bytes) -> pl.Series:
    """Digests one after another as a column of Binary."""
    offsets = np.arange(len(made) // DIGEST + 1, dtype=np.int64) * DIGEST
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(made)]
    column = pl.from_arrow(pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(made) // DIGEST, buffers))
    assert isinstance(column, pl.Series)
    return column


@instruction
def _compress(context: Any, lanes: Any, blocks: Any) -> Any:
    """The chaining values of all lanes after their blocks, in their place.

    `lanes` is C-contiguous, _ROWS x LANES; `blocks` the addresses of the lanes' 64 bytes each.
    """

    def code(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.IntType(32), LANES)

        def at(number: int) -> Any:
            return target.make_array(signature.args[number])(target, builder, arguments[number]).data

        first = builder.bitcast(at(0), vector.as_pointer())
        rows = [builder.gep(first, [ir.Constant(ir.IntType(32), row)]) for row in range(_ROWS)]
        read = [builder.load(row, align=4) for row in rows]
        addresses = [builder.load(builder.gep(at(1), [ir.Constant(ir.IntType(32), lane)])) for lane in range(LANES)]
        held = [builder.load(builder.inttoptr(address, vector.as_pointer()), align=1) for address in addresses]
        message = _transposed(builder, held)

        def constant(number: int) -> Any:
            return ir.Constant(vector, [number] * LANES)

        def turned(one: Any, other: Any, by: int) -> Any:
            both = builder.xor(one, other)
            return builder.or_(builder.lshr(both, constant(by)), builder.shl(both, constant(32 - by)))

        fixed = [constant(int(word)) for word in _IV[:4]]
        state = [*read[:_WORDS], *fixed, read[_COUNTER], constant(0), read[_LENGTH], read[_FLAGS]]
        for _ in range(_ROUNDS):
            for number, (a, b, c, d) in enumerate(_MIXED):
                for word, turns in ((message[2 * number], (16, 12)), (message[2 * number + 1], (8, 7))):
                    state[a] = builder.add(builder.add(state[a], state[b]), word)
                    state[d] = turned(state[d], state[a], turns[0])
                    state[c] = builder.add(state[c], state[d])
                    state[b] = turned(state[b], state[c], turns[1])
            message = [message[place] for place in _ORDER]
        for row in range(_WORDS):
            builder.store(builder.xor(state[row], state[row + _WORDS]), rows[row], align=4)
        return target.get_dummy_value()

    return types.void(lanes, blocks), code


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """LLVM's code that makes rows of LANES words into columns: squares of 1, 2, 4 and 8 words change places."""
    size = 1
    while size < LANES:
        kept = [place if place & size == 0 else LANES + place - size for place in range(LANES)]
        moved = [place + size if place & size == 0 else LANES + place for place in range(LANES)]
        masks = [ir.Constant(ir.VectorType(ir.IntType(32), LANES), order) for order in (kept, moved)]
        for row in (number for number in range(LANES) if number & size == 0):
            pair = rows[row], rows[row + size]
            rows[row], rows[row + size] = (builder.shuffle_vector(*pair, mask) for mask in masks)
        size *= 2
    return rows


@instruction
def _address(context: Any, data: Any, place: Any) -> Any:
    """Where an element of an array lies; it must be looked at while the array is held."""

    def code(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = target.make_array(signature.args[0])(target, builder, arguments[0])
        return builder.ptrtoint(builder.gep(array.data, [arguments[1]]), ir.IntType(64))

    return types.uint64(data, place), code


@kernel
def _join(count: Integer, values: UInt32s, start: UInt32s, lanes: UInt32s) -> None:
    """The root of the tree over the first `count` chaining values (two at least), in the place of the first.

    Level by level, the odd one at the end going up as it is, is the paper's tree, whose left side is always full.
    """
    blocks = np.zeros(LANES, np.uint64)
    while count > 1:
        pairs = count // 2
        for first in range(0, pairs, LANES):
            many = min(LANES, pairs - first)
            for lane in range(LANES):
                # Two values are a block as they lie; lanes that have none look at the first.
                pair = 2 * (first + lane) if lane < many else 0
                blocks[lane] = _address(values, _WORDS * pair)
                for word in range(_WORDS):
                    lanes[word, lane] = start[word]
                lanes[_COUNTER, lane] = 0
                lanes[_LENGTH, lane] = _BLOCK
                lanes[_FLAGS, lane] = _PARENT | _ROOT if count == 2 else _PARENT
            _compress(lanes, blocks)
            for lane in range(many):
                for word in range(_WORDS):
                    values[first + lane, word] = lanes[word, lane]
        if count % 2 == 1:
            for word in range(_WORDS):
                values[pairs, word] = values[count - 1, word]
        count = (count + 1) // 2


@kernel
def _rest(data: Bytes, place: Integer, left: Integer, rests: UInt64s, at: Integer) -> None:
    """Put fewer than 64 bytes into a block, zeros behind them."""
    if place + _BLOCK <= len(data):
        # All of the block can be looked at, which takes no loop whose end must be guessed.
        for step in range(8):
            here = min(max(left - 8 * step, 0), 8)
            mask = ~_NONE >> np.uint64(64 - 8 * here) if here > 0 else _NONE
            rests[at + step] = eight_bytes(data, place + 8 * step) & mask
        return
    for step in range(8):
        word = _NONE
        for byte in range(min(max(left - 8 * step, 0), 8)):
            word |= np.uint64(data[place + 8 * step + byte]) << np.uint64(8 * byte)
        rests[at + step] = word


@kernel
def _chunks(data: Bytes, starts: Int64s, ends: Int64s, start: UInt32s, values: UInt32s) -> None:
    """The chaining value of each chunk, text after text. A lane takes the next chunk when it is done with one."""
    lanes = np.zeros((_ROWS, LANES), np.uint32)
    targets, places, lasts = np.full(LANES, -1), np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
    ending, rests = np.zeros(LANES, np.uint32), np.zeros(LANES * 8, np.uint64)
    blocks = np.zeros(LANES, np.uint64)
    for lane in range(LANES):
        blocks[lane] = _address(rests, 8 * lane)
    text = target = number = busy = np.int64(0)
    while True:
        for lane in range(LANES):
            if targets[lane] < 0:
                if text == len(starts):
                    continue
                place = starts[text] + number * _CHUNK
                is_last = ends[text] - place <= _CHUNK
                for word in range(_WORDS):
                    lanes[word, lane] = start[word]
                lanes[_COUNTER, lane] = np.uint32(number)
                lanes[_FLAGS, lane] = _CHUNK_START
                ending[lane] = _CHUNK_END | _ROOT if is_last and number == 0 else _CHUNK_END
                targets[lane], places[lane] = target, place
                lasts[lane] = ends[text] if is_last else place + _CHUNK
                target += 1
                busy += 1
                number += 1
                if is_last:
                    text += 1
                    number = np.int64(0)
            place = places[lane]
            left = lasts[lane] - place
            if left <= _BLOCK:
                lanes[_FLAGS, lane] |= ending[lane]
            if left >= _BLOCK:
                lanes[_LENGTH, lane] = _BLOCK
                blocks[lane] = _address(data, place)
            else:
                lanes[_LENGTH, lane] = np.uint32(left)
                _rest(data, place, left, rests, 8 * lane)
                blocks[lane] = _address(rests, 8 * lane)
        if busy == 0:
            return
        _compress(lanes, blocks)
        for lane in range(LANES):
            if targets[lane] < 0:
                continue
            if lasts[lane] - places[lane] <= _BLOCK:
                for word in range(_WORDS):
                    values[targets[lane], word] = lanes[word, lane]
                targets[lane] = -1
                busy -= 1
            else:
                places[lane] += _BLOCK
                lanes[_FLAGS, lane] &= ~_CHUNK_START


@kernel
def _digests(data: Bytes, starts: Int64s, ends: Int64s, firsts: Int64s, start: UInt32s, made: Bytes) -> None:
    values = np.empty((firsts[-1], _WORDS), np.uint32)
    _chunks(data, starts, ends, start, values)
    lanes = np.zeros((_ROWS, LANES), np.uint32)
    for text in range(len(starts)):
        value = values[firsts[text] : firsts[text + 1]]
        _join(len(value), value, start, lanes)
        for byte in range(DIGEST):
            made[text * DIGEST + byte] = np.uint8(value[0, byte >> 2] >> np.uint32(8 * (byte & 3)))
