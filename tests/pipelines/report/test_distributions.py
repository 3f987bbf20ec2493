import xml.etree.ElementTree as ET

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.report.distributions import lengths, signal_spreads, spread_of
from pipelines.report.pictures import Threshold, histogram

numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
wholes = st.integers(0, 10**6).map(float)


def spread(values, kept, binning, thresholds=()):
    return spread_of(
        pl.Series(values, dtype=pl.Float64), pl.Series(kept, dtype=pl.Boolean), "cot", "x", binning, thresholds
    )


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["linear", "whole", "log"]))
def test_every_value_is_in_the_bin_that_holds_it(data, binning):
    values = data.draw(st.lists(numbers if binning == "linear" else wholes, min_size=1, max_size=60))
    kept = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    threshold = data.draw(numbers if binning == "linear" else wholes)
    found = spread(values, kept, binning, [threshold])
    last = found.bins[-1]
    for n, bin_ in enumerate(found.bins):
        held = [v for v in values if (bin_.low <= v or n == 0) and (v < bin_.high or bin_ is last)]
        assert bin_.before == len(held)
        assert bin_.after <= bin_.before
    assert sum(b.before for b in found.bins) == found.before == len(values)
    assert sum(b.after for b in found.bins) == found.after == sum(kept)
    assert found.bins[0].low <= threshold <= last.high


def test_what_has_no_value_is_no_record():
    assert spread([None, float("nan")], [True, True], "linear") is None
    found = spread([None, float("nan"), 2.0], [True, True, False], "linear")
    assert (found.before, found.after, found.median_after) == (1, 0, None)


def test_lengths_sum_the_parts(corpus):
    found = {s.family: s for s in lengths(corpus.published)}
    # Row n of instruction has n + 1 words of prompt and 3 n of completion; rows 0 to 29.
    assert found["instruction"].high_before == pytest.approx(4 * 28 + 1, abs=4)
    assert {family: s.name for family, s in found.items()} == {
        "instruction": "words",
        "preference": "words",
        "cot": "characters",
    }


def test_signals_that_the_lake_lacks_are_left_out(corpus):
    found = dict(
        signal_spreads(corpus.published, "instruction", {"prompt_words": [100.0], "nowhere": [1.0], "source": []})
    )
    assert list(found) == ["prompt_words"]
    assert found["prompt_words"].bins[-1].high > 100
    assert dict(signal_spreads(corpus.published, "grpo", {"prompt_words": [1.0]})) == {}


def test_a_histogram_draws_its_bars_and_threshold():
    found = spread([0.0] * 9 + [1.0], [True] * 9 + [False], "whole", [1.0])
    drawn = ET.fromstring(histogram(found, [Threshold(1.0, "at", "== 1")]))
    classes = [element.get("class") for element in drawn.iter()]
    assert classes.count("before") == 2
    assert classes.count("after") == 1
    zone = next(element for element in drawn.iter() if element.get("class") == "zone")
    assert (float(zone.get("x")), float(zone.get("width"))) == (150.0, 150.0)
    assert [e.text for e in drawn.iter("text")] == ["0", "1", "== 1"]
