"""Compiled functions over Arrow and numpy buffers."""
# ruff: noqa: ANN401 -- what numba hands to an intrinsic has no types.

import contextlib
import functools
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar, cast

import numba as nb
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from pipelines.errors import TamisError

Bytes: TypeAlias = NDArray[np.uint8]
Int8s: TypeAlias = NDArray[np.int8]
Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
UInt32s: TypeAlias = NDArray[np.uint32]
UInt64s: TypeAlias = NDArray[np.uint64]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Integer: TypeAlias = int | np.integer[Any]

Function = TypeVar("Function", bound=Callable[..., object])

_GOLDEN: Final = 0x9E3779B97F4A7C15
_MIX: Final = np.uint64(0xD6E8FEB86659FD93)
_HALF: Final = np.uint64(32)
LANES: Final = 16
_LANES: Final = ir.VectorType(ir.IntType(32), LANES)
_VECTOR: Final = ir.VectorType(ir.IntType(8), 64)


def kernel(function: Function) -> Function:
    """Compile a function on its first call; the machine code is kept on disk, so a later process only loads it."""
    return cast(Function, nb.njit(nogil=True, cache=True)(function))


def step(function: Function) -> Function:
    """The same for a function that a kernel calls for each row, or more often, and that makes no array.

    Nobody counts who holds its arrays: the caller does while it runs, and counting takes a tenth of a short row's time.
    """
    return cast(Function, nb.njit(nogil=True, cache=True, _nrt=False)(function))  # type: ignore[call-overload]


def instruction(function: Callable[..., object]) -> Callable[..., Any]:
    """A function of processor instructions, for kernels alone; `function` writes LLVM's code for it."""
    return cast(Callable[..., Any], intrinsic(function))


def inlined(function: Function) -> Function:
    """The same for a small function that kernels call on each element."""
    return cast(Function, nb.njit(inline="always")(function))


def _cache() -> str:
    """A folder for this version of the kernels.

    Numba's own cache looks at the file of the kernel alone, and would keep machine code into which an old version of
    another file was compiled.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        if __name__.encode() in (code := path.read_bytes()) or path == Path(__file__):
            digest.update(code)
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tamis"
    places = (Path(__file__).parent / "__pycache__", user, Path(tempfile.gettempdir()) / f"tamis-{os.getuid()}")
    for place in places:
        folder = place / f"kernels-{digest.hexdigest()[:16]}"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return str(folder)
    raise TamisError("no folder for compiled kernels can be written", where=str(user), cure="Set XDG_CACHE_HOME.")


nb.config.CACHE_DIR = _cache()  # type: ignore[attr-defined]


@inlined
def mix(x: np.uint64) -> np.uint64:
    """Scatter the bits of a 64-bit number (Pelle Evensen's rrmxmx family); a bijection."""
    x ^= x >> _HALF
    x *= _MIX
    x ^= x >> _HALF
    x *= _MIX
    x ^= x >> _HALF
    return x


@instruction
def eight_bytes(context: Any, data: Any, place: Any) -> Any:
    """The 8 bytes of an array of bytes from `place` on as one number, the first the lowest; all must be in it."""

    def code(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = target.make_array(signature.args[0])(target, builder, arguments[0])
        first = builder.gep(array.data, [arguments[1]])
        return builder.load(builder.bitcast(first, cgutils.intp_t.as_pointer()), align=1)

    return nb.types.uint64(data, place), code


@instruction
def zeros_below(context: Any, bits: Any) -> Any:
    """Zero bits below the lowest that is set; 64 where none is."""

    def code(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], cgutils.false_bit)

    return nb.types.uint64(nb.types.uint64), code


@instruction
def ones(context: Any, bits: Any) -> Any:
    """How many bits are set."""

    def code(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return nb.types.uint64(nb.types.uint64), code


@instruction
def fetch(context: Any, data: Any, place: Any) -> Any:
    """Ask for the cache line of an element of an array, by its number among all of them, before it is read."""

    def code(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = target.make_array(signature.args[0])(target, builder, arguments[0])
        address = builder.bitcast(builder.gep(array.data, [arguments[1]]), cgutils.voidptr_t)
        read, keep, of_data = (cgutils.int32_t(value) for value in (0, 3, 1))
        kinds = [cgutils.voidptr_t, *[cgutils.int32_t] * 3]
        prefetch = builder.module.declare_intrinsic(
            "llvm.prefetch", [cgutils.voidptr_t], ir.FunctionType(ir.VoidType(), kinds)
        )
        builder.call(prefetch, [address, read, keep, of_data])
        return cgutils.intp_t(0)

    return nb.types.int64(data, nb.types.int64), code


def _bits(found: Callable[[Any, Any], list[Any]]) -> Callable[..., Any]:
    """An instruction that takes an array of bytes and a place, and gives a bit for each of the 64 bytes from there on,
    the first the lowest; all must be in the array. `found(builder, bytes)`: which are meant, by any of its vectors.
    """

    def bits(context: Any, data: Any, place: Any) -> Any:
        def code(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = target.make_array(signature.args[0])(target, builder, arguments[0])
            first = builder.bitcast(builder.gep(array.data, [arguments[1]]), _VECTOR.as_pointer())
            meant = functools.reduce(builder.or_, found(builder, builder.load(first, align=1)))
            return builder.bitcast(meant, ir.IntType(64))

        return nb.types.uint64(data, place), code

    return instruction(bits)


def _each(value: int) -> Any:
    return ir.Constant(_VECTOR, [value] * 64)


def _within(builder: Any, byte: Any, *ranges: str) -> list[Any]:
    """For each range whether a byte is between its two characters, both included."""
    spans = [(ord(ends[0]), ord(ends[1]) - ord(ends[0])) for ends in ranges]
    return [builder.icmp_unsigned("<=", builder.sub(byte, _each(first)), _each(length)) for first, length in spans]


letters_of: Final = _bits(
    lambda builder, byte: _within(builder, builder.or_(byte, _each(0x20)), "az") + _within(builder, byte, "09", "__")
)
"""Letters, digits and underscores of ASCII."""
digits_of: Final = _bits(lambda builder, byte: _within(builder, byte, "09"))
points_of: Final = _bits(lambda builder, byte: _within(builder, byte, ".."))
signs_of: Final = _bits(
    lambda builder, byte: _within(builder, byte, "!!", "%&", "(+", "--", "//", "<>", "[[", "]^", "{~")
)
"""What may be an operator: `!%&()*+-/<=>[]^{|}~`."""
foreign_of: Final = _bits(lambda builder, byte: [builder.icmp_unsigned(">=", byte, _each(0x80))])
"""Bytes that are not of ASCII."""


@instruction
def least_permuted(
    context: Any, hashes: Any, start: Any, end: Any, factors: Any, terms: Any, place: Any, least: Any
) -> Any:
    """Fill LANES places of `least` from `place` on: the least `factor * half + term`, in 32 bits, of the upper halves
    of `hashes[start:end]`.
    """

    def code(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        held, first, last, many_factors, many_terms, at, out = arguments

        def element(number: int, value: Any, index: Any) -> Any:
            return builder.gep(target.make_array(signature.args[number])(target, builder, value).data, [index])

        def lanes(number: int, value: Any) -> Any:
            return builder.bitcast(element(number, value, at), _LANES.as_pointer())

        factor, term = (builder.load(lanes(*of), align=4) for of in ((3, many_factors), (4, many_terms)))
        found = cgutils.alloca_once(builder, _LANES)  # type: ignore[no-untyped-call]
        builder.store(ir.Constant(_LANES, [0xFFFFFFFF] * LANES), found)
        with cgutils.for_range(builder, builder.sub(last, first)) as loop:
            hashed = builder.load(element(0, held, builder.add(first, loop.index)))
            half = builder.trunc(builder.lshr(hashed, ir.Constant(hashed.type, 32)), cgutils.int32_t)
            none = ir.Constant(_LANES, ir.Undefined)
            same = ir.Constant(_LANES, [0] * LANES)
            each = builder.shuffle_vector(builder.insert_element(none, half, cgutils.int32_t(0)), none, same)
            value, before = builder.add(builder.mul(each, factor), term), builder.load(found)
            builder.store(builder.select(builder.icmp_unsigned("<", value, before), value, before), found)
        builder.store(builder.load(found), lanes(6, out), align=4)
        return cgutils.intp_t(0)

    return nb.types.int64(hashes, nb.types.int64, nb.types.int64, factors, terms, nb.types.int64, least), code


def stream(seed: int, length: int) -> list[int]:
    """`length` random 64-bit numbers by SplitMix64 (Steele et al. 2014): the same in any version of any library."""
    numbers = []
    for step in range(1, length + 1):
        z = (seed + step * _GOLDEN) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        numbers.append(z ^ (z >> 31))
    return numbers
