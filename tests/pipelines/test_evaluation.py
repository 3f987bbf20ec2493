import polars as pl
from corpora import Row, instruction, lake_state, messages, published

from pipelines.evaluation import admitted, chosen, evaluation_rows
from pipelines.lake import Lake
from pipelines.recipe import ReasoningTags, Recipe

FAMILIES = ["instruction", "cot"]
LATER_FATES = ("licence", "verdict", "replaced", "rule", "contaminated", "exact duplicate", "near-duplicate")


def row(key: str, **lake: object) -> Row:
    return instruction(f"a/{key}", f"What is {key}?", f"It is {key}.", **lake)


def test_a_test_set_is_what_both_recipes_admit_whatever_their_later_fates(lake: Lake) -> None:
    rows = [
        *(row(fate, side="test", fates={"default": fate}) for fate in LATER_FATES),
        row("both keep", side="test"),
        row("raw drops it", side="test", fates={"raw": "exact duplicate"}),
        row("forgotten", side="test", fates={"default": "forgotten", "raw": "forgotten"}),
        row("removed", side="test", fates={"default": "source removed", "raw": "source removed"}),
        row("beyond one limit", side="test", fates={"raw": "not in recipe"}),
        row("train", side="train"),
        row("validation", side="validation"),
        row("bridge", side="test", bridge=True, fates={"default": "split bridge", "raw": "split bridge"}),
        # The licence decides before the bridge does, and so hides it in the ledger.
        row("hidden bridge", side="test", bridge=True, fates={"default": "licence", "raw": "licence"}),
        Row("a/grpo/1", {"prompt": messages(("user", "1?")), "answer": "1", "verifier": "math"}, "test"),
    ]
    state = lake_state(lake, rows)
    passes = [published(state, rows, recipe) for recipe in ("default", "raw")]
    found = admitted(passes, FAMILIES).to_list()
    assert found == sorted(f"a/instruction/{key}" for key in (*LATER_FATES, "both keep", "raw drops it"))
    assert admitted(passes[::-1], FAMILIES).to_list() == found
    assert "a/instruction/beyond one limit" in admitted(passes[:1], FAMILIES).to_list()


def test_rows_say_whether_the_recipe_keeps_them_and_are_rendered_as_it_exports_them(lake: Lake) -> None:
    own = {
        "prompt": messages(("user", "2?")),
        "reasoning": "One and one.",
        "completion": messages(("assistant", "2")),
        "answer": "2",
    }
    rows = [
        row("kept", side="test"),
        row("dropped", side="test", fates={"default": "rule"}),
        Row("a/cot/1", own, "test"),
    ]
    one = published(lake_state(lake, rows), rows)
    recipe = Recipe(sources={"a": None}, reasoning=ReasoningTags(open="<r>", close="</r>"))
    ids = admitted([one], FAMILIES)
    found = evaluation_rows(one, recipe, ids, FAMILIES)
    assert found.columns == ["id", "family", "prompt", "completion", "tools", "kept"]
    assert found["id"].to_list() == ["a/cot/1", "a/instruction/dropped", "a/instruction/kept"]
    assert found["kept"].to_list() == [True, False, True]
    nothing = dict.fromkeys(("tool_calls", "tool_call_id", "name"))
    assert found["completion"][0].to_list() == [{"role": "assistant", "content": "<r>One and one.</r>2", **nothing}]
    assert found["tools"].null_count() == 3
    assert found["family"].to_list() == ["cot", "instruction", "instruction"]
    assert evaluation_rows(one, recipe, ids.head(1), FAMILIES)["id"].to_list() == ["a/cot/1"]


def test_few_are_chosen_by_lot_and_always_the_same() -> None:
    ids = pl.Series("id", [f"a/cot/{n}" for n in range(100)])
    few = chosen(ids, 10, 0)
    assert few.to_list() == chosen(ids.reverse(), 10, 0).to_list() == sorted(few)
    assert few.to_list() != chosen(ids, 10, 1).to_list()
    assert chosen(ids, 1_000, 0).to_list() == sorted(ids)
