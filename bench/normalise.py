"""Normalising: MB of upstream's text a CPU-second by source, whether any text of the answers is lost, and memory.

The first table is of the real rows of the sources that have some in the folder; what their answers should come to is
computed from upstream's columns with nothing of the adapters. The memory is that of OpenThoughts made here, in shards
and row groups as the Hub has them; `TAMIS_BENCH_GB` says how many gigabytes (1; the target is of 5).
"""

import gzip
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow.parquet as pq

from bench.data import hub_folder
from pipelines.normalise import Place, batches, normalise
from pipelines.reading import read
from pipelines.sources import sources
from pipelines.workspace import ROOT

_ROUNDS: Final = 3
_GB: Final = "TAMIS_BENCH_GB"
_GROUP: Final = 1_000
_SHARD: Final = 250 << 20

Row = Mapping[str, Any]
Said = Callable[[Row], Iterator[str]]
"""What the answers of a row should be, as its layout says; nothing for rows that yield none."""
AllSaid = Callable[[list[Row]], Iterator[str]]
"""The same of all rows of a file."""


def _output(row: Row) -> Iterator[str]:
    yield row.get("output", row.get("response"))


def _sides(row: Row) -> Iterator[str]:
    """The turns after the longest common prefix of both transcripts, each stripped; each side keeps its last."""
    turns = [
        [(who, said.strip()) for who, said in zip(parts[1::2], parts[2::2], strict=True)]
        for parts in (re.split(r"\n\n(Human|Assistant):", row[side]) for side in ("chosen", "rejected"))
    ]
    most = min(len(side) for side in turns) - 1
    same = next((n for n in range(most) if turns[0][n] != turns[1][n]), most)
    for side in turns:
        yield from (said for _, said in side[same:])


_WHOLE: Final = re.compile(
    r"\s*<\|begin_of_thought\|>(.*)<\|end_of_thought\|>\s*<\|begin_of_solution\|>(.*)<\|end_of_solution\|>\s*",
    re.DOTALL,
)


def _tagged(row: Row) -> Iterator[str]:
    """Reasoning and solution between their tags, stripped; all of it where the tags are not whole."""
    said = row["conversations"][-1]["value"]
    whole = _WHOLE.fullmatch(said)
    if whole and said.count("<|begin_of") == 2 and said.count("<|end_of") == 2:
        yield from (part.strip() for part in whole.groups())
    else:
        yield said


def _solution(row: Row) -> Iterator[str]:
    """The solution without calculator marks, stripped, and the gold after the marks without separators."""
    solution, gold = row["answer"].split("####")
    yield re.sub(r"<<[^>]*>>", "", solution).strip()
    yield gold.strip().replace(",", "").replace("$", "")


def _in_columns(row: Row) -> Iterator[str]:
    yield row["Complex_CoT"]
    yield row["Response"]


def _last(row: Row) -> Iterator[str]:
    yield row["conversations"][-1]


def _ends(rows: list[Row]) -> Iterator[str]:
    """Answers of trees that no other answer follows, of those that hang together with a root and were not deleted."""
    alive = {row["message_id"]: row for row in rows if not row["deleted"] and row["text"] is not None}
    followed = set()
    rooted = []
    for row in alive.values():
        above = row
        while above["parent_id"] in alive:
            above = alive[above["parent_id"]]
        if above["parent_id"] is None and row["role"] == "assistant":
            rooted.append(row)
            asked = alive.get(row["parent_id"], {})
            followed.add(asked.get("parent_id"))
    return (row["text"] for row in rooted if row["message_id"] not in followed)


_SIGNATURES: Final = re.compile(r"(\s+(~ ?[^\n~$\\]{1,60}|- ?[A-Za-z][\w.]{2,30}))+\s*$")
_NUMBER: Final = re.compile(r"[-+]?\d{1,3}((,\d{3})+|\d*)(\.\d+)?")


def _gold(said: Any) -> str | None:  # noqa: ANN401 -- what upstream has
    """A gold as it is stated, without what separates the thousands of a number; None where there is none."""
    bare = str(said or "").strip()
    number = bare.replace("\\$ ", "").replace("\\$", "").replace(",\\!", ",").replace("{,}", ",")
    return (number.replace(",", "") if _NUMBER.fullmatch(number) else bare) if bare not in ("", "None") else None


def _signed(row: Row) -> Iterator[str]:
    """The solution without signatures at its end, and the gold, where there is one."""
    if (row["solution"] or "").strip():
        gold = _gold(row["answer"])
        yield _SIGNATURES.sub("", row["solution"])
        yield from [gold] if gold else []


def _gt(row: Row) -> Iterator[str]:
    gold = _gold(row["gt_answer"])
    yield from [gold] if gold else []


def _task(row: Row) -> Iterator[str]:
    """What the verifier gets in the place of an answer."""
    yield json.dumps({"numbers": row["nums"], "target": row["target"]}, separators=(",", ":"))


def _each(said: Said) -> AllSaid:
    return lambda rows: (text for row in rows for text in said(row))


_ANSWERS: Final[dict[str, tuple[str, str, AllSaid]]] = {
    "alpaca": ("data/*.parquet", "instruction", _each(_output)),
    "dolly": ("*.jsonl", "instruction", _each(_output)),
    "code_alpaca": ("*.json", "instruction", _each(_output)),
    "lima": ("train.jsonl", "instruction", _each(_last)),
    "oasst1": ("data/*.parquet", "instruction", _ends),
    "hh_rlhf": ("harmless-base/*.jsonl.gz", "preference", _each(_sides)),
    "sky_t1": ("*.json", "cot", _each(_tagged)),
    "gsm8k": ("main/train-*.parquet", "cot", _each(_solution)),
    "medical_o1": ("*.json", "cot", _each(_in_columns)),
    "deepscaler": ("*.json", "cot", _each(_signed)),
    "simplerl_zoo": ("*/train.parquet", "grpo", _each(_gt)),
    "countdown": ("data/*.parquet", "grpo", _each(_task)),
}
"""Files, the family whose answers are counted, and what they should come to, after the stripping that each states."""


def run(data: Path | None) -> str:
    """The tables."""
    folder = hub_folder(data)
    lines = [
        f"data: {folder}; the best of {_ROUNDS} rounds, in batches of 16 MB as the graph reads them",
        "",
        "| source | MB of text | rows | reading MB/s | normalising MB/s | answers kept | columns that are not read |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    text = taken = 0.0
    for name in _ANSWERS:
        if list((folder / sources()[name].repo).glob(_ANSWERS[name][0])):
            size, rows, reading, seconds, kept, unread = _source(folder, name)
            text, taken = text + size, taken + seconds
            rate = f"{size / seconds:.0f}" if size > 0.01 else f"({rows / seconds:,.0f} rows)"
            rates = f"{size / reading:.0f} | {rate}"
            lines.append(f"| {name} | {size:.1f} | {rows:,} | {rates} | {kept:.4f} | {', '.join(unread)} |")
    lines += [f"| all | {text:.1f} | | | {text / taken:.0f} | | |", "", _memory()]
    return "\n".join(lines)


def _source(folder: Path, name: str) -> tuple[float, int, float, float, float, list[str]]:
    """MB of text, rows, CPU seconds of reading and of normalising, the share of the answers' characters kept, and
    upstream's columns that the source does not ask for."""
    declared, (glob, family, said) = sources()[name].reads[0], _ANSWERS[name]
    paths = sorted((folder / sources()[name].repo).glob(glob))
    place = Place(name, "0" * 40, "c", "train", "f", 0, "mit", "en")
    started = time.process_time()
    files = [list(batches((part.rows for part in _read(path, name)), whole_file=declared.whole_file)) for path in paths]
    reading = time.process_time() - started
    frames = [frame for file in files for frame in file]
    done, seconds = [], []
    for _ in range(_ROUNDS):
        started = time.process_time()
        done = [normalise(frame, declared, place) for frame in frames]
        seconds.append(time.process_time() - started)
    upstream = [list(_plainly(path)) for path in paths]
    expected = sum(len(text) for rows in upstream for text in said(rows))
    share = sum(_answers(one.records[family], family) for one in done) / expected
    asked = {
        upstream
        for column, type_ in declared.columns.items()
        for upstream in (getattr(type_, "names", ()) or (column,))
    }
    unread = sorted({key for rows in upstream for key in rows[0]} - asked)
    size = sum(_bytes(frame[column]) for frame in frames for column in frame.columns) / 1e6
    return size, sum(frame.height for frame in frames), reading, min(seconds), share, unread


def _read(path: Path, name: str) -> Iterator[Any]:
    declared = sources()[name].reads[0]
    return read(path, columns=declared.columns, any_of=declared.any_of)


def _plainly(path: Path) -> Iterator[Row]:
    if path.suffix == ".parquet":
        return iter(pq.read_table(path).to_pylist())
    if path.suffix == ".json":
        return iter(json.loads(path.read_text(encoding="utf-8")))
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return (json.loads(line) for line in data.decode().split("\n") if line)


def _answers(records: pl.DataFrame, family: str) -> int:
    """Characters of the parts that answer."""
    parts = {"preference": ("chosen", "rejected"), "cot": ("reasoning", "completion"), "grpo": ("answer",)}.get(
        family, ("completion",)
    )
    total = 0
    for part in parts:
        column = records["verifier_args"] if family == "grpo" and records["answer"].null_count() else records[part]
        texts = column.explode().struct.field("content") if isinstance(column.dtype, pl.List) else column
        total += int(texts.str.len_chars().sum() or 0)
    return total


def _bytes(column: pl.Series) -> int:
    """Bytes of all the text in a column, whatever it is nested in."""
    if column.dtype == pl.String:
        return int(column.str.len_bytes().sum() or 0)
    if isinstance(column.dtype, pl.List):
        return _bytes(column.explode())
    if isinstance(column.dtype, pl.Struct):
        return sum(_bytes(column.struct.field(field.name)) for field in column.dtype.fields)
    return 0


def _memory() -> str:
    """One process normalises a made OpenThoughts; what it held at most."""
    size = float(os.environ.get(_GB, "1"))
    with tempfile.TemporaryDirectory(prefix="tamis-bench-") as folder:
        _make(Path(folder), int(size * 1e9))
        done = subprocess.run(
            [sys.executable, "-m", "bench.normalise", folder], cwd=ROOT, capture_output=True, text=True, check=True
        )
    return f"OpenThoughts made here, {size:g} GB of text ({_GB} sets it): {done.stdout.strip()}"


def _make(folder: Path, size: int) -> None:
    """Shards of OpenThoughts-114k's `metadata`: dictionary-encoded columns, and tests of which many rows share one."""
    words = " ".join(f"word{n % 977} \\frac{{{n}}}{{7}} ∑" for n in range(20_000))
    tests = json.dumps({"inputs": [str(n) for n in range(20_000)], "outputs": ["1"] * 20_000})
    made = shard = 0
    while made < size:
        held, parts = 0, []
        while held < _SHARD and made + held < size:
            start = len(parts) * _GROUP
            thoughts = [f"{start + n} {made}: " + words[n : n + 12_000 + 16 * n] for n in range(_GROUP)]
            code = [n % 10 == 0 for n in range(_GROUP)]
            parts.append(
                pl.DataFrame(
                    {
                        "problem": [f"What is {made + start + n}?" for n in range(_GROUP)],
                        "deepseek_reasoning": thoughts,
                        "deepseek_solution": [text[:2_000] for text in thoughts],
                        "ground_truth_solution": [f"\\boxed{{{n}}}" for n in range(_GROUP)],
                        "domain": ["code" if is_code else "math" for is_code in code],
                        "source": "made",
                        "test_cases": [tests if is_code else None for is_code in code],
                        "starter_code": pl.Series([None] * _GROUP, dtype=pl.String),
                    }
                )
            )
            held += sum(_bytes(parts[-1][name]) for name in parts[-1].columns)
        table = pl.concat(parts).to_arrow()
        pq.write_table(table, folder / f"train-{shard:05}.parquet", row_group_size=_GROUP, compression="zstd")
        made, shard = made + held, shard + 1


def _held(folder: Path) -> str:
    declared = sources()["openthoughts_114k"].reads[0]
    started, size, records, largest = time.process_time(), 0, 0, 0
    for number, path in enumerate(sorted(folder.glob("*.parquet"))):
        place = Place("openthoughts_114k", "0" * 40, "metadata", "train", path.name, number, "apache-2.0", "en")
        for part in _read(path, "openthoughts_114k"):
            done = normalise(part.rows, declared, place)
            held = sum(_bytes(part.rows[name]) for name in part.rows.columns)
            size, largest, records = size + held, max(largest, held), records + done.records["cot"].height
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return (
        f"{records:,} rows read and normalised at {size / 1e6 / seconds:.0f} MB a CPU-second; "
        f"peak {peak / 1e9:.2f} GB, largest batch {largest / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    print(_held(Path(sys.argv[1])))
