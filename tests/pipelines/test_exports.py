import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from corpora import Row, instruction, lake_state, messages, published

from pipelines import exports
from pipelines.errors import TamisError
from pipelines.exports import COLUMNS, LICENCES, export, exported, ids_of
from pipelines.lake import Lake
from pipelines.licences import strictest
from pipelines.recipe import Recipe
from pipelines.states import Pass
from pipelines.workspace import ROOT, Workspace
from schemas.families import FAMILIES

RECIPE = Recipe(sources={"a": None, "b": None})
QUESTION = messages(("system", "Be brief."), ("user", "How many?"))


def rows(count: int = 3) -> list[Row]:
    """A few rows of each family on each side, from two sources, and one of each family that was dropped."""
    made = []
    for side in ("train", "validation", "test"):
        for source in ("b", "a"):
            for n in range(count):
                key = f"{side}.{n}"
                answer = messages(("assistant", f"{n} it is, {key}."))
                own = {
                    "instruction": {"prompt": QUESTION, "completion": answer},
                    "preference": {
                        "prompt": QUESTION,
                        "chosen": answer,
                        "rejected": messages(("assistant", "No idea."), ("user", "Really?"), ("assistant", "Yes.")),
                    },
                    "cot": {
                        "prompt": QUESTION,
                        "reasoning": f"Let me count to {n}." if n else None,
                        "completion": answer,
                        "answer": str(n),
                    },
                    "grpo": {
                        "prompt": QUESTION,
                        "answer": str(n) if n else None,
                        "verifier": "math",
                        "verifier_args": None if n else '{"target": 7}',
                    },
                }
                made += [Row(f"{source}/{family}/{key}", own[family], side) for family in FAMILIES]
    return made + [Row(f"a/{f}/dropped", own[f], "train", fates={"default": "rule"}) for f in FAMILIES]


@pytest.fixture
def corpus(lake: Lake) -> Pass:
    return published(lake_state(lake, rows()), rows())


def ledger_ids(corpus: Pass, family: str, side: str) -> list[str]:
    mine = (pl.col("family") == family) & (pl.col("side") == side) & (pl.col("fate") == "kept")
    return sorted(corpus.ledger().filter(mine).collect()["id"])


def test_each_file_holds_what_the_ledger_keeps_with_its_ids_beside_it(place: Workspace, corpus: Pass) -> None:
    written = export(place, corpus, RECIPE)
    assert len(written) == 12
    records = {
        f: corpus.state.scan(f"records_{f}").collect().rows_by_key("id", named=True, unique=True) for f in COLUMNS
    }
    for path, count in written.items():
        family, side = path.parent.name, path.stem
        ids = pl.read_parquet(ids_of(path))
        assert sorted(ids["id"]) == ledger_ids(corpus, family, side)
        assert ids.columns == ["id", "source", "license"]
        table = pl.read_parquet(path)
        assert table.columns == COLUMNS[family].names
        assert len(table) == len(ids) == count == 6
        for id, row in zip(ids["id"], table.iter_rows(named=True), strict=True):
            record = records[family][id]
            said = [{"role": m["role"], "content": m["content"]} for m in record["prompt"]]
            assert row["prompt"] == said
            last = record.get("completion") or record.get("chosen")
            if last:
                answer = row.get("completion") or row["chosen"]
                assert answer[-1]["content"].endswith(last[-1]["content"])


def test_the_licences_of_every_file_lie_beside_it(place: Workspace, corpus: Pass) -> None:
    written = export(place, corpus, RECIPE)
    stated = json.loads((place.exports / "default" / LICENCES).read_text(encoding="utf-8"))
    assert {(one["family"], one["side"]): one["of"] for one in stated["files"]} == {
        (path.parent.name, path.stem): rows for path, rows in written.items()
    }
    for one in stated["files"]:
        ids = pl.read_parquet(ids_of(place.exports / "default" / one["family"] / f"{one['side']}.parquet"))
        assert one["license"] == strictest(ids["license"])
        assert one["sources"] == sorted(set(ids.filter(pl.col("license").eq_missing(one["license"]))["source"]))
    assert sum(source["records"] for source in stated["sources"]) == stated["most_restrictive"]["of"]


def test_reasoning_is_rendered_between_the_recipes_tags(place: Workspace, corpus: Pass) -> None:
    tagged = RECIPE.model_copy(
        update={"reasoning": RECIPE.reasoning.model_copy(update={"open": "<r>", "close": "</r>"})}
    )
    export(place, corpus, tagged)
    file = place.exports / "default" / "cot" / "test.parquet"
    said = dict(zip(pl.read_parquet(ids_of(file))["id"], pl.read_parquet(file)["completion"].to_list(), strict=True))
    assert said["a/cot/test.2"] == [{"role": "assistant", "content": "<r>Let me count to 2.</r>2 it is, test.2."}]
    assert said["a/cot/test.0"] == [{"role": "assistant", "content": "0 it is, test.0."}]


def test_a_task_without_a_gold_has_its_verifiers_arguments_as_solution(place: Workspace, corpus: Pass) -> None:
    export(place, corpus, RECIPE)
    solutions = pl.read_parquet(place.exports / "default" / "grpo" / "train.parquet")["solution"]
    assert set(solutions) == {'{"target": 7}', "1", "2"}


def test_rows_come_in_the_same_order_however_the_lake_was_written(place: Workspace, tmp_path: Path) -> None:
    orders = []
    for name, made in (("first", rows()), ("second", [r for r in rows() if r.source == "b"] + rows())):
        lake = Lake(tmp_path / name)
        unique = list({row.id: row for row in made}.values())
        if name == "second":
            lake_state(lake, [r for r in unique if r.source == "b"])
        export(place, published(lake_state(lake, unique), unique), RECIPE)
        orders.append(pl.read_parquet(place.exports / "default" / "ids" / "cot" / "train.parquet"))
    assert orders[0].equals(orders[1])


def test_the_folder_changes_in_one_step_and_old_files_go(place: Workspace, lake: Lake, corpus: Pass) -> None:
    export(place, corpus, RECIPE)
    before = exported(place, corpus)
    fewer = [row for row in rows() if row.source == "a"]
    following = published(corpus.state, fewer)
    with pytest.raises(TamisError, match=r"the exports are not those of its last pass \(2\)"):
        exported(place, following)
    export(place, following, RECIPE)
    assert exported(place, following) != before
    assert not before.exists()
    assert pl.read_parquet(place.exports / "default" / "cot" / "train.parquet").height == 3
    assert sorted(p.name for p in (place.exports / ".passes" / "default").iterdir()) == [
        exported(place, following).name
    ]


def test_what_is_visible_stays_whole_while_the_same_pass_is_written_again(
    place: Workspace, corpus: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(place, corpus, RECIPE)
    seen: list[int] = []
    write = exports._write

    def looking(*arguments: object) -> dict[str, int]:
        done = write(*arguments)  # type: ignore[arg-type]
        seen.append(sum(pl.read_parquet(f).height for f in (place.exports / "default").glob("*/*.parquet")))
        return done

    monkeypatch.setattr(exports, "_write", looking)
    export(place, corpus, RECIPE)
    assert seen == [72] * len(FAMILIES)


def test_a_full_disk_leaves_the_exports_before(
    place: Workspace, lake: Lake, corpus: Pass, request: pytest.FixtureRequest
) -> None:
    export(place, corpus, RECIPE)
    noise = os.urandom(60_000).hex()
    big = [*rows(), instruction("a/big", "What?", noise)]
    following = published(lake_state(lake, big), big)
    request.getfixturevalue("small_files")
    with pytest.raises(TamisError, match=r"exports/default: cannot be written: .*Free some space"):
        export(place, following, RECIPE)
    assert exported(place, corpus).exists()
    assert len(list((place.exports / ".passes" / "default").iterdir())) == 1
    assert len(list((place.exports / "default").glob("*/*.parquet"))) == 12


def test_a_killed_export_leaves_nothing_visible_and_the_next_clears_it(place: Workspace, corpus: Pass) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from pipelines import exports;"
        "from pipelines.lake import Lake; from pipelines.recipe import Recipe; from pipelines.states import last_pass;"
        "from pipelines.workspace import Workspace; write = exports._write;"
        "exports._write = lambda *a: (write(*a), os.kill(os.getpid(), signal.SIGKILL));"
        "lake = Lake(Path(sys.argv[1])); exports.export(Workspace(Path(sys.argv[2]), 'sample'),"
        "last_pass(lake, 'default'), Recipe(sources={'a': None}))"
    )
    arguments = [sys.executable, "-c", script, str(place.lake), str(place.path)]
    assert subprocess.run(arguments, cwd=ROOT, check=False).returncode == -9
    assert not (place.exports / "default").exists()
    assert len(list((place.exports / ".passes" / "default").iterdir())) == 1
    export(place, corpus, RECIPE)
    assert [exported(place, corpus)] == list((place.exports / ".passes" / "default").iterdir())


def test_rows_that_upstream_holds_out_are_never_on_the_side_train(place: Workspace, lake: Lake) -> None:
    held_out = [instruction("a/1", "Why?", "So."), instruction("a/2", "Why?", "So.", pinned=True)]
    with pytest.raises(TamisError, match=r"1 records that upstream holds out stand on the side train, a/instruction/2"):
        export(place, published(lake_state(lake, held_out), held_out), RECIPE)
    assert not (place.exports / "default").exists()
    fine = [held_out[0], instruction("a/2", "Why?", "So.", pinned=True, side="validation")]
    assert len(export(place, published(lake_state(lake, fine), fine), RECIPE)) == 2


def test_a_record_that_is_not_there_is_missed(place: Workspace, lake: Lake) -> None:
    there = [instruction("a/1", "Why?", "So.")]
    corpus = published(lake_state(lake, there), [*there, instruction("a/2", "Where?", "Here.")])
    with pytest.raises(TamisError, match="1 records of instruction were found, and the ledger keeps 2"):
        export(place, corpus, RECIPE)


def test_calls_of_tools_are_exported_apart_and_loaded_whole(place: Workspace, lake: Lake) -> None:
    made = [
        {"id": "1", "type": "function", "function": {"name": "search", "arguments": '{"q": "é"}'}},
        {"function": {"name": "add", "arguments": {"a": 1}}},
        {"name": "bare", "arguments": {}},
    ]
    call = [{**messages(("assistant", ""))[0], "tool_calls": json.dumps(made)}]
    raw = [{**messages(("assistant", "Well:"))[0], "tool_calls": '["add(1, 2)"]'}]
    told = {**messages(("tool", "3"))[0], "tool_call_id": "1", "name": "search"}
    offered = '[{"type": "function", "function": {"name": "search"}}]'
    there = [
        Row("a/instruction/1", {"prompt": QUESTION, "completion": call, "tools": offered}),
        Row("a/instruction/2", {"prompt": [*QUESTION, *raw, told], "completion": messages(("assistant", "So."))}),
        instruction("a/3", "Why?", "So."),
    ]
    written = export(place, published(lake_state(lake, there), there), RECIPE)
    assert {str(path.relative_to(place.exports / "default")): rows for path, rows in written.items()} == {
        "instruction/train.parquet": 1,
        "instruction-tools/train.parquet": 2,
    }
    first, second = pl.read_parquet(place.exports / "default/instruction-tools/train.parquet").to_dicts()
    assert first["tools"] == offered
    assert [(c["id"], c["type"], c["function"]) for c in first["completion"][0]["tool_calls"]] == [
        ("1", "function", {"name": "search", "arguments": '{"q": "é"}'}),
        (None, "function", {"name": "add", "arguments": '{"a":1}'}),
        (None, "function", {"name": "bare", "arguments": "{}"}),
    ]
    assert [(m["role"], m["content"], m["tool_call_id"]) for m in second["prompt"][-2:]] == [
        ("assistant", "Well:\nadd(1, 2)", None),
        ("tool", "3", "1"),
    ]


def test_an_empty_corpus_is_exported_as_no_files(place: Workspace, lake: Lake) -> None:
    dropped = [instruction("a/1", "Why?", "So.", fates={"default": "rule"})]
    corpus = published(lake_state(lake, dropped), dropped)
    assert export(place, corpus, RECIPE) == {}
    assert list(exported(place, corpus).iterdir()) == []


def test_what_a_recipe_redacts_is_in_no_export_and_stays_in_the_lake(place: Workspace, lake: Lake) -> None:
    mail = "ann@example.org"
    said = {"prompt": messages(("user", f"Is it {mail}?")), "completion": messages(("assistant", f"Yes, {mail}."))}
    task = {"prompt": said["prompt"], "answer": mail, "verifier": "exact", "verifier_args": None}
    made = [
        Row("a/cot/1", {**said, "reasoning": f"I see {mail}.", "answer": mail}, "train"),
        Row("a/grpo/1", task, "train"),
    ]
    corpus = published(lake_state(lake, made), made)
    recipe = RECIPE.model_copy(update={"redact": ["emails"]})
    for path in export(place, corpus, recipe):
        text = str(pl.read_parquet(path).to_dicts())
        assert mail not in text
        assert text.count("[e-mail]") == (3 if path.parent.name == "cot" else 2)
    assert mail in str(corpus.state.scan("records_cot").collect().to_dicts())
    assert any(mail in str(pl.read_parquet(path).to_dicts()) for path in export(place, corpus, RECIPE))
