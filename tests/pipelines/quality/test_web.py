import json
import os
import subprocess
from pathlib import Path

import polars as pl
import pytest

from pipelines.quality.signal import SIGNALS, Part
from pipelines.quality.web_filters import web_filters
from pipelines.workspace import ROOT

PEER = ROOT / "bench" / "peers" / "datatrove_filters.py"
TOKENS = ("mean_word_chars", "words", "hash_ratio", "ellipsis_ratio", "alpha_word", "stop_words", "gram", "newline")
"""Of what hangs on how words are cut."""


def values(signal: str, *texts: str) -> list[float]:
    given = pl.Series("completion", texts)
    view = pl.concat([given.to_frame(), web_filters(given).rename(lambda name: f"completion.{name}")], how="horizontal")
    of = SIGNALS[signal].of_part
    assert of is not None
    return view.select(of(Part("completion")).alias(signal)).to_series().to_list()


def words(text: str) -> int:
    return web_filters(pl.Series([text]))["web_words"][0]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Hello, world.", 4),
        ("don't I'll it's", 6),
        ("well-known 3.5 1,000 GPT-4", 6),
        ("wait... what?!", 5),
        ('(x) [y] "z"', 9),
        ("e.g. a/b https://a.org/b?c=d", 6),
        ("", 0),
        (" \n\t ", 0),
        ("I. U.S. end.", 4),
    ],
)
def test_words_hold_punctuation_apart(text: str, count: int) -> None:
    assert words(text) == count


def test_lines_and_paragraphs() -> None:
    text = "- one two\nthree...\n\n- one two\n  \nend."
    assert values("gopher_bullet_line_share", text, "• a\r\nb", "") == [2 / 6, 1 / 2, 0]
    assert values("gopher_ellipsis_line_share", text, "a…\nb. . .") == [1 / 6, 1 / 2]
    assert values("gopher_repeated_line_share", text, "a\na", "a\n") == [1 / 5, 1 / 2, 0]
    assert values("gopher_repeated_line_char_share", text) == [9 / len(text)]
    assert values("gopher_repeated_paragraph_share", "a\n\nb\n\n\na", "a\nb\na") == [1 / 3, 0]
    assert values("gopher_repeated_paragraph_char_share", "aé\n\nb\n\n\naé") == [2 / 10]
    assert values("fineweb_punctuated_line_share", text, "a\nb!\n\nc。") == [2 / 4, 2 / 3]
    assert values("fineweb_short_line_share", "x" * 30 + "\n" + "y" * 31) == [1 / 2]
    assert values("fineweb_repeated_line_char_share", "abc\nabc\nx", "\n\n") == [3 / 7, 0]
    assert values("fineweb_newline_ratio", "a\nb\nc d") == [2 / 4]


def test_grams() -> None:
    text = "a b a b c"
    assert values("gopher_top_2gram_share", text, "a") == [2 * 3 / 9, 0]
    assert values("gopher_top_3gram_share", text) == [5 / 9]
    seven = "one two three four five six one two three four five"
    assert values("gopher_repeated_5gram_char_share", seven) == [19 / len(seven)]
    assert values("gopher_repeated_6gram_char_share", seven) == [0]


def test_words_of_gopher() -> None:
    text = "The cat, the # dog... 42 be To"
    assert values("gopher_words", text) == [7]
    assert values("gopher_stop_words", text) == [2]
    assert values("gopher_alpha_word_share", text) == [6 / 10]
    assert values("gopher_hash_ratio", text) == values("gopher_ellipsis_ratio", text) == [1 / 10]
    assert values("gopher_mean_word_chars", "ab, abcd") == [3]


@pytest.mark.slow
def test_values_are_those_of_datatrove(tmp_path: Path) -> None:
    """On 1,000 rows: equal where the definition does not hang on their tokenizer, else by rank."""
    python = os.environ.get("TAMIS_DATATROVE_PYTHON")
    if not python:
        from bench.signals import peer_python

        python = str(peer_python(install=False) or "")
    if not python:
        pytest.skip("datatrove is in no environment: run `make bench signals` first, or set TAMIS_DATATROVE_PYTHON")
    corpus = os.environ.get("TAMIS_DEDUP_CORPUS") or ROOT.parent / "shared" / "dedup-bench" / "corpus.parquet"
    if not Path(corpus).is_file():
        pytest.skip(f"there is no corpus at {corpus}; TAMIS_DEDUP_CORPUS names another place")
    texts = pl.read_parquet(corpus)["text"].sample(1000, seed=1).to_list()
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts))
    out = tmp_path / "out.json"
    subprocess.run([python, str(PEER), str(tmp_path / "texts.jsonl"), "1000", str(out)], check=True)
    theirs = pl.DataFrame(json.loads(out.read_text())["values"])
    assert len(theirs.columns) == 25
    for name in theirs.columns:
        both = pl.DataFrame({"ours": values(name, *texts), "theirs": theirs[name]}).cast(pl.Float64).drop_nulls()
        near = (both["ours"] - both["theirs"]).abs() < 1e-9
        if any(part in name for part in TOKENS) and not near.all():
            ranks = both.select(pl.all().round(12).rank())
            assert ranks.select(pl.corr("ours", "theirs")).item() >= 0.98, name
        else:
            assert near.all(), name
