import time

import polars as pl
import pytest

from pipelines.quality import parsing
from pipelines.quality.code import LARGEST, blocks_judged, parsers

SOUND = {
    "python": "def f(x):\n    return x + 1",
    "javascript": "const f = (x) => x + 1;",
    "typescript": "const f = (x: number): number => x + 1;",
    "java": "class A { int f(int x) { return x + 1; } }",
    "c": "int f(int x) { return x + 1; }",
    "cpp": "template <class T> T f(T x) { return x + 1; }",
    "rust": "fn f(x: i32) -> i32 { x + 1 }",
    "go": "package a\n\nfunc f(x int) int { return x + 1 }",
    "bash": 'for f in *.py; do echo "$f"; done',
    "json": '{"a": [1, 2]}',
}
BROKEN = {name: code[: len(code) // 2] + " ((( " for name, code in SOUND.items()}


def fenced(tag: str, code: str) -> str:
    return f"So:\n\n```{tag}\n{code}\n```\n"


@pytest.fixture(scope="module")
def workers():
    with parsers(1) as found:
        yield found


def test_every_language_is_parsed(workers) -> None:
    assert set(SOUND) == set(parsing.NAMES)
    texts = pl.Series([fenced(tag, code[name]) for name in SOUND for tag in (name,) for code in (SOUND, BROKEN)])
    found = blocks_judged(texts, workers)
    assert found["judged_code_blocks"].to_list() == [1] * len(texts)
    assert found["broken_code_blocks"].to_list() == [0, 1] * len(SOUND)


def test_blocks_are_counted_and_named(workers) -> None:
    both = fenced("py", SOUND["python"]) + fenced("", "x") + fenced("PYTHON3", BROKEN["python"])
    texts = pl.Series([both, "no code", None, "```py\nopen", fenced("brainf", "+"), fenced("{.python .x}", "1")])
    rows = [(3, 1, 2, 1), (0,) * 4, (None,) * 4, (0,) * 4, (1, 0, 0, 0), (1, 0, 1, 0)]
    assert blocks_judged(texts, workers).rows() == rows


def test_sessions_and_notebooks_are_read_as_such(workers) -> None:
    session = ">>> for x in (1, 2):\n...     x\n1\n2\n>>> x\n2"
    found = blocks_judged(
        pl.Series([fenced("python", session), fenced("py", "!pip install x\n%time 1\nx = 1")]), workers
    )
    assert found["broken_code_blocks"].to_list() == [0, 0]


HOSTILE = {
    "brackets": ("python", "(" * 40_000),
    "signs": ("python", "-" * 49_000 + "1"),
    "powers": ("python", "9**" * 15_000 + "9"),
    "a long number": ("python", "9" * 49_000),
    "lambdas": ("python", "lambda: " * 6_000 + "1"),
    "nested strings": ("python", "f'{" * 5_000),
    "NUL": ("python", "x = '\0'"),
    "attributes": ("python", "a" + ".b" * 24_000),
    "elifs": ("python", "if a: pass\n" + "elif a: pass\n" * 3_700),
    "braces": ("javascript", "{" * 49_000),
    "regular expressions": ("javascript", "/" * 49_000),
    "templates": ("cpp", "a<" * 24_000),
    "heredocs": ("bash", "cat <<A\n" * 6_000),
    "brackets of JSON": ("json", "[" * 49_000),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_code_costs_little_and_no_other_block(workers, hostile: str) -> None:
    tag, code = HOSTILE[hostile]
    assert len(code) <= LARGEST
    started = time.monotonic()
    found = blocks_judged(pl.Series([fenced(tag, code), fenced("py", "x = 1"), fenced("py", "x =")]), workers)
    assert time.monotonic() - started < 30
    assert found["judged_code_blocks"].to_list()[1:] == [1, 1]
    assert found["broken_code_blocks"].to_list()[1:] == [0, 1]


def test_a_large_block_is_counted_and_not_judged(workers) -> None:
    assert blocks_judged(pl.Series([fenced("py", "x" * LARGEST + "1")]), workers).row(0) == (1, 0, 0, 0)


def test_processes_are_started_where_none_are_given() -> None:
    assert blocks_judged(pl.Series([fenced("py", "x = 1")])).row(0) == (1, 0, 1, 0)
