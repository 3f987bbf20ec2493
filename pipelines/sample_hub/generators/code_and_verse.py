"""The sets of code, which are told in Alpaca's columns and in Synthia's, and of verse, a row a line."""

from typing import Any, Final

import polars as pl

from pipelines.sample_hub.content import load
from pipelines.sample_hub.generators.samples import File, Numbers, Sample
from pipelines.sample_hub.rows import columns

_ALPACA: Final = slice(0, 12)
_SYNTHIA: Final = slice(12, 22)
"""Which of the tasks about code are told by which set."""

_SYSTEM: Final = (
    "Elaborate on the topic using a Tree of Thoughts and backtrack when necessary to construct a clear, cohesive Chain "
    "of Thought reasoning. Always answer without hesitation."
)


def _code_alpaca(_: Numbers) -> list[File]:
    rows = [
        {"instruction": task["ask"], "input": task.get("input", ""), "output": task["code"]}
        for task in load("code")[_ALPACA]
    ]
    frame = pl.DataFrame(rows, columns(instruction=pl.String, input=pl.String, output=pl.String))
    return [File("code_alpaca_20k.json", frame)]


def _synthia_coder(_: Numbers) -> list[File]:
    rows = [{"system": _SYSTEM, "instruction": task["ask"], "response": _explained(task)} for task in _tasks()]
    schema = columns(system=pl.String, instruction=pl.String, response=pl.String)
    names = [f"Synthia-Coder-v1.5-I-{number}.jsonl" for number in (1, 2, 3)]
    return [File(name, pl.DataFrame(rows[place::3], schema)) for place, name in enumerate(names)]


def _tasks() -> list[dict[str, str]]:
    found: list[dict[str, str]] = load("code")[_SYNTHIA]
    return found


def _explained(task: dict[str, str]) -> str:
    return f"{task['why']}\n\n```\n{task['code']}\n```"


def _verse(generator: Numbers) -> list[File]:
    rows: list[dict[str, Any]] = [
        {
            "verse": line,
            "size_verse": len(line.split()),
            "order_verse": order,
            "title": title,
            "link": f"https://en.wikisource.org/wiki/{title.replace(' ', '_')}",
        }
        for title, poem in load("poems").items()
        for order, line in enumerate(poem.splitlines(), 1)
    ]
    schema = columns(verse=pl.String, size_verse=pl.Int32, order_verse=pl.Int32, title=pl.String, link=pl.String)
    mixed = [rows[place] for place in generator.permutation(len(rows))]
    return [File("verse_wikisource.parquet", pl.DataFrame(mixed, schema))]


SAMPLES: Final = (
    Sample("code_alpaca", "sahil2801/CodeAlpaca-20k", {"license": "cc-by-nc-4.0", "language": ["en"]}, _code_alpaca),
    Sample("synthia_coder", "migtissera/Synthia-Coder-v1.5-I", {"license": "apache-2.0"}, _synthia_coder),
    Sample("verse_wikisource", "PleIAs/verse-wikisource", {}, _verse),
)
