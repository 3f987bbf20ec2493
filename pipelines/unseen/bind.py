"""Which of a sample's columns play the roles of a layout, by their names and by what stands in them."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from pipelines.layouts.layout import NUMBER, TEXT, Layout, Role
from pipelines.layouts.talks import ANSWERED, ASKED, SAID, SPEAKERS
from pipelines.unseen.sample import Sample, parsed

_ENOUGH: Final = 0.8
"""Share of a column's values that have to be what its role takes; the others become rejects."""

_BY_ENDING: Final = ("prompt", "completion", "reasoning", "chosen", "rejected", "messages")
_LIKELY: Final = 5
_WORDS: Final = re.compile(r"[^a-z0-9.]+")
_NUMBERED: Final = re.compile(r"(response|answer|completion|output|candidate|generation)_?(\d|[a-d])")
_PYTHON: Final = re.compile(r"\s*\[?\{'")
Columns = dict[str, str | list[str]]


def bindings(layout: Layout, sample: Sample) -> Iterator[Columns | str]:
    """For each group of roles that the layout needs: the columns that play it, or why none do, in words."""
    grouped = {role for group in layout.needs for role in group}
    for group in layout.needs:
        bound: Columns = {}
        missing: list[str] = []
        wrong: list[str] = []
        for role in [*group, *(role for role in layout.roles if role not in grouped)]:
            numbered = _numbered(role, sample) if layout.roles[role].many else None
            found: str | list[str] | None
            found, why = (numbered, "") if numbered else _player(role, layout.roles[role], sample, bound)
            if found is not None:
                bound[role] = found
            elif role in group and why:
                wrong.append(why)
            elif role in group:
                missing.append(role)
        absent = [f"no column for {' and '.join(missing)}"] if missing else []
        yield "; ".join([*absent, *wrong]) if absent or wrong else bound


def _player(name: str, role: Role, sample: Sample, bound: Columns) -> tuple[str | None, str]:
    taken = {column for said in bound.values() for column in ([said] if isinstance(said, str) else said)}
    by_name = {_plain(column): column for column in reversed(sample.columns)}
    wrong = ""
    for wanted in role.names:
        top, dot, rest = _plain(wanted).partition(".")
        column = by_name.get(top)
        if column is None or column in taken:
            continue
        path = f"{column}.{rest}" if dot else column
        values = sample.values(path)
        if dot and not values:
            continue
        plays = sum(map(_check(name, role), values))
        if values and plays >= _ENOUGH * len(values):
            return path, ""
        python = any(isinstance(value, str) and _PYTHON.match(value) for value in values)
        is_ = "Python's notation of a list, not JSON" if python else sample.columns[column]
        wrong = wrong or (f"{column} is {is_}" if values else f"{column} is empty")
    if name == "messages" and (inside := _inside(role, sample, taken)):
        return inside, ""
    if not wrong and (alike := _alike(name, role, sample, taken)):
        return alike, ""
    return None, f"{wrong}, which is no {name} ({role.about})" if wrong else ""


def _inside(role: Role, sample: Sample, taken: set[str]) -> str | None:
    """The path of the one column that holds conversations below one of their names; None for several."""
    names = [wanted for wanted in role.names if "." not in wanted]
    paths = [f"{column}.{wanted}" for column in sample.columns if column not in taken for wanted in names]
    found = [
        path
        for path in paths
        if (values := sample.values(path)) and sum(map(is_talk, values)) >= _ENOUGH * max(len(values), len(sample.rows))
    ]
    return found[0] if len(found) == 1 else None


def _alike(name: str, role: Role, sample: Sample, taken: set[str]) -> str | None:
    """The one column whose name ends as the role's likeliest ones do (`deepseek_reasoning`); None for several."""
    if name not in _BY_ENDING:
        return None
    endings = tuple(f"_{wanted}" for wanted in role.names[:_LIKELY])
    found = [column for column in sample.columns if column not in taken and _plain(column).endswith(endings)]
    check = _check(name, role)
    if len(found) != 1 or not (values := sample.values(found[0])):
        return None
    return found[0] if sum(map(check, values)) >= _ENOUGH * len(values) else None


def _plain(name: str) -> str:
    return _WORDS.sub("_", name.lower()).strip("_")


def _check(name: str, role: Role) -> Callable[[Any], bool]:
    by_role: dict[str, Callable[[Any], bool]] = {
        "messages": is_talk,
        "history": lambda value: isinstance(parsed(value), list),
        "tools": lambda value: isinstance(parsed(value), list | dict) or not str(value).strip(),
        "reward_model": lambda value: isinstance(parsed(value), dict) and "ground_truth" in parsed(value),
        "ground_truth": lambda value: True,
        "dataset": lambda value: isinstance(value, str) or (isinstance(value, list) and len(value) == 1),
        "responses": _is_answers,
        "scores": lambda value: _is_numbers(parsed(value)),
        "answer": _is_gold,
    }
    by_form = {TEXT: lambda value: isinstance(value, str), NUMBER: _is_number}
    return by_role.get(name) or by_form.get(role.form) or _is_said


def is_talk(value: Any) -> bool:  # noqa: ANN401 -- what JSON holds
    """Whether a value is a conversation in a form that `pipelines.layouts.talks` takes."""
    talk = parsed(value)
    if not isinstance(talk, list) or not talk:
        return False
    if all(isinstance(turn, dict) for turn in talk):
        return all(is_message(turn) for turn in talk) or all(_is_exchange(turn) for turn in talk)
    if all(isinstance(turn, list) for turn in talk):
        return all(len(turn) == 2 and all(isinstance(said, str) for said in turn) for turn in talk)
    return len(talk) > 1 and all(isinstance(turn, str) for turn in talk)


def is_message(value: Any) -> bool:  # noqa: ANN401 -- as above
    """Whether a value is an object that says who speaks."""
    return isinstance(value, dict) and any(isinstance(value.get(key), str) for key in SPEAKERS) and (
        any(key in value for key in SAID) or "tool_calls" in value
    )  # fmt: skip


def _is_exchange(value: dict[str, Any]) -> bool:
    return any(isinstance(value.get(key), str) for key in ASKED) and any(
        isinstance(value.get(key), str) for key in ANSWERED
    )


def _is_said(value: Any) -> bool:  # noqa: ANN401 -- as above
    """A text, or messages, or one message."""
    if isinstance(value, str):
        return not _PYTHON.match(value)
    return is_message(value) or (isinstance(value, list) and bool(value) and all(map(is_message, value)))


def _is_number(value: Any) -> bool:  # noqa: ANN401 -- as above
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return False
        return True
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_numbers(value: Any) -> bool:  # noqa: ANN401 -- as above
    return isinstance(value, list) and all(map(_is_number, value))


def _is_answers(value: Any) -> bool:  # noqa: ANN401 -- as above
    listed = parsed(value)
    return isinstance(listed, list) and bool(listed) and all(isinstance(one, str | dict) for one in listed)


def _is_gold(value: Any) -> bool:  # noqa: ANN401 -- as above
    if isinstance(value, list):
        return len(value) == 1 and isinstance(value[0], str)
    return isinstance(value, str | int | float)


def _numbered(role: str, sample: Sample) -> list[str] | None:
    """Columns that end in a number or a letter: the answers, or their scores in the order of the answers."""
    by_name = {_plain(column): column for column in sample.columns}
    stems: dict[str, list[str]] = {}
    for name in by_name:
        if match := _NUMBERED.fullmatch(name):
            stems.setdefault(match[1], []).append(match[2])
    for stem, marks in stems.items():
        scores = [
            next(
                (
                    by_name[name]
                    for kind in ("score", "rating", "reward")
                    for name in (f"{kind}_{mark}", f"{kind}{mark}", f"{stem}_{mark}_{kind}", f"{stem}{mark}_{kind}")
                    if name in by_name
                ),
                None,
            )
            for mark in sorted(marks)
        ]
        answers = [by_name.get(f"{stem}_{mark}") or by_name[f"{stem}{mark}"] for mark in sorted(marks)]
        found = [score for score in scores if score is not None]
        if len(marks) > 1 and len(found) == len(marks):
            return answers if role == "responses" else found
    return None
