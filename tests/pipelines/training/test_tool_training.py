"""Runs on a corpus that has rows with tools: from the exports to the report."""

import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from corpora import Row, instruction, lake_state, published
from tool_corpus import record

from pipelines.evaluation import admitted, evaluation_rows
from pipelines.exports import TOOLS, export, exported, ids_of
from pipelines.lake import Lake
from pipelines.lots import by_lot
from pipelines.recipe import Recipe
from pipelines.states import Pass
from pipelines.training import launch, tiny
from pipelines.training.__main__ import _tell
from pipelines.training.compare import comparison
from pipelines.training.loading import load_tokenizer
from pipelines.training.report import LOSSES, ROWS, Report
from pipelines.training.rows import offered, read
from pipelines.training.settings import Order, Run
from pipelines.training.table import training_table
from pipelines.training.tool_texts import NO_TOOLS
from pipelines.workspace import Workspace

RUN = Run.model_validate({"tokens": 1_500, "max_tokens": 256, "batch_tokens": 300, "families": ["instruction"]})
RECIPES = {name: Recipe(sources={"calls": None, "sums": None}, training={"sft": RUN}) for name in ("default", "raw")}


def made_rows() -> list[Row]:
    """Of each source 30 train and 10 test rows; `default` drops some of each. Half of the calls are answered."""
    rows = []
    for n in range(40):
        lake: dict[str, Any] = {
            "side": "test" if n % 4 == 3 else "train",
            "fates": {"default": "rule"} if n % 7 == 0 else {},
        }
        rows.append(record(n, answers=n % 2 == 0, **lake))
        rows.append(instruction(f"sums/{n}", f"What is {n} and 2?", f"{n} and 2 are {n + 2}.", **lake))
    return rows


@dataclasses.dataclass(frozen=True)
class Corpus:
    workspace: Workspace
    lake: Lake
    passes: dict[str, Pass]
    orders: dict[str, Order]

    @property
    def exports(self) -> list[Path]:
        return self.orders["raw"].exports


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    workspace = Workspace(tmp_path_factory.mktemp("tools"), "sample")
    lake, rows = Lake(workspace.lake), made_rows()
    state = lake_state(lake, rows)
    passes = {name: published(state, rows, name) for name in RECIPES}
    for name, one in passes.items():
        export(workspace, one, RECIPES[name])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(launch, "recipes_now", lambda: RECIPES)
        patched.setattr(launch, "recipe_now", RECIPES.__getitem__)
        orders = {name: launch.prepare(workspace, lake, name, "sft").order for name in RECIPES}
    return Corpus(workspace, lake, passes, orders)


@pytest.fixture(scope="module")
def base(corpus: Corpus) -> Path:
    """A tiny base of the corpus, trained for a moment only."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tiny, "_PLAN", tiny._Plan(steps=20))
        order = corpus.orders["raw"]
        return tiny.tiny_base(order.bases, order.base_exports, seed=0)


@pytest.fixture(scope="module")
def trained(corpus: Corpus, base: Path) -> dict[str, Report]:
    from pipelines.training.sft import train

    run = RUN.model_copy(update={"model": str(base)})
    return {name: train(order.model_copy(update={"run": run})) for name, order in corpus.orders.items()}


def ids(files: list[Path]) -> list[str]:
    return [i for file in files for i in pl.read_parquet(ids_of(file))["id"]]


def test_an_order_names_the_exports_of_both_kinds_and_test_rows_of_both(corpus: Corpus) -> None:
    for name, order in corpus.orders.items():
        folder = exported(corpus.workspace, corpus.passes[name])
        files = [folder / f"instruction{tools}" / "train.parquet" for tools in ("", TOOLS)]
        assert order.exports == files
        assert order.base_exports == corpus.exports
        test = pl.read_parquet(order.test)
        assert test["id"].str.starts_with("calls/").sum() == 10
        assert test.height == 20
    calling = pl.read_parquet(corpus.orders["raw"].test).filter(pl.col("id") == "calls/instruction/3")
    held = pl.read_parquet(exported(corpus.workspace, corpus.passes["raw"]) / f"instruction{TOOLS}" / "test.parquet")
    assert calling["completion"].to_list()[0] in held["completion"].to_list(), "test rows are as exports have them"
    assert calling["completion"][0][0]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a":3}'}
    assert json.loads(calling["tools"][0])[0]["function"]["name"] == "add"


def test_rows_of_both_kinds_are_drawn_in_one_lottery(corpus: Corpus, base: Path) -> None:
    table = training_table(corpus.exports, load_tokenizer(str(base)), RUN)
    drawn = by_lot(pl.DataFrame({"id": ids(corpus.exports)}), "train 0")["id"]
    assert table.looked_at["id"].to_list() == drawn.head(len(table.looked_at)).to_list()
    assert {i.split("/")[0] for i in table.rows["id"]} == {"calls", "sums"}
    assert (table.summary.rows, table.summary.no_tools, table.summary.unfit) == (60, 0, 0)
    alone = training_table(corpus.exports[:1], load_tokenizer(str(base)), RUN)
    shared = table.rows.filter(pl.col("id").str.starts_with("sums/"))
    assert shared.equals(alone.rows.head(len(shared))), "the others are what they would be without"


def test_bytes_count_calls_and_definitions(corpus: Corpus) -> None:
    tools = corpus.exports[1]
    first = pl.read_parquet(tools).row(0, named=True)
    said = first["prompt"] + first["completion"]
    functions = [call["function"] for message in said for call in message["tool_calls"] or []]
    expected = sum(len(message["content"]) for message in said) + len(first["tools"])
    expected += sum(len(f["name"]) + len(f["arguments"]) for f in functions)
    assert offered(corpus.exports)["bytes"][offered(corpus.exports[:1]).height] == expected
    calls = pl.read_parquet(tools).with_row_index().filter(pl.col("completion").list.first().struct["content"] == "")
    sizes = offered([tools], "completion")["bytes"]
    assert [sizes[i] for i in calls["index"]] == [
        len("add" + completion[0]["tool_calls"][0]["function"]["arguments"]) for completion in calls["completion"]
    ]


def test_rows_are_read_with_their_tools(corpus: Corpus) -> None:
    wanted = offered(corpus.exports)
    parts = dict(zip(("plain", "tools"), (rows for _, rows in read(corpus.exports, wanted)), strict=True))
    assert parts["plain"].columns == ["prompt", "completion"]
    assert parts["tools"].columns == ["prompt", "completion", "tools"]
    assert parts["tools"].equals(pl.read_parquet(corpus.exports[1]))


def test_a_tiny_base_is_made_of_definitions_and_calls_too(corpus: Corpus) -> None:
    texts = tiny._texts(corpus.exports, 0)
    assert len(texts) == 60
    calls = [text for text in texts if text.startswith("[{")]
    assert len(calls) == 30
    assert all(re.search(r'\{"a":\d+\}', text) and "Adds." in text for text in calls)


def test_runs_learn_from_rows_with_tools_and_are_compared_on_them(corpus: Corpus, trained: dict[str, Report]) -> None:
    for name, report in trained.items():
        out = corpus.orders[name].out
        assert report.tokens == RUN.tokens
        assert report.rows.no_tools == report.rows.unfit == report.rows.too_long == 0
        rows = pl.read_parquet(out / ROWS)
        assert {i.split("/")[0] for i in rows.filter(pl.col("reason").is_null())["id"]} == {"calls", "sums"}
        losses = pl.read_parquet(out / LOSSES)
        assert losses["id"].str.starts_with("calls/").sum() == 10
        assert report.evaluation is not None
        assert report.evaluation.all.rows == 20
        assert report.last_loss < report.first_loss
        calls = losses.filter(pl.col("id").str.starts_with("calls/"))
        assert (calls["nll"] > 0).all()
    found = comparison(*(corpus.orders[name].out for name in ("default", "raw")))
    assert found.refused is None
    assert found.all is not None
    assert found.all.rows == 20


@pytest.fixture
def knowing_none(base: Path, tmp_path: Path) -> Path:
    """The base, with a template that passes over tools in silence."""
    folder = tmp_path / "old"
    shutil.copytree(base, folder)
    tokenizer = load_tokenizer(str(base))
    tokenizer.chat_template = tokenizer.chat_template.replace("if tools", "if false").replace("tool_calls", "nothing")
    tokenizer.save_pretrained(folder)
    return folder


def test_rows_whose_tools_the_template_drops_are_left_out_and_told(
    corpus: Corpus, knowing_none: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipelines.training.sft import train

    run = RUN.model_copy(update={"model": str(knowing_none), "tokens": 600})
    order = corpus.orders["raw"].model_copy(update={"run": run, "out": tmp_path / "out"})
    report = train(order)
    rows = pl.read_parquet(order.out / ROWS)
    left_out = rows.filter(pl.col("reason") == NO_TOOLS)
    assert left_out["id"].to_list() == rows.filter(pl.col("id").str.starts_with("calls/"))["id"].to_list()
    assert report.rows.no_tools == left_out.height > 0
    said = report.rows
    assert said.rows == said.used + said.too_long + said.unfit + said.no_tools + said.not_reached == 60
    assert report.evaluation is not None
    assert (report.evaluation.no_tools, report.evaluation.all.rows) == (10, 10)
    assert f"0 unfit, {left_out.height} left out: {NO_TOOLS}" in capsys.readouterr().out
    assert Report.read(order.out) == report
    told: dict[str, Any] = {}

    class Pipes:
        def report_asset_materialization(self, metadata: dict[str, Any]) -> None:
            told.update(metadata)

    _tell(Pipes(), order, report, 1.0)  # type: ignore[arg-type]
    assert (told["rows_no_tools"], told["test_rows_no_tools"]) == (left_out.height, 10)


def test_a_report_of_before_can_still_be_read(trained: dict[str, Report], tmp_path: Path) -> None:
    old = json.loads(trained["raw"].model_dump_json())
    del old["rows"]["no_tools"], old["evaluation"]["no_tools"]
    (tmp_path / "report.json").write_text(json.dumps(old))
    assert Report.read(tmp_path) == trained["raw"]


def test_a_recipe_of_rows_with_tools_alone_can_be_trained_on(
    place: Workspace, lake: Lake, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row for row in made_rows() if row.source == "calls"]
    monkeypatch.setattr(launch, "recipes_now", lambda: RECIPES)
    monkeypatch.setattr(launch, "recipe_now", RECIPES.__getitem__)
    export(place, published(lake_state(lake, rows), rows, "raw"), RECIPES["raw"])
    prepared = launch.prepare(place, lake, "raw", "sft")
    assert prepared.train_rows == {"instruction-tools": 30}
    assert prepared.test_rows == 10
    table = training_table(prepared.order.exports, load_tokenizer(str(base)), RUN)
    assert table.summary.used > 0


def test_test_rows_are_redacted_as_exports_are(place: Workspace, lake: Lake) -> None:
    row = record(1, side="test")
    row = dataclasses.replace(row, own=row.own | {"tools": '[{"name": "mail", "to": "ann@example.org"}]'})
    one = published(lake_state(lake, [row]), [row], "raw")
    recipe = RECIPES["raw"].model_copy(update={"redact": ["emails"]})
    found = evaluation_rows(one, recipe, admitted([one], ["instruction"]), ["instruction"])
    assert found["tools"].to_list() == ['[{"name": "mail", "to": "[e-mail]"}]']
