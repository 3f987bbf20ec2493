"""What repeats a benchmark in a lake: built over a state, dropped by a recipe, kept by none, and told."""

from dataclasses import replace

import polars as pl
import pytest
from lakes import Lakes, empty, instructions, known
from verdict_rows import verdict, verdicts

from pipelines import lake_wide
from pipelines.benchmarks.benchmark import Benchmark, Place
from pipelines.benchmarks.update import _stored
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.lake_wide import build_contamination, build_sides
from pipelines.ledger import gates, ledger, publish_ledger, verified
from pipelines.recipe import Contamination, Recipe
from pipelines.report.samples import SECRET, dropped, kept
from pipelines.review.effect import effect
from pipelines.states import State, note_built, open_state, ready_state
from pipelines.story.tell import tell
from pipelines.wanted import Snapshot, UpstreamFile
from pipelines.workspace import Workspace

ITEM = "The bakery sells 14 loaves before noon and twice as many after it; how many loaves does it sell in a week?"
SHORT = "Which river crosses Vienna?"
CLEAN = "Tell me what a bakery is, how it works, and how many of them there are."
RECIPE = Recipe(sources={"aa": None})


@pytest.fixture
def lakes(lake: Lake) -> Lakes:
    made = Lakes(lake)
    asked = [
        (ITEM, "294"),
        (SHORT, "The Danube."),
        (SHORT, "The Thames."),
        (CLEAN, f"Well. {ITEM}"),
        (CLEAN, "A shop."),
    ]
    made.source("aa", instructions("aa", asked))
    return made


def put(lake: Lake, tmp_path, *items: tuple[str, str, list[str]], gated: bool = False) -> None:
    """Hold items (question, answer, choices) of the benchmark `exam`."""
    path = tmp_path / "test.parquet"
    pl.DataFrame(items, schema=["q", "a", "c"], orient="row").write_parquet(path)
    file = UpstreamFile("default", "test", 0, "test.parquet", path, path.stat().st_size, "e")
    place = Place(
        repo="org/exam",
        files={"test": ("test.parquet",)},
        columns={"q": pl.String, "a": pl.String, "c": pl.List(pl.String)},
        texts={"q": pl.col("q")},
        answers=pl.concat_list("a"),
        choices=pl.col("c"),
    )
    benchmark = Benchmark("exam", (place,), gated=gated)
    snapshot = Snapshot("org/exam", "org/exam", f"{len(items)}" * 40, None, (file,), ())
    lake.replace("benchmarks", _stored(benchmark, place, snapshot), partition="exam")


def opened(place: Workspace, lakes: Lakes) -> State:
    return open_state(place, lakes.lake, "code")


def ready(place: Workspace, lakes: Lakes) -> State:
    """A ready state with its contamination."""
    compared = build_contamination(opened(place, lakes)).state
    content = compared.records("content_hash").select("content_hash").unique().collect().with_row_index("component")
    placed = content.with_columns(pl.col("component").cast(pl.Int64), side=pl.lit("train"), bridge=pl.lit(value=False))
    built = {"placements": lakes.lake.replace("placements", placed)}
    return note_built(compared, built, ready=True)


def exam(lake: Lake, tmp_path) -> None:
    put(lake, tmp_path, (ITEM, "294", []), (SHORT, "The Danube", ["The Danube", "The Thames"]))


def id_of(row: int) -> str:
    return f"aa/instruction/default.train.0.{row}"


def fates(made: pl.DataFrame) -> dict[int, tuple[str, str | None, str | None]]:
    return {
        int(id_.rpartition(".")[2]): (fate, reason, item)
        for id_, fate, reason, item in made.select("id", "fate", "reason", "item").rows()
    }


def test_hits_of_all_parts_are_stored_with_their_place(place: Workspace, lakes: Lakes, tmp_path) -> None:
    exam(lakes.lake, tmp_path)
    state = ready(place, lakes)
    rows = state.scan("contamination").collect()
    ids = dict(state.records("id", "content_hash").select("content_hash", "id").collect().rows())
    told = {(ids[row["content_hash"]][-1], row["rule"], row["part"], row["turn"]) for row in rows.to_dicts()}
    n_grams = {
        (row, rule, part, 0)
        for row, part in (("0", "prompt"), ("3", "completion"))
        for rule in ("8-gram", "13-gram", "coverage")
    }
    assert told == n_grams | {("1", "short item", "prompt", 0)}
    in_answer = rows.filter((pl.col("part") == "completion") & (pl.col("rule") == "coverage")).row(0, named=True)
    assert (in_answer["start"], in_answer["text"], in_answer["item"]) == (6, ITEM, "test.0")


def test_a_recipe_drops_by_its_rules_and_benchmarks_alone(place: Workspace, lakes: Lakes, tmp_path) -> None:
    exam(lakes.lake, tmp_path)
    state = ready(place, lakes)

    def made(**said) -> dict[int, tuple[str, str | None, str | None]]:
        recipe = Recipe(sources={"aa": None}, contamination=Contamination(**said))
        return fates(ledger(state, "default", recipe, known("aa")))

    kept = ("kept", None, None)
    leak, short = ("contaminated", "coverage of exam", "test.0"), ("contaminated", "short item of exam", "test.1")
    assert made() == {0: leak, 1: short, 2: kept, 3: leak, 4: kept}
    assert made(rules=["short item"]) == {0: kept, 1: short, 2: kept, 3: kept, 4: kept}
    assert set(made(rules=[]).values()) == {kept}
    assert set(made(benchmarks=["GSM8K"]).values()) == {kept}
    assert made(rules=["8-gram", "coverage"])[0] == ("contaminated", "8-gram of exam", "test.0")


def test_the_ledger_is_published_and_its_gate_looks_for_what_is_kept(place: Workspace, lakes: Lakes, tmp_path) -> None:
    exam(lakes.lake, tmp_path)
    state = ready(place, lakes)
    done = publish_ledger(state, "default", RECIPE, known("aa"))
    assert set(verified(done.published, RECIPE).values()) == {None}
    row = done.ledger.filter(pl.col("fate") == "contaminated").sort("id").row(0, named=True)
    assert (row["value"], row["threshold"]) == (1.0, 0.5)
    loose = done.ledger.with_columns(fate=pl.lit("kept"), reason=pl.lit(None, dtype=pl.String))
    wrong = gates(state, RECIPE, loose)["no_item_is_kept"]
    assert wrong is not None and id_of(0) in wrong and "test.0 of exam" in wrong
    story = str(tell(lakes.lake, id_of(0), {"default": RECIPE}, known("aa")))
    assert "contaminated: coverage of exam, item test.0 (1 > 0.5)" in story
    assert (
        "8-gram, 13-gram, coverage" in story and "turn 0, characters 0 to" in story and "The bakery sells 14" in story
    )


def test_an_item_that_a_person_cleared_stays_cleared_and_no_other(place: Workspace, lakes: Lakes, tmp_path) -> None:
    exam(lakes.lake, tmp_path)
    state = ready(place, lakes)
    content = dict(state.records("id", "content_hash").select("id", "content_hash").collect().rows())
    cleared = [verdict(content[id_of(row)], "keep", shown=["contamination:exam:test.0"]) for row in (0, 1)]
    said = effect(verdicts(*cleared))
    made = ledger(state, "default", RECIPE, known("aa"), said)
    told = fates(made)
    assert told[0] == ("kept", None, None), "she saw the item, and keeps it"
    assert told[1][0] == "contaminated", "it repeats another item, which she did not see"
    assert told[3][0] == "contaminated", "nobody said anything of it"
    assert set(gates(state, RECIPE, made, said).values()) == {None}
    unsaid = gates(state, RECIPE, made)["no_item_is_kept"]
    assert unsaid is not None and id_of(0) in unsaid


def test_a_gated_item_is_never_shown(place: Workspace, lakes: Lakes, tmp_path) -> None:
    put(lakes.lake, tmp_path, (ITEM, "294", []), gated=True)
    state = ready(place, lakes)
    rows = state.scan("contamination").collect()
    assert rows["rule"].n_unique() == 3 and rows.select("text", "item_text").null_count().row(0) == (6, 6)
    publish_ledger(state, "default", RECIPE, known("aa"))
    assert "the item may not be shown" in str(tell(lakes.lake, id_of(0), {"default": RECIPE}, known("aa")))


def test_a_refresh_compares_new_content_only(
    place: Workspace, lakes: Lakes, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exam(lakes.lake, tmp_path)
    first = ready(place, lakes).scan("contamination").collect()
    compared = []

    def noting(records, family, index):
        compared.append(records.select(pl.len()).collect().item())
        return lake_wide_contamination(records, family, index)

    lake_wide_contamination = lake_wide.contamination
    monkeypatch.setattr(lake_wide, "contamination", noting)
    lakes.source("bb", instructions("bb", [(f"Please: {ITEM}", "294")]))
    second = ready(place, lakes)
    assert sum(compared) == 1
    assert second.scan("contamination").collect().height == first.height + 3
    compared.clear()
    put(lakes.lake, tmp_path, (ITEM, "294", []))
    third = ready(place, lakes)
    assert sum(compared) == 6, "other benchmarks, so all is compared anew"
    assert "short item" not in third.scan("contamination").collect()["rule"]
    assert ready_state(lakes.lake).number == third.number


def test_new_benchmarks_open_a_new_state_and_sides_wait_for_it(place: Workspace, lakes: Lakes, tmp_path) -> None:
    before = opened(place, lakes)
    assert opened(place, lakes).number == before.number
    exam(lakes.lake, tmp_path)
    after = opened(place, lakes)
    assert after.number == before.number + 1
    with pytest.raises(TamisError, match="is not built"):
        build_sides(after, LakeSettings())
    assert build_contamination(replace(before, versions=dict(before.versions))).records == {}
    assert empty("contamination").columns == before.scan("contamination").collect().columns


@pytest.mark.parametrize("gated", [True, False])
def test_a_report_shows_no_record_that_repeats_a_gated_item(
    place: Workspace, lakes: Lakes, tmp_path, gated: bool
) -> None:
    put(lakes.lake, tmp_path, (ITEM, "294", []), gated=gated)
    state = ready(place, lakes)
    for recipe in (RECIPE, Recipe(sources={"aa": None}, contamination=Contamination(rules=[]))):
        published = publish_ledger(state, "default", recipe, known("aa")).published
        samples = [*kept(published, of_each=9), *(one for group in dropped(published) for one in group.samples)]
        said = {sample.id: [message.text for message in sample.messages] for sample in samples}
        assert said[id_of(0)] == ([SECRET] * 2 if gated else [ITEM, "294"])
        assert said[id_of(4)] == [CLEAN, "A shop."]
        assert gated is not any(ITEM in text for texts in said.values() for text in texts)


def test_of_many_items_that_a_record_repeats_three_are_listed_and_the_others_counted(
    place: Workspace, lakes: Lakes, tmp_path
) -> None:
    put(lakes.lake, tmp_path, *((f"{ITEM} {'Again. ' * n}", "294", []) for n in range(5)))
    rows = ready(place, lakes).scan("contamination").filter(pl.col("part") == "prompt").collect()
    assert rows.group_by("rule").agg(pl.len(), pl.col("further").unique()).sort("rule").rows() == [
        ("13-gram", 3, [2]),
        ("8-gram", 3, [2]),
        ("coverage", 5, [0]),
    ]
    put(lakes.lake, tmp_path, (ITEM, "294", []))
    assert ready(place, lakes).scan("contamination").select(pl.col("further").max()).collect().item() == 0
