"""Tables of separated values (CSV, TSV) in a stream: records cut by the rules of RFC 4180, the broken ones set apart.

A field in quotes may hold separators, quotes (doubled) and new lines; a quote elsewhere stands for itself. An empty
field is null, one of two quotes an empty text. The first record holds the names of the columns.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from pipelines.errors import TamisError
from pipelines.kernels.kernel import kernel
from pipelines.reading.asked import Asked
from pipelines.reading.batch import BROKEN, EXCERPT, Batch
from pipelines.reading.errors import no_such_column
from pipelines.reading.frames import asked_of
from pipelines.reading.halving import faulty
from pipelines.reading.lines import LONGEST

SEPARATORS: Final = ",\t;|"
_BOM: Final = b"\xef\xbb\xbf"
_QUOTE, _NEWLINE, _RETURN = 34, 10, 13
_NULL, _PLAIN, _QUOTED = 0, 1, 2

UNCLOSED: Final = "a quote is not closed"


def separator_of(head: bytes) -> str:
    """What separates the names in the first line: of the usual ones the most frequent outside quotes."""
    line = head.removeprefix(_BOM).partition(b"\n")[0].decode(errors="replace")
    bare = "".join(line.split('"')[::2])
    return max(SEPARATORS, key=bare.count)


def read_csv(path: Path, stream: pa.NativeFile, asked: Asked, limit: int | None, batch_bytes: int) -> Iterator[Batch]:
    """See `pipelines.reading.read`. Rows are counted without the line of names; blank lines are no rows.

    TamisError for a file without names of columns, or with one name twice.
    """
    records = _records(stream, batch_bytes)
    data, fields = _first(path, records)
    names = _names(data, fields, path)
    if missing := asked.missing(names):
        raise no_such_column(missing, names, path)
    chosen = [position for position, name in enumerate(names) if name in asked.upstream]
    fields = fields.after_first()
    done = 0
    while True:
        left = None if limit is None else limit - done
        part = fields.head(left)
        if part.rows:
            yield _batch(data, part, names, chosen, done, asked, path)
            done += part.rows
        if done == limit:
            return
        following = next(records, None)
        if following is None:
            return
        data, fields = following


def _first(
    path: Path, records: Iterator[tuple[npt.NDArray[np.uint8], "_Fields"]]
) -> tuple[npt.NDArray[np.uint8], "_Fields"]:
    first = next(records, None)
    if first is None:
        raise TamisError("it is empty", where=str(path), cure="A table has the names of its columns in its first line.")
    return first


class _Fields:
    """Where the fields of records stand: `starts`, `ends` and `kinds` of each, `counts` of the fields a record.

    `closed`: whether each record's quotes are.
    """

    def __init__(self, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], kinds: npt.NDArray[np.uint8],
                 counts: npt.NDArray[np.int64], closed: npt.NDArray[np.bool_]) -> None:  # fmt: skip
        self.starts, self.ends, self.kinds, self.counts, self.closed = starts, ends, kinds, counts, closed
        self.firsts = np.concatenate([[0], np.cumsum(counts)])[:-1]

    @property
    def rows(self) -> int:
        return len(self.counts)

    def of(self, record: int) -> slice:
        return slice(self.firsts[record], self.firsts[record] + self.counts[record])

    def after_first(self) -> "_Fields":
        cut = int(self.counts[0])
        return _Fields(self.starts[cut:], self.ends[cut:], self.kinds[cut:], self.counts[1:], self.closed[1:])

    def head(self, rows: int | None) -> "_Fields":
        if rows is None or rows >= self.rows:
            return self
        cut = int(self.counts[:rows].sum())
        return _Fields(self.starts[:cut], self.ends[:cut], self.kinds[:cut], self.counts[:rows], self.closed[:rows])


def _records(stream: pa.NativeFile, size: int) -> Iterator[tuple[npt.NDArray[np.uint8], _Fields]]:
    """Blocks of whole records of about `size` bytes. What is longer than `LONGEST` comes as one that is not closed."""
    held, step, separator = b"", size, 0
    first = True
    while True:
        chunk = stream.read(step)
        data = held + bytes(chunk)
        if first:
            data = data.removeprefix(_BOM)
            separator = ord(separator_of(data))
            first = False
        ended = not chunk
        view = np.frombuffer(data, np.uint8)
        most = len(data) + 2
        starts, ends = np.empty(most, np.int64), np.empty(most, np.int64)
        kinds, counts = np.empty(most, np.uint8), np.empty(most, np.int64)
        closed = np.empty(most, np.bool_)
        fields, records, cut = _scan(view, separator, ended, starts, ends, kinds, counts, closed)
        if not records and not ended and len(data) > LONGEST:
            fields, records, cut = _scan(view, separator, True, starts, ends, kinds, counts, closed)
            closed[:records] = False
        if records:
            yield (
                view,
                _Fields(
                    starts[:fields].copy(), ends[:fields].copy(), kinds[:fields].copy(), counts[:records].copy(),
                    closed[:records].copy(),
                ),
            )  # fmt: skip
        held = data[cut:]
        step = size if records else min(step * 2, LONGEST)
        if ended:
            return


@kernel
def _scan(
    data: npt.NDArray[np.uint8],
    separator: int,
    ended: bool,
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.uint8],
    counts: npt.NDArray[np.int64],
    closed: npt.NDArray[np.bool_],
) -> tuple[int, int, int]:
    """Follow records from the start of `data`; how many fields and records are whole, and where the next one begins.

    `ended`: the last record may lack its new line.
    """
    fields, records, place, size, begun = 0, 0, 0, data.size, 0
    while place < size:
        first, open_ = fields, False
        while True:
            start, kind, end = place, _NULL, place
            if place < size and data[place] == _QUOTE:
                kind = _QUOTED
                place += 1
                start = place
                while place < size:
                    if data[place] == _QUOTE:
                        if place + 1 < size and data[place + 1] == _QUOTE:
                            place += 1
                        else:
                            break
                    place += 1
                open_ = open_ or place >= size
                end = place
                place += 1
                while place < size and data[place] != separator and data[place] != _NEWLINE:
                    if data[place] != _RETURN and data[place] != 32:
                        kind = _PLAIN  # text behind the closing quote: the field stands as it is written
                    place += 1
                if kind == _PLAIN:
                    start, end = start - 1, place
            else:
                while place < size and data[place] != separator and data[place] != _NEWLINE:
                    place += 1
                end = min(place, size)
            if kind != _QUOTED:
                if end > start and end <= size and data[end - 1] == _RETURN and (place >= size or data[place] == 10):
                    end -= 1
                kind = _PLAIN if end > start else _NULL
            starts[fields], ends[fields], kinds[fields] = start, min(end, size), kind
            fields += 1
            if place < size and data[place] == separator:
                place += 1
                if place < size:
                    continue
                starts[fields], ends[fields], kinds[fields] = place, place, _NULL
                fields += 1
            break
        if place >= size and not ended:
            return first, records, begun
        place += 1
        begun = min(place, size)
        if fields - first == 1 and kinds[first] == _NULL:
            fields = first  # a blank line
            continue
        counts[records], closed[records] = fields - first, not open_
        records += 1
    return fields, records, begun


@kernel
def _column(
    data: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The bytes of fields, doubled quotes made single, and where each begins."""
    most = 0
    for number in range(starts.size):
        most += ends[number] - starts[number]
    out, places = np.empty(most, np.uint8), np.zeros(starts.size + 1, np.int64)
    written = 0
    for number in range(starts.size):
        place = starts[number]
        while place < ends[number]:
            out[written] = data[place]
            written += 1
            doubled = kinds[number] == _QUOTED and data[place] == _QUOTE and place + 1 < ends[number]
            place += 2 if doubled else 1
        places[number + 1] = written
    return out[:written], places


def _texts(data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64],
           kinds: npt.NDArray[np.uint8]) -> pa.LargeBinaryArray:  # fmt: skip
    out, places = _column(data, starts, ends, kinds)
    valid = pa.array(kinds != _NULL).buffers()[1]
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(starts), [valid, pa.py_buffer(places), pa.py_buffer(out)]
    )


def _names(data: npt.NDArray[np.uint8], fields: _Fields, path: Path) -> list[str]:
    mine = fields.of(0)
    raw = _texts(data, fields.starts[mine], fields.ends[mine], fields.kinds[mine]).to_pylist()
    names = [(name or b"").decode(errors="replace").strip() for name in raw]
    twice = [name for position, name in enumerate(names) if name and name in names[:position]]
    if twice:
        raise TamisError(f"two columns are called {twice[0]!r}", where=str(path), cure="Give each a name of its own.")
    return names


def _batch(
    data: npt.NDArray[np.uint8],
    fields: _Fields,
    names: list[str],
    chosen: list[int],
    first: int,
    asked: Asked,
    path: Path,
) -> Batch:
    even = fields.counts == len(names)
    good = np.flatnonzero(even & fields.closed)
    columns = {
        names[position]: _texts(
            data,
            fields.starts[fields.firsts[good] + position],
            fields.ends[fields.firsts[good] + position],
            fields.kinds[fields.firsts[good] + position],
        )
        for position in chosen
    }
    foul = sorted({place for column in columns.values() for place in faulty(len(good), _sound(column))})
    rows = np.arange(first, first + fields.rows)
    odd = np.flatnonzero(~(even & fields.closed))
    reasons = [
        UNCLOSED if not fields.closed[record] else f"{fields.counts[record]} fields, not {len(names)}"
        for record in odd.tolist()
    ]
    bad = np.concatenate([odd, good[foul]]).astype(np.int64)
    broken = pl.DataFrame(
        {
            "row": rows[bad],
            "reason": reasons + ["not valid UTF-8"] * len(foul),
            "excerpt": [_excerpt(data, fields, record) for record in bad.tolist()],
        },
        schema=BROKEN,
    ).sort("row")
    sound = np.delete(np.arange(len(good)), foul)
    kept = pa.array(sound)
    frame = pl.DataFrame(
        {name: pl.Series(name, column.take(kept).cast(pa.large_string())) for name, column in columns.items()}
    )
    return asked_of(frame, pl.Series("row", rows[good[sound]]), broken, asked, path)


def _sound(column: pa.LargeBinaryArray) -> Callable[[int, int], bool]:
    def sound(start: int, stop: int) -> bool:
        try:
            column.slice(start, stop - start).cast(pa.large_string())
        except pa.ArrowInvalid:
            return False
        return True

    return sound


def _excerpt(data: npt.NDArray[np.uint8], fields: _Fields, record: int) -> str:
    mine = fields.of(record)
    begins, ends = int(fields.starts[mine][0]), int(fields.ends[mine][-1])
    return bytes(data[begins : min(ends, begins + 4 * EXCERPT)]).decode(errors="replace")[:EXCERPT]


def rows_as_texts(path: Path, stream: pa.NativeFile, most: int, size: int) -> tuple[list[dict[str, str | None]], int]:
    """The first sound rows of a table with all their columns, at most so many, and how many broken ones are among them.

    TamisError as `read_csv` says.
    """
    records = _records(stream, size)
    data, fields = _first(path, records)
    names = _names(data, fields, path)
    asked = Asked.of(dict.fromkeys(names, pl.String))
    places = list(range(len(names)))
    part = fields.after_first()
    found: list[dict[str, str | None]] = []
    broken = 0
    while True:
        batch = _batch(data, part.head(most - len(found)), names, places, 0, asked, path)
        found += batch.rows.select(names).to_dicts()
        broken += batch.broken.height
        following = next(records, None) if len(found) < most else None
        if following is None:
            return found, broken
        data, part = following
