"""`tamis add`: an entry in `lake.yaml` that the graph takes for a source, with as many rows out as the file has."""

from pathlib import Path

import polars as pl
import pytest
from added_sources import LAKE, added, counts, own_lake, read, written
from hub_repositories import write
from hub_switch import CACHE, serving
from typer.testing import CliRunner
from unseen_rows import TOOLS, VARIANTS, rows

from pipelines.catalogue import settings_now
from pipelines.cli import app
from pipelines.errors import TamisError
from pipelines.hub import Hub
from pipelines.lake import Lake
from pipelines.layouts.known import LAYOUTS
from pipelines.sources import sources
from pipelines.unseen import place as unseen_place
from pipelines.unseen.adding import Wish, add, keys, write_file
from pipelines.unseen.inspection import inspect
from pipelines.workspace import Workspace

ONE_EACH = [next(name for name, (layout, _) in VARIANTS.items() if layout == wanted) for wanted in LAYOUTS]


@pytest.fixture
def lake_file(tmp_path: Path, monkeypatch):
    with own_lake(monkeypatch, tmp_path) as file:
        yield file


@pytest.mark.parametrize("name", [*ONE_EACH, "scored_rows", "messages_with_tools"])
def test_a_file_of_each_layout_becomes_a_source_with_all_its_rows(
    tmp_path: Path, place: Workspace, lake_file: Path, name: str
) -> None:
    form = "parquet" if name in ("messages_with_tools", "verl") else "jsonl"
    addition = added(written(tmp_path / f"{name}.{form}", rows(name, 12)), place, Wish(name=f"new_{name}"))
    done = read(addition.name, place)
    parts = 5 if name == "scored_rows" else 0  # seven prompts, each the record of its first row
    assert counts(done) == (12, 12 - parts, 0, parts)
    assert sources()[addition.name].families == tuple(LAYOUTS[VARIANTS[name][0]].made(addition.fit.columns).families)


def test_repositories_of_each_layout_become_sources_with_all_their_rows(
    tmp_path: Path, place: Workspace, lake_file: Path
) -> None:
    hub_folder = tmp_path / "hub"
    for name in ("messages", "preference", "verl"):
        written(hub_folder / "team" / name / "data" / "train.jsonl", rows(name, 7))
        write(hub_folder / "team" / name / "README.md", "---\nlicense: cc-by-4.0\n---\n")
    written(hub_folder / "team/forms/train.csv", rows("question_answer", 7))
    with serving(hub_folder):
        hub = Hub(None, CACHE, online=False)
        for name in ("messages", "preference", "verl", "forms"):
            addition = added(f"team/{name}", place, hub=hub)
            assert counts(read(addition.name, place, hub)) == (7, 7, 0, 0)
    assert sources()["messages"].license == "cc-by-4.0"
    records = Lake(place.lake).scan("records_instruction").filter(pl.col("source") == "messages").collect()
    assert set(records["license"]) == {"cc-by-4.0"}
    assert records["meta"].str.json_path_match("$.source").to_list() == ["made up"] * 7


def test_tools_calls_and_answers_are_kept(tmp_path: Path, place: Workspace, lake_file: Path) -> None:
    for name in ("messages_with_tools", "messages_with_json_tools", "sharegpt_tools"):
        added(written(tmp_path / f"{name}.jsonl", rows(name, 3)), place)
        read(name, place)
        record = (
            Lake(place.lake).scan("records_instruction").filter(pl.col("source") == name).collect().row(0, named=True)
        )
        offered = pl.Series([record["tools"]]).str.json_path_match("$[0].function.name")[0]
        assert offered == TOOLS[0]["function"]["name"]
        asked, call, told = record["prompt"]
        assert (asked["role"], call["role"], told["role"]) == ("user", "assistant", "tool")
        assert pl.Series([call["tool_calls"]]).str.json_path_match("$[0].function.name")[0] == "multiply"
        assert "product" in told["content"]


def test_the_file_keeps_its_comments_and_order(tmp_path: Path, place: Workspace, lake_file: Path) -> None:
    rest = "\n# Theirs.\nrejects_at_most: 0.5\n"
    first = "sources:\n    # a comment\n    ours:  # another\n        files: x.jsonl\n        layout: messages\n"
    first += "        columns:\n            messages: talk  # here\n        # the last one\n"
    lake_file.write_text(LAKE + first + rest)
    added(written(tmp_path / "new set-1.jsonl", rows("messages")), place)
    text = lake_file.read_text()
    entry = f'    new_set_1:\n      files: "{tmp_path}/new set-1.jsonl"\n      layout: messages\n'
    entry += "      columns: {messages: messages}\n      keep: [source, score]\n"
    start = first.removesuffix("        # the last one\n")
    assert text == LAKE + start + entry + "        # the last one\n" + rest
    assert list(sources())[-2:] == ["ours", "new_set_1"]


@pytest.mark.parametrize("before", ["sources:\n", "sources: {}\n", "sources: {}  # none\n", "", "pair_floor: 0.8"])
def test_any_beginning_will_do(tmp_path: Path, place: Workspace, lake_file: Path, before: str) -> None:
    lake_file.write_text(before)
    added(written(tmp_path / "a.jsonl", rows("messages")), place)
    added(written(tmp_path / "b.jsonl", rows("verl")), place)
    assert list(sources())[-2:] == ["a", "b"]


def test_what_is_wrong_is_said_and_nothing_written(tmp_path: Path, place: Workspace, lake_file: Path) -> None:
    path = written(tmp_path / "talks.jsonl", rows("messages"))
    odd = written(tmp_path / "odd.jsonl", [{"text": "a"}, {"text": "b"}])
    wishes = {
        "there is a source gsm8k already": (path, Wish(name="gsm8k")),
        "is no name of a source": (path, Wish(name="Mine!")),
        "no layout fits": (odd, Wish()),
        "there is no layout 'chat'": (path, Wish(layout="chat")),
        "there is no column 'ask'": (path, Wish(layout="prompt-completion", columns={"prompt": "ask"})),
        "needs columns for prompt and completion": (odd, Wish(layout="alpaca")),
        "has no role 'reply'": (path, Wish(layout="messages", columns={"reply": "messages"})),
        "has no split dev": (path, Wish(splits=("dev",))),
        "no row yields a record": (odd, Wish(layout="messages", columns={"messages": "text"})),
    }
    for why, (what, wish) in wishes.items():
        with pytest.raises(TamisError, match=why):
            added(what, place, wish)
    with pytest.raises(TamisError, match="no such file or folder"):
        added(tmp_path / "nothing.jsonl", place)
    assert lake_file.read_text() == LAKE


def test_a_user_names_what_cannot_be_seen(tmp_path: Path, place: Workspace, lake_file: Path) -> None:
    path = written(tmp_path / "odd.csv", [{"ask": f"What is {n}?", "reply": f"It is {n}."} for n in range(5)])
    said = keys(["prompt=ask", "completion=reply"])
    addition = added(path, place, Wish(columns=said, licence="mit", language="en"))
    assert (addition.name, addition.fit.layout) == ("odd", "prompt-completion")
    assert counts(read("odd", place)) == (5, 5, 0, 0)
    record = Lake(place.lake).scan("records_instruction").head(1).collect().row(0, named=True)
    assert (record["license"], record["language"]) == ("mit", "en")
    with pytest.raises(TamisError, match="'prompt' is not role=name"):
        keys(["prompt"])


def test_a_source_file_is_written_that_reads_the_rows(tmp_path: Path, place: Workspace, lake_file: Path) -> None:
    written(tmp_path / "hub/team/set/train.jsonl", rows("preference_question"))
    with serving(tmp_path / "hub"):
        seen = inspect("team/set", Hub(None, CACHE, online=False), place)
    addition = write_file(seen, Wish(name="team_set"), tmp_path)
    text = addition.file.read_text()
    assert len(text.splitlines()) < 30
    scope: dict = {"__name__": "pipelines.sources.source"}
    exec(compile(text, str(addition.file), "exec"), scope)
    (declared,) = scope["SOURCE"].reads
    assert (scope["SOURCE"].repo, declared.splits, tuple(declared.families)) == (
        "team/set",
        ("train",),
        ("preference",),
    )
    with pytest.raises(TamisError, match="is there already"):
        write_file(seen, Wish(name="team_set"), tmp_path)


def test_the_commands_say_what_was_found_and_what_comes_next(
    tmp_path: Path, place: Workspace, lake_file: Path, monkeypatch
) -> None:
    monkeypatch.setenv("TAMIS_HUB", "sample")
    path = written(tmp_path / "talks.jsonl", rows("messages"))
    shown = CliRunner().invoke(app, ["inspect", str(path)])
    assert shown.exit_code == 0
    for said in ("a file of", "messages  a list", "row 0", "1 file", "12 of 12 rows give records", "no column for"):
        assert said in shown.output
    answer = CliRunner().invoke(app, ["add", str(path), "--name", "mine"])
    assert answer.exit_code == 0
    for said in ("mine is a source now", "Reload definitions", "default.yaml: add `mine:` under sources"):
        assert said in answer.output


@pytest.mark.parametrize(
    ("entry", "line", "said"),
    [
        ("{files: a, layout: chat, columns: {messages: m}}", 4, "sources.mine.layout: there is no layout 'chat'"),
        ("{files: a, layout: messages, columns: {talk: m}}", 4, "sources.mine.columns: .* has no role talk"),
        ("{files: a, layout: alpaca, columns: {prompt: m}}", 4, "columns: .* needs prompt and completion"),
        ("{layout: messages, columns: {messages: m}}", 4, "sources.mine: .*name one of `repo` and `files`"),
        ("{files: a, layout: messages, columns: {messages: [m, n]}}", 4, "is played by one column"),
        ("{files: a, config: c, layout: messages, columns: {messages: m}}", 4, "are a repository's"),
    ],
)
def test_an_entry_that_is_wrong_names_file_line_and_key(lake_file: Path, entry: str, line: int, said: str) -> None:
    lake_file.write_text(f"{LAKE}sources:\n  mine: {entry}\n")
    with pytest.raises(TamisError, match=rf"lake.yaml:{line}: .*{said}"):
        settings_now()
    assert "mine" not in sources(), "definitions load all the same"


def test_a_name_of_the_catalogue_is_refused_where_it_was_written_by_hand(lake_file: Path) -> None:
    lake_file.write_text("sources:\n  gsm8k: {files: a, layout: messages, columns: {messages: m}}\n")
    with pytest.raises(TamisError, match=r"sources\.gsm8k: the catalogue has a source of that name"):
        settings_now()


@pytest.mark.parametrize("form", ["parquet", "jsonl.gz", "csv", "json"])
def test_of_a_large_file_the_first_rows_are_fetched_only(
    tmp_path: Path, place: Workspace, monkeypatch, form: str
) -> None:
    monkeypatch.setattr(unseen_place, "_WHOLE", 0)
    written(tmp_path / f"hub/team/large_{form}/train.{form}", rows("question_answer", 30))
    with serving(tmp_path / "hub"):
        seen = inspect(f"team/large_{form}", Hub(None, CACHE, online=False), place)
    assert seen.file.is_relative_to(place.path)
    assert seen.best is not None
    assert (seen.best.layout, seen.best.yielding) == ("prompt-completion", 30)
    assert len(seen.sample.rows) == 30


@pytest.mark.parametrize("form", ["script", "no train"])
def test_a_repository_of_a_script_or_without_a_train_split_becomes_a_source(
    tmp_path: Path, place: Workspace, lake_file: Path, form: str
) -> None:
    name, root = form.replace(" ", "_"), tmp_path / "hub/team"
    if form == "script":
        write(root / name / f"{name}.py", "import datasets\n\nclass Set(datasets.GeneratorBasedBuilder): ...\n")
        for split in ("train", "test"):
            written(root / name / f".refs/convert/parquet/default/{split}/0000.parquet", rows("alpaca", 7))
    else:
        card = "---\nconfigs:\n- config_name: talks\n  data_files:\n"
        splits = "".join(f"  - split: {split}\n    path: {split}.jsonl\n" for split in ("chat", "code"))
        write(root / name / "README.md", f"{card}{splits}- config_name: more\n  data_files: more.jsonl\n---\n")
        for split in ("chat", "code", "more"):
            written(root / name / f"{split}.jsonl", rows("alpaca", 7))
    with serving(tmp_path / "hub"):
        hub = Hub(None, CACHE, online=False)
        seen = inspect(f"team/{name}", hub, place, config=None if form == "script" else "talks")
        assert seen.best is not None
        addition = add(seen, Wish())
        expected = 7 if form == "script" else 14
        assert counts(read(addition.name, place, hub)) == (expected, expected, 0, 0)
    assert (addition.fit.layout, addition.left) == ("alpaca", ("test",) if form == "script" else ("more",))
