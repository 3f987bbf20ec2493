import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.lake_settings import Shares
from pipelines.sides import Placed, crossing, place

SHARES = Shares()


def content(number: int) -> bytes:
    return number.to_bytes(16, "big")


def nodes(*numbers: int, pinned: dict[int, str] | None = None, small: range = range(0)) -> pl.DataFrame:
    """Contents of one stratum, but those in `small` of another."""
    pins = pinned or {}
    return pl.DataFrame(
        {
            "content_hash": [content(n) for n in numbers],
            "pinned": [pins.get(n) for n in numbers],
            "stratum": ["small/cot" if n in small else "large/grpo" for n in numbers],
        },
        schema={"content_hash": pl.Binary, "pinned": pl.String, "stratum": pl.String},
    )


def tied(*groups: tuple[int, ...]) -> pl.DataFrame:
    rows = [(tie, content(n), "group") for tie, group in enumerate(groups) for n in group]
    return pl.DataFrame(rows, schema={"tie": pl.Int64, "content_hash": pl.Binary, "kind": pl.String}, orient="row")


def history(**sides: str) -> pl.DataFrame:
    rows = [(content(int(name[1:])), side) for name, side in sides.items()]
    return pl.DataFrame(rows, schema={"content_hash": pl.Binary, "side": pl.String}, orient="row")


def sides(placed: Placed) -> dict[int, str | None]:
    """Side of each content, None for a newcomer that is a bridge."""
    return {int.from_bytes(h, "big"): side for h, side in placed.placements.select("content_hash", "side").rows()}


def bridges(placed: Placed) -> set[int]:
    return {int.from_bytes(h, "big") for h in placed.placements.filter("bridge")["content_hash"]}


def test_a_newcomer_follows_what_it_is_tied_to_also_by_way_of_others() -> None:
    placed = place(nodes(1, 2, 3, 4), tied((1, 2), (2, 3), (3, 4)), history(n1="test"), SHARES, 2)
    assert sides(placed) == dict.fromkeys((1, 2, 3, 4), "test")
    assert sorted(placed.newcomers["content_hash"]) == [content(n) for n in (2, 3, 4)]
    assert placed.newcomers["state"].unique().to_list() == [2]
    assert placed.placements["component"].n_unique() == 1


def test_a_newcomer_that_is_tied_to_two_sides_is_a_bridge_and_ties_nothing_further() -> None:
    placed = place(nodes(1, 2, 3, 4), tied((1, 3), (2, 3), (1, 4)), history(n1="train", n2="test"), SHARES, 2)
    assert sides(placed) == {1: "train", 2: "test", 3: None, 4: "train"}
    assert bridges(placed) == {3}
    assert placed.newcomers["content_hash"].to_list() == [content(4)]


def test_of_two_newcomers_that_meet_from_two_sides_the_lower_is_the_bridge() -> None:
    placed = place(nodes(1, 2, 3, 4), tied((1, 3), (3, 4), (4, 2)), history(n1="train", n2="test"), SHARES, 2)
    assert sides(placed) == {1: "train", 2: "test", 3: None, 4: "test"}


def test_of_two_old_rows_that_become_tied_the_lower_is_a_bridge_and_neither_moves() -> None:
    placed = place(nodes(1, 2), tied((1, 2)), history(n1="validation", n2="train"), SHARES, 2)
    assert sides(placed) == {1: "validation", 2: "train"}
    assert bridges(placed) == {2}
    assert placed.newcomers.is_empty()


def test_a_tie_of_many_holds_when_one_of_them_is_a_bridge() -> None:
    # 2 is also tied to 9, on another side; 3 still follows 1, with which it shares the tie.
    placed = place(nodes(1, 2, 3, 9), tied((1, 2, 3), (2, 9)), history(n1="train", n9="test"), SHARES, 2)
    assert sides(placed) == {1: "train", 2: None, 3: "train", 9: "test"}


def test_pinned_rows_decide_for_a_new_component_test_above_validation() -> None:
    placed = place(nodes(1, 2, 3, pinned={1: "validation", 2: "test"}), tied((1, 2, 3)), history(), SHARES, 1)
    assert sides(placed) == {1: None, 2: "test", 3: "test"}
    assert bridges(placed) == {1}


def test_a_pinned_newcomer_that_is_tied_to_another_side_is_a_bridge() -> None:
    placed = place(nodes(1, 2, pinned={2: "test"}), tied((1, 2)), history(n1="train"), SHARES, 2)
    assert sides(placed) == {1: "train", 2: None}
    alone = place(nodes(1, 2, pinned={2: "test"}), tied(), history(n1="train"), SHARES, 2)
    assert sides(alone) == {1: "train", 2: "test"}


def test_an_old_row_that_upstream_pins_elsewhere_stays_and_is_a_bridge() -> None:
    placed = place(nodes(1, pinned={1: "test"}), tied(), history(n1="train"), SHARES, 2)
    assert sides(placed) == {1: "train"}
    assert bridges(placed) == {1}


@pytest.mark.parametrize("size", [1, 7])
def test_components_go_by_the_shares_whatever_their_size(size: int) -> None:
    count = 20_000
    ties = tied(*(tuple(range(n, n + size)) for n in range(0, count, size)))
    placed = place(nodes(*range(count)), ties, history(), Shares(train=80, validation=15, test=5), 1)
    shares = placed.placements.group_by("side").len()
    for side, share in (("train", 0.80), ("validation", 0.15), ("test", 0.05)):
        assert shares.filter(pl.col("side") == side)["len"].sum() / count == pytest.approx(share, abs=0.015)
    one_side = placed.placements.group_by("component").agg(pl.col("side").n_unique())
    assert one_side["side"].max() == 1


@pytest.mark.parametrize("shift", range(0, 5_000, 1_000))
def test_a_small_source_has_its_test_rows_also_where_it_is_tied_to_a_large_one(shift: int) -> None:
    small, large = range(shift, shift + 60), range(shift + 100, shift + 1_100)
    ties = tied(*((one, other) for one, other in zip(small[::2], large[::2], strict=False)))
    placed = sides(place(nodes(*small, *large, small=small), ties, history(), SHARES, 1))
    counts = [sum(placed[n] == side for n in small) for side in ("train", "validation", "test")]
    assert all(abs(count - 60 * share) <= 1 for count, share in zip(counts, (0.9, 0.05, 0.05), strict=True))
    everyone = [sum(side == wanted for side in placed.values()) for wanted in ("train", "validation", "test")]
    assert all(abs(n - 1_060 * share) <= 4 for n, share in zip(everyone, (0.9, 0.05, 0.05), strict=True))


def test_rows_that_come_one_by_one_fill_what_a_source_lacks() -> None:
    before, numbers = history(), []
    for number in range(200):
        numbers.append(number * 7_919)
        placed = place(nodes(*numbers), tied(), before, SHARES, number)
        before = pl.concat([before, placed.newcomers.select("content_hash", "side")])
    counts = dict(before["side"].value_counts().rows())
    assert 4 <= counts["test"] <= 16
    assert 4 <= counts["validation"] <= 16


def test_a_tie_that_crosses_is_found_among_kept_rows_only() -> None:
    placed = place(nodes(1, 2), tied((1, 2)), history(n1="train", n2="test"), SHARES, 2)
    both, one = (pl.DataFrame({"content_hash": [content(n) for n in kept]}) for kept in ((1, 2), (2,)))
    assert crossing(tied((1, 2)), placed.placements, both).rows() == [(0, "group")]
    assert crossing(tied((1, 2)), placed.placements, one).is_empty()


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_no_old_row_moves_and_no_tie_crosses_over_a_history(seed: int) -> None:
    rng = random.Random(seed)
    numbers, groups, pins, before = [], [], {}, history()
    for state in range(1, 5):
        fresh = range(len(numbers), len(numbers) + 25)
        numbers += fresh
        pins |= {n: rng.choice(["validation", "test"]) for n in fresh if rng.random() < 0.1}
        groups += [tuple(rng.sample(numbers, rng.randrange(2, 5))) for _ in range(rng.randrange(12))]
        shuffled = nodes(*numbers, pinned=pins).sample(fraction=1, shuffle=True, seed=state)
        ties = tied(*groups)
        placed = place(shuffled, ties.sample(fraction=1, shuffle=True, seed=state), before, SHARES, state)
        again = place(nodes(*numbers, pinned=pins), ties, before, SHARES, state)
        assert placed.placements.equals(again.placements)
        assert placed.newcomers.equals(again.newcomers)
        now = sides(placed)
        for old, side in before.rows():
            assert now[int.from_bytes(old, "big")] == side
        kept = placed.placements.filter(~pl.col("bridge"))
        assert crossing(ties, placed.placements, kept).is_empty()
        assert kept["side"].null_count() == 0
        for n, side in pins.items():
            assert n in bridges(placed) or now[n] == side
        before = pl.concat([before, placed.newcomers.select("content_hash", "side")])
        assert before["content_hash"].is_unique().all()
