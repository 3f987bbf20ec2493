import polars as pl
import pytest

from pipelines.quality.pairs import pair_facts
from pipelines.quality.signals import signals
from schemas.families import FAMILIES


def test_length_bias_and_both_orders(make) -> None:
    sides = [("a b c", "a"), ("a", "a b c"), ("a b", "a c"), ("a", "a"), ("x y", "z")]
    table = make("preference", [{"chosen": chosen, "rejected": rejected} for chosen, rejected in sides])
    table = table.with_columns(prompt_hash=pl.Series([b"1", b"1", b"2", b"3", b"4"]))
    facts = pair_facts(table.lazy(), signals(table, FAMILIES["preference"]).lazy())
    assert facts.pairs == 5
    assert facts.length_bias == pytest.approx((1 + 0 + 0.5 + 0.5 + 1) / 5)
    assert facts.both_orders == 2


def test_no_pairs_have_no_bias(make) -> None:
    table = make("preference", [{}])[:0]
    assert pair_facts(table.lazy(), signals(table, FAMILIES["preference"]).lazy()).length_bias is None
