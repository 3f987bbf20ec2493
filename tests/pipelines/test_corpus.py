import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from lakes import FILE, Lakes, instructions, known, reject

from pipelines import corpus
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.ledger import publish_ledger
from pipelines.recipe import Recipe, SourceUse
from pipelines.workspace import ROOT, Workspace, remember

KNOWN = known("aa", "bb")
PLAIN = Recipe(sources={"aa": None, "bb": None})
QUESTIONS = [
    ("How high is the tower?", "As high as 300 m."),
    ("Name a colour (any).", "Blue."),
    ("Who sings?", "A bird."),
]


@pytest.fixture
def filled(place: Workspace, lake: Lake) -> corpus.Corpus:
    """Two sources, published by the recipes `default` and `raw`; the last row of `aa` is a reject."""
    lakes = Lakes(lake)
    lakes.source("aa", instructions("aa", QUESTIONS), reject("aa", 3, "broken line", '{"text": "The TOWER of'))
    lakes.source("bb", instructions("bb", [("Where is the Tower?", "In Paris.")]))
    state = lakes.state()
    publish_ledger(state, "default", Recipe(sources={"aa": SourceUse(limit=2), "bb": None}), KNOWN)
    publish_ledger(state, "raw", PLAIN, KNOWN)
    return corpus.open("sample")


def test_opening_needs_no_hub_library_and_little_time(place: Workspace) -> None:
    script = (
        "import json, sys, time; from pipelines import corpus; start = time.monotonic();"
        "corpus.open(); took = time.monotonic() - start;"
        "heavy = ('huggingface_hub', 'datasets', 'dagster', 'torch', 'transformers', 'trl', 'argilla');"
        "print(json.dumps([took, [name for name in heavy if name in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    took, imported = json.loads(done.stdout)
    assert imported == []
    assert took < 0.5


def test_the_last_runs_workspace_is_opened(place: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    assert corpus.open(str(folder)).workspace.hub == str(folder)
    remember(place)
    assert corpus.open().workspace == place


def test_curated_is_lazy_and_what_a_recipe_keeps(filled: corpus.Corpus) -> None:
    rows = filled.curated("instruction", side="train")
    assert isinstance(rows, pl.LazyFrame)
    kept = rows.collect()
    assert set(kept["source"]) == {"aa", "bb"}
    assert kept.height == 3, "the recipe takes two rows of aa"
    assert filled.curated("instruction", recipe="raw").collect().height == 4
    assert filled.curated("instruction", side="test").collect().is_empty()


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"family": "instructions"}, r"no family 'instructions'\. Did you mean instruction\?"),
        ({"family": "instruction", "side": "dev"}, r"no side 'dev'\. There are train, validation, test"),
        ({"family": "instruction", "recipe": "defaults"}, r"no published recipe 'defaults'\. Did you mean default\?"),
    ],
)
def test_a_name_that_is_not_there_is_answered_with_those_that_are(
    filled: corpus.Corpus, named: dict[str, str], said: str
) -> None:
    with pytest.raises(TamisError, match=said):
        filled.curated(**named)


def test_nothing_published_says_what_to_do(place: Workspace) -> None:
    empty = corpus.open("sample")
    assert empty.recipes == ()
    assert "nothing yet" in repr(empty)
    assert empty.sources().is_empty()
    assert empty.passes().is_empty()
    with pytest.raises(TamisError, match="none yet: `make run` first"):
        empty.ledger()


def test_a_ledger_reads_as_a_funnel(filled: corpus.Corpus) -> None:
    ledger = filled.ledger()
    lines = repr(ledger).splitlines()
    assert lines[0].startswith("recipe default, pass 1 of ")
    assert lines[0].endswith(": 4 records")
    assert [line.split(maxsplit=1) for line in lines[1:]] == [["3", "kept"], ["1", "not in recipe: row limit"]]
    counts = ledger.counts()
    assert counts.rows() == [
        ("aa", "instruction", "kept", None, 2),
        ("aa", "instruction", "not in recipe", "row limit", 1),
        ("bb", "instruction", "kept", None, 1),
    ]


def test_passes_and_sources_are_tables(filled: corpus.Corpus) -> None:
    assert filled.recipes == ("default", "raw")
    assert filled.passes().select("pass", "recipe").rows() == [(2, "raw"), (1, "default")]
    assert filled.sources().select("source", "repo", "rows", "rejected", "records").rows() == [
        ("aa", "org/aa", 4, 1, 3),
        ("bb", "org/bb", 1, 0, 1),
    ]


def test_why_takes_ids_and_places(filled: corpus.Corpus) -> None:
    assert filled.why("bb/instruction/default.train.0.0", number=2).fates == {"raw": "kept"}
    assert filled.why(f"aa:{FILE}:3").outcome == "rejected"


def test_find_takes_a_text_literally_whatever_its_case(filled: corpus.Corpus) -> None:
    found = filled.find("TOWER")
    assert [hit.id for hit in found.hits] == [
        "aa/instruction/default.train.0.0",
        "bb/instruction/default.train.0.0",
        f"aa:{FILE}:3",
    ]
    assert found.complete
    assert found.hits[0].fates == {"default": "kept", "raw": "kept"}
    assert (found.hits[0].part, found.hits[0].excerpt) == ("prompt", "... How high is the tower? ...")
    assert found.hits[2].fates == {"reject": "broken line"}
    assert [hit.id for hit in filled.find("colour (any).").hits] == ["aa/instruction/default.train.0.1"]
    assert filled.find("c.lour").hits == ()
    assert repr(filled.find("zebra")) == "nothing holds 'zebra'"


def test_find_is_narrowed_and_says_that_there_is_more(filled: corpus.Corpus) -> None:
    assert [hit.id for hit in filled.find("tower", family="instruction", source="bb").hits] == [
        "bb/instruction/default.train.0.0"
    ]
    assert not filled.find("tower", family="cot").hits
    first = filled.find("tower", limit=1)
    assert (len(first.hits), first.complete) == (1, False)
    assert "there are more" in repr(first)
    assert filled.find("a bird").hits[0].part == "completion"


def test_find_tells_what_no_pass_has(place: Workspace, lake: Lake) -> None:
    Lakes(lake).source("aa", instructions("aa", QUESTIONS))
    assert repr(corpus.open("sample").find("bird")).endswith("not published yet")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"text": " "}, "nothing to look for"),
        ({"text": "a", "family": "sft"}, "no family 'sft'"),
        ({"text": "a", "source": "cc"}, r"source 'cc' was read\. There are aa, bb"),
    ],
)
def test_find_refuses_what_it_cannot_look_for(filled: corpus.Corpus, named: dict[str, str], said: str) -> None:
    with pytest.raises(TamisError, match=said):
        filled.find(**named)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux, which says what a process had at most")
def test_find_does_not_hold_the_text_that_it_searches(place: Workspace, lake: Lake) -> None:
    blocks, rows, text = 24, 150, "tamis " * 20_000
    block = instructions("aa", [(f"{n}", text) for n in range(rows)])
    writer = lake.writer("records_instruction", partition="aa")
    for _ in range(blocks):
        writer.write(block)
    staged = writer.close()
    assert staged is not None
    lake.commit("records_instruction", [staged], replace="aa")
    script = (
        "from pathlib import Path; from pipelines import corpus; lake = corpus.open('sample');"
        "peak = lambda: int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) * 1024;"
        "before = peak(); assert not lake.find('x y z').hits; print(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < blocks * rows * len(text) / 2
