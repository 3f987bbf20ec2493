import dedup_corpora as corpora
import dedup_reference as reference
import polars as pl
import pytest
from dedup_records import alive, chosen, records, turn
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.golds import normalised
from pipelines.dedup.pairs import NEAR, OTHER_GOLD, SWAP, pairs
from pipelines.dedup.survivors import EXACT, Survivors
from pipelines.identity import fold
from schemas.families import GRPO, INSTRUCTION, PREFERENCE

SHUFFLED = pl.col("id").hash(7)


def tasks(seed: int) -> pl.DataFrame:
    frame = corpora.frame(corpora.corpus(seed), seed, golds=3, groups=6, arguments=2 if seed % 2 else 0)
    return records(GRPO, frame, prompt=turn("user", pl.col("text")), verifier=pl.lit("math"))


def assert_nothing_is_lost(rows: pl.DataFrame, done: Survivors, threshold: float) -> None:
    texts = rows["prompt"].list.first().struct.field("content")
    by_id = {
        row["id"]: row
        for row in rows.with_columns(text=texts, folded=fold(texts), gold=normalised(pl.col("answer"))).to_dicts()
    }
    gone = set(done.removed["id"])
    for id_, fate, survivor, similarity in done.removed.rows():
        assert survivor not in gone
        mine, other = by_id[id_], by_id[survivor]
        assert None in (mine["gold"], other["gold"]) or mine["gold"] == other["gold"]
        assert mine["verifier_args"] == other["verifier_args"]
        if mine["folded"] == other["folded"]:
            assert fate == EXACT
            assert similarity == 1
        else:
            assert mine["group"] is None or mine["group"] != other["group"]
            assert similarity == pytest.approx(reference.jaccard(mine["text"], other["text"]))
            assert similarity >= threshold


@settings(max_examples=6)
@given(seed=st.integers(0, 2**32), threshold=st.sampled_from([0.7, 0.85]))
def test_a_row_leaves_only_with_a_living_survivor_of_its_gold(seed: int, threshold: float) -> None:
    rows = tasks(seed)
    found = pairs(rows.lazy(), GRPO, 0.7)
    for rank, among in ((pl.col("id"), None), (SHUFFLED, None), (SHUFFLED, pl.col("id").hash(1) % 3 > 0)):
        done = chosen(GRPO, rows, threshold, rank=rank, among=among, found=found)
        assert_nothing_is_lost(rows, done, threshold)


@pytest.mark.parametrize("seed", range(4))
def test_no_two_rows_that_stay_are_near_equal(seed: int) -> None:
    rows = tasks(seed)
    done = chosen(GRPO, rows, rank=SHUFFLED)
    kept = rows.join(done.removed, on="id", how="anti").with_columns(
        text=pl.col("prompt").list.first().struct.field("content")
    )
    dicts = kept.to_dicts()
    for place, mine in enumerate(dicts):
        for other in dicts[:place]:
            golds = mine["answer"], other["answer"]
            together = mine["group"] is not None and mine["group"] == other["group"]
            short = len(reference.words(mine["text"])[0]) < 5
            differ = (None not in golds and golds[0] != golds[1]) or mine["verifier_args"] != other["verifier_args"]
            assert differ or together or short or reference.jaccard(mine["text"], other["text"]) < 0.75


@pytest.mark.parametrize("seed", range(3))
def test_stored_pairs_and_crowds_give_what_a_comparison_of_all_gives(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tasks(seed)
    stored = [chosen(GRPO, rows, rank=SHUFFLED).removed]
    for small in (1, 10_000):
        monkeypatch.setattr("pipelines.dedup.candidates.SMALL", small)
        monkeypatch.setitem(pairs.__globals__["candidates"].__kwdefaults__, "small", small)
        stored.append(chosen(GRPO, rows, rank=SHUFFLED).removed)
    # The survivors that are named may differ where a row has several; which rows go may not.
    assert stored[0]["id"].equals(stored[1]["id"])
    assert stored[0]["id"].equals(stored[2]["id"])


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    rows = tasks(seed)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=seed)
    one, other = pairs(rows.lazy(), GRPO, 0.7), pairs(shuffled.lazy(), GRPO, 0.7)
    assert one.table.equals(other.table)
    assert one.crowded.equals(other.crowded)
    assert chosen(GRPO, rows).removed.equals(chosen(GRPO, shuffled).removed)


def ask(*texts: str, **columns: list[str | None]) -> pl.DataFrame:
    frame = pl.DataFrame({"text": list(texts)} | columns)
    return records(GRPO, frame, prompt=turn("user", pl.col("text")), verifier=pl.lit("math"))


QUESTION = "Ann has three apples and buys {} more, how many apples does Ann have now in all?"


def test_equal_texts_with_other_golds_stay_and_are_a_conflict() -> None:
    rows = ask(*[QUESTION.format(2)] * 4, answer=["5", "6", None, "$5.0$"])
    found = pairs(rows.lazy(), GRPO, 0.7)
    assert found.table.filter(pl.col("kind") == OTHER_GOLD).height == 1
    removed = chosen(GRPO, rows, found=found).removed
    assert removed.select("id", "fate", "survivor").rows() == [("s/2", EXACT, "s/0"), ("s/3", EXACT, "s/0")]


def test_a_row_that_lost_its_equal_is_judged_again() -> None:
    # 1 is equal to 0, which is near to the better 2; but 1 has another gold than 2.
    rows = ask(QUESTION.format(2), QUESTION.format(2), QUESTION.format(2) + " Please.", answer=[None, "6", "5"])
    done = chosen(GRPO, rows, rank=pl.col("id").replace_strict({"s/2": 0, "s/0": 1, "s/1": 2}))
    assert done.removed.select("id", "fate", "survivor").rows() == [("s/0", NEAR, "s/2")]


def test_an_exact_duplicate_names_the_last_survivor_alive() -> None:
    rows = ask(QUESTION.format(2), QUESTION.format(2), QUESTION.format(2) + " Please.")
    done = chosen(GRPO, rows, rank=pl.col("id").replace_strict({"s/2": 0, "s/0": 1, "s/1": 2}))
    assert done.removed.select("id", "fate", "survivor").rows() == [("s/0", NEAR, "s/2"), ("s/1", EXACT, "s/2")]
    assert done.removed["similarity"].n_unique() == 1


def test_members_of_a_group_are_no_near_duplicates_but_equal_ones_are_duplicates() -> None:
    texts = [QUESTION.format(2), QUESTION.format(2) + " Please.", QUESTION.format(2)]
    inside = chosen(GRPO, ask(*texts, group=["t", "t", "t"])).removed
    assert inside.select("id", "fate").rows() == [("s/2", EXACT)]
    apart = chosen(GRPO, ask(*texts, group=["t", "u", None])).removed
    assert apart.select("id", "fate").rows() == [("s/1", NEAR), ("s/2", EXACT)]


def test_without_exact_equal_rows_stand_or_fall_together() -> None:
    rows = ask(QUESTION.format(2), QUESTION.format(2), QUESTION.format(2) + " Please.")
    assert chosen(GRPO, rows, exact=False).removed["id"].to_list() == ["s/2"]
    last_first = pl.col("id").replace_strict({"s/0": 1, "s/1": 2, "s/2": 0})
    assert chosen(GRPO, rows, exact=False, rank=last_first).removed["id"].to_list() == ["s/0", "s/1"]
    assert chosen(GRPO, rows, None, exact=False).removed.is_empty()


def test_the_dead_do_not_bury() -> None:
    rows = ask(QUESTION.format(2), QUESTION.format(2), QUESTION.format(2) + " Please.")
    done = chosen(GRPO, rows, among=pl.col("id") != "s/0")
    assert done.removed.select("id", "survivor").rows() == [("s/2", "s/1")]


def test_thousands_that_differ_in_their_arguments_are_no_pairs() -> None:
    frame = pl.DataFrame({"n": range(3_000)}).with_columns(
        text=pl.format("Reach {} out of the numbers {}, {} and {} with + - * / and parentheses.", "n", pl.col("n") % 7,
                       pl.col("n") % 11, pl.col("n") % 13),
        verifier_args=pl.col("n").cast(pl.String),
    )  # fmt: skip
    rows = records(GRPO, frame, prompt=turn("user", pl.col("text")), verifier=pl.lit("countdown"))
    found = pairs(rows.lazy(), GRPO, 0.7)
    assert found.table.is_empty()
    assert found.crowded.is_empty()


def test_a_crowd_is_chosen_from_by_each_recipe_in_its_own_order() -> None:
    names = [f"{a}{b}" for a in corpora.VOCABULARY[:20] for b in corpora.VOCABULARY[:20]]
    rows = ask(*[" ".join(["tell me a long and winding story about a fox"] * 6) + f" called {name}" for name in names])
    found = pairs(rows.lazy(), GRPO, 0.7)
    assert found.crowded.height == 400
    assert found.table.height < 400 * 8
    for best in ("s/17", "s/399"):
        done = chosen(GRPO, rows, rank=pl.col("id") != best, found=found)
        assert set(done.removed["survivor"]) == {best}
        assert done.removed.height == 399


def test_a_pair_and_its_swap_are_a_conflict_and_stay() -> None:
    good = (
        "Berlin has been the capital of Germany since 1990, as was laid down in the treaty of unification that year, "
        "and nothing points to a change of that in the years to come"
    )
    bad = "I think that it might be Munich or Bonn, really, but nobody whom I have ever met could tell for certain"
    frame = pl.DataFrame(
        {
            "question": ["What is the capital of Germany today, please?"] * 4,
            "better": [good, bad, good + ".", good],
            "worse": [bad, good, bad + "!", bad + " not"],
        }
    )
    rows = records(
        PREFERENCE,
        frame,
        prompt=turn("user", pl.col("question")),
        chosen=turn("assistant", pl.col("better")),
        rejected=turn("assistant", pl.col("worse")),
    )
    found = pairs(rows.lazy(), PREFERENCE, 0.7).table
    ids = dict(zip(rows["content_hash"], rows["id"], strict=True))
    kinds = {frozenset((ids[left], ids[right])): kind for left, right, _, kind in found.rows()}
    assert {pair for pair, kind in kinds.items() if kind == SWAP} == {
        frozenset(("s/1", other)) for other in ("s/0", "s/2", "s/3")
    }
    assert chosen(PREFERENCE, rows).removed.select("id", "survivor").rows() == [("s/2", "s/0"), ("s/3", "s/0")]


def test_a_swap_of_short_sides_is_a_conflict_too() -> None:
    frame = pl.DataFrame({"better": ["Yes.", "No.", "Yes."], "worse": ["No.", "Yes.", "Maybe."]})
    rows = records(
        PREFERENCE,
        frame,
        prompt=turn("user", pl.lit("Is it?")),
        chosen=turn("assistant", pl.col("better")),
        rejected=turn("assistant", pl.col("worse")),
    )
    found = pairs(rows.lazy(), PREFERENCE, 0.7).table
    assert found["kind"].to_list() == [SWAP]
    assert {*found["left"], *found["right"]} == set(rows["content_hash"][:2])


def test_system_prompts_are_not_compared() -> None:
    frame = pl.DataFrame({"system": ["be brief", "answer at length and with examples"], "text": [QUESTION] * 2})
    rows = records(
        INSTRUCTION,
        frame,
        prompt=pl.concat_list(turn("system", pl.col("system")), turn("user", pl.col("text"))),
        completion=turn("assistant", pl.lit("five")),
    )
    assert chosen(INSTRUCTION, rows).removed["fate"].to_list() == [EXACT]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("$1,234.50$", "1234.5", True),
        (r"\boxed{\dfrac{1}{2}}", r"\frac{1}{2}", True),
        ("+7.", "7", True),
        ("72.00", "72", True),
        ("(1,234)", "(1234)", False),
        ("-7", "7", False),
        ("100", "1", False),
        ("A", "a", True),
        ("  ", None, True),
    ],
)
def test_golds_are_compared_by_what_they_say(one: str, other: str | None, same: bool) -> None:
    golds = pl.DataFrame({"gold": [one, other]}).select(normalised(pl.col("gold"))).to_series()
    assert (golds[0] == golds[1]) == same


def test_ranks_of_the_living_alone_decide() -> None:
    rows = tasks(5)
    living = alive(GRPO, rows, pl.col("id"))
    assert living["node"].n_unique() <= rows["content_hash"].n_unique()
    assert living.group_by("node").agg(pl.col("match_hash").n_unique())["match_hash"].max() == 1
