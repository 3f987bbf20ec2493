"""Every layout on rows broken in every way: none may raise, or lose a row; and conversations in every form."""

import copy
import json
import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unseen_rows import VARIANTS, rows

from pipelines.errors import TamisError
from pipelines.layouts.known import LAYOUTS
from pipelines.layouts.talks import talks
from pipelines.normalise import Place, batches, normalise
from pipelines.reading import read
from pipelines.sources.source import Read
from pipelines.unseen.bind import bindings
from pipelines.unseen.fits import fits
from pipelines.unseen.sample import sampled
from schemas.families import FAMILIES
from schemas.validator import validate

ODD = (
    None,
    "",
    " ",
    [],
    {},
    [None],
    [[]],
    [1],
    1,
    -0.5,
    True,
    "x",
    "[",
    '["a"]',
    "{}",
    '[{"role": "user"}]',
    "\x00",
    "null",
)
ODD_TURNS = ({"role": "cook", "content": "x"}, {"role": "user"}, {"content": 5}, [{"type": "image"}], {"from": None})


def broken(value: Any, choose: random.Random) -> Any:
    """The value with something in it, at some depth, that has no business there."""
    if choose.random() < 0.3 or not isinstance(value, list | dict) or not value:
        return copy.deepcopy(choose.choice([*ODD, *ODD_TURNS]))
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = choose.choice(keys)
    if choose.random() < 0.2:
        if isinstance(value, dict):
            return {name: said for name, said in value.items() if name != key}
        return [*value, copy.deepcopy(choose.choice(ODD_TURNS))]
    made = dict(value) if isinstance(value, dict) else list(value)
    made[key] = broken(value[key], choose)
    return made


ONE_EACH = [next(name for name, (layout, _) in VARIANTS.items() if layout == wanted) for wanted in LAYOUTS]


@pytest.mark.parametrize("name", [*ONE_EACH, "messages_with_tools", "scored_rows", "scored_columns"])
@settings(deadline=None, max_examples=2)
@given(seed=st.integers(0, 1 << 32))
def test_each_broken_row_ends_in_exactly_one_of_three(tmp_path_factory, name: str, seed: int) -> None:
    check(tmp_path_factory, name, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1 << 32))
def test_each_broken_row_of_every_variant_too(tmp_path_factory, name: str, seed: int) -> None:
    check(tmp_path_factory, name, seed)


def check(tmp_path_factory, name: str, seed: int) -> None:
    """Read and normalise rows of which four in five are broken, and count what became of each."""
    choose = random.Random(seed)
    folder = tmp_path_factory.getbasetemp()
    good = folder / f"good-{name}.jsonl"
    good.write_text("".join(json.dumps(row) + "\n" for row in rows(name, 8)))
    columns = next(found for found in bindings(LAYOUTS[VARIANTS[name][0]], sampled(good)) if not isinstance(found, str))
    declared = Read.laid_out(LAYOUTS[VARIANTS[name][0]].bound(**columns))
    bad = folder / f"bad-{name}.jsonl"
    made = [row if choose.random() < 0.2 else broken(row, choose) for row in rows(name, 30)]
    bad.write_text("".join(json.dumps(row) + "\n" for row in made))
    try:
        parts = list(read(bad, columns=declared.columns))
    except TamisError:  # no row has the column, or it is of another type in all
        return
    frames = [part.rows for part in parts if part.rows.height]
    unread = sum(part.broken.height for part in parts)
    if not frames:
        return
    whole = next(batches(iter(frames), whole_file=True))
    done = normalise(whole, declared, Place(name, "0" * 40, "c", "train", "f", 0, None, None))
    nothing = done.rejects.filter(pl.col("family").is_null())
    assert nothing["row"].is_unique().all()
    assert done.rows == len(made) - unread == done.yielding + nothing.height
    for family, records in done.records.items():
        assert records["id"].is_unique().all()
        assert validate(records.to_arrow(), FAMILIES[family]).rejects.num_rows == 0


@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 1 << 32))
def test_looking_at_anything_raises_nothing_but_what_a_user_can_read(tmp_path_factory, seed: int) -> None:
    choose = random.Random(seed)
    name = choose.choice(list(VARIANTS))
    path = tmp_path_factory.getbasetemp() / "anything.jsonl"
    made = [broken(row, choose) if choose.random() < 0.7 else row for row in rows(name, 10)]
    path.write_text("".join(json.dumps(row) + "\n" for row in made))
    try:
        found = fits(path, sampled(path))
    except TamisError:
        return
    assert len(found) == len(LAYOUTS)
    assert all(0 <= fit.score <= 1 and (fit.score or fit.why) for fit in found)


def said(*texts: Any) -> list[list[tuple[str | None, str | None]] | None]:
    made = talks(pl.Series([text if isinstance(text, str) or text is None else json.dumps(text) for text in texts]))
    return [None if talk is None else [(m["role"], m["content"]) for m in talk] for talk in made["messages"].to_list()]


def test_rows_of_different_forms_stand_side_by_side() -> None:
    asked, answered = ("user", "q"), ("assistant", "a")
    forms = (
        [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
        [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}],
        [{"speaker": "User", "text": "q"}, {"speaker": "Bot", "text": "a"}],
        [{"human": "q", "assistant": "a"}],
        [["q", "a"]],
        ["q", "a"],
        [{"role": "user", "content": [{"type": "text", "text": "q"}]}, {"role": "assistant", "content": "a"}],
    )
    assert said(*forms) == [[asked, answered]] * len(forms)
    assert said("plain", None, "[", "[]", {"role": "user", "content": "q"}) == [None, None, None, [], [asked]]


def test_what_is_not_text_is_told() -> None:
    image = [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "q"}]}
    ]
    sound = [{"role": "user", "content": [{"type": "input_audio", "data": "x"}]}]
    told = [{"role": "tool", "content": {"found": [1]}}]
    made = talks(pl.Series([json.dumps(image), json.dumps(sound), json.dumps(told)]))
    assert made["wrong"].to_list() == ["a message holds an image", "a message holds what is not text", None]
    assert made["messages"][2][0]["content"] == '{"found":[1]}'


def test_no_thought_is_lost() -> None:
    talk = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a", "reasoning_content": "first"},
        {"role": "user", "content": "and?"},
        {"role": "assistant", "content": "b", "reasoning_content": "second"},
    ]
    made = talks(pl.Series([json.dumps(talk)]))
    assert made["thought"].to_list() == ["second"]
    assert made["messages"][0][1]["content"] == "<think>\nfirst\n</think>\n\na"
    assert made["messages"][0][3]["content"] == "b"
