"""Which layout a file's rows have, how well each fits, and why the others do not."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines.errors import TamisError
from pipelines.layouts.comparisons import ANSWERS, MARK, RANKS, SCORES
from pipelines.layouts.fine_tuning import ANSWER
from pipelines.layouts.known import LAYOUTS
from pipelines.layouts.layout import Layout
from pipelines.layouts.talks import SAID
from pipelines.normalise import Normalised, Place, batches, normalise
from pipelines.reading import read
from pipelines.sources.source import Read
from pipelines.unseen.bind import Columns, bindings, is_talk
from pipelines.unseen.sample import ROWS, Row, Sample, parsed

CLAIMED: Final = 0.5
"""The score from which a layout is said to fit."""

_TEXT: Final = 0.3
"""What a layout loses that leaves all but a sliver of the text out."""

_SHORT: Final = 120
_MOST_KEPT: Final = 24
_TAGS: Final = re.compile(r"</think>|<\|end_of_thought\|>")
_GOLD: Final = re.compile(r"####|\\boxed|^\s*\$?-?[\d.,/%\\]+\s*$")
_CHOICES: Final = ("choices", "options", "option_a", "answer_options", "mc1_targets")
_PICTURES: Final = ("image", "images", "video", "videos", "audio", "audios", "pixel_values")
_VERDICTS: Final = ("label", "labels", "kto_tag", "is_good", "desirable", "is_chosen", "preferred")


@dataclass(frozen=True)
class Fit:
    """How a layout fits the first rows of a file. `score`, from 0 to 1: the share of them that yield a record, less
    up to a third for text that it leaves out (`left_out`: those columns). `columns` and `keep` as `lake.yaml` has them;
    `families`: records by family; `reasons`: rows by why they are rejects; `why`: why it does not fit at all.
    """

    layout: str
    score: float
    columns: Columns = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    rows: int = 0
    yielding: int = 0
    families: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    why: str = ""


def fits(path: Path, sample: Sample) -> list[Fit]:
    """Every layout on a file, the best first; those that do not fit at all come last."""
    order = list(LAYOUTS)
    found = [_best(layout, path, sample) for layout in LAYOUTS.values()]
    return sorted(found, key=lambda fit: (-round(fit.score, 2), order.index(fit.layout)))


def best(found: list[Fit]) -> Fit | None:
    """The layout that is claimed; None where none fits well enough."""
    return found[0] if found and found[0].score >= CLAIMED else None


def on_columns(layout: str, path: Path, columns: Columns, keep: tuple[str, ...], sample: Sample) -> Fit:
    """A layout on columns that a user names. TamisError where they are not there, or are of another type."""
    return _tried(LAYOUTS[layout], path, columns, keep, sample)


def completed(layout: str, sample: Sample, said: Columns) -> Columns:
    """The columns that a user names for roles, and for the other roles those that would play them."""
    taken = {name for names in said.values() for name in ([names] if isinstance(names, str) else names)}
    for found in bindings(LAYOUTS[layout], sample):
        if isinstance(found, str):
            continue
        others = {
            role: names
            for role, names in found.items()
            if role not in said and not taken & set([names] if isinstance(names, str) else names)
        }
        return others | said
    return said


def kept_columns(sample: Sample, columns: Columns) -> tuple[str, ...]:
    """Columns of numbers, truth values and short texts that play no role: worth keeping in `meta`."""
    taken = {name.partition(".")[0] for name in _names(columns)}
    free = [name for name in sample.columns if name not in taken and _is_worth_keeping(sample.values(name))]
    return tuple(free[:_MOST_KEPT])


def _best(layout: Layout, path: Path, sample: Sample) -> Fit:
    """The best of the layout's ways to be bound; why there is none, where there is none."""
    why = ""
    found: list[Fit] = []
    for columns in bindings(layout, sample):
        if isinstance(columns, str):
            why = why or columns
            continue
        if against := _against(layout.name, sample, columns):
            why = against
            continue
        try:
            found.append(_tried(layout, path, columns, kept_columns(sample, columns), sample))
        except TamisError as error:
            why = error.what
    return max(found, key=lambda fit: fit.score, default=Fit(layout.name, 0.0, why=why))


def _tried(layout: Layout, path: Path, columns: Columns, keep: tuple[str, ...], sample: Sample) -> Fit:
    done, broken = _made(layout, path, columns, keep)
    whole = done.rejects.filter(pl.col("family").is_null())
    rejects = whole.filter("selected")
    rows = done.rows + broken.height
    out = rows - rejects.height - broken.height
    reasons = Counter([*rejects["reason"], *broken["reason"]])
    used, left_out = _used(sample, columns, keep)
    share = out / rows if rows and done.yielding else 0.0
    return Fit(
        layout=layout.name,
        score=share * (1 - _TEXT * (1 - used)),
        columns=columns,
        keep=keep,
        rows=rows,
        yielding=out if done.yielding else 0,
        families={name: table.height for name, table in done.records.items() if table.height},
        reasons=dict(reasons.most_common()),
        left_out=left_out,
        why="" if done.yielding else f"no row yields a record: {next(iter(reasons), 'nothing was read')}",
    )


def _made(layout: Layout, path: Path, columns: Columns, keep: tuple[str, ...]) -> tuple[Normalised, pl.DataFrame]:
    declared = Read.laid_out(layout.bound(keep, **columns))
    parts = list(read(path, columns=declared.columns, limit=ROWS, batch_bytes=1 << 20))
    place = Place("new", "0" * 40, "default", "train", path.name, 0, None, None)
    broken = pl.concat(part.broken for part in parts) if parts else pl.DataFrame(schema={"reason": pl.String})
    frames = [part.rows for part in parts if part.rows.height]
    if not frames:
        raise TamisError("no row of it can be read: " + next(iter(broken["reason"]), "there is none"))
    whole = next(batches(iter(frames), whole_file=True))
    return normalise(whole, declared, place), broken


def _names(columns: Columns) -> Iterator[str]:
    for said in columns.values():
        yield from [said] if isinstance(said, str) else said


def _used(sample: Sample, columns: Columns, keep: tuple[str, ...]) -> tuple[float, tuple[str, ...]]:
    """The share of the sample's text that stands in the columns of the roles, and what is neither there nor kept."""
    taken = {name.partition(".")[0] for name in _names(columns)}
    sizes = {name: sum(_characters(value) for value in sample.values(name)) for name in sample.columns}
    total = sum(sizes.values())
    used = sum(size for name, size in sizes.items() if name in taken) / total if total else 1.0
    return used, tuple(name for name, size in sizes.items() if name not in taken and name not in keep and size)


def _characters(value: Any) -> int:  # noqa: ANN401 -- what JSON holds
    if isinstance(value, dict):
        return sum(map(_characters, value.values()))
    if isinstance(value, list):
        return sum(map(_characters, value))
    return len(value) if isinstance(value, str) else 0


def _is_worth_keeping(values: list[Any]) -> bool:
    if not values:
        return False
    return all(
        isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _SHORT) for value in values
    )


def _against(layout: str, sample: Sample, columns: Columns) -> str:
    """What speaks against a layout whose columns are there; empty where nothing does."""
    if pictures := _there(sample, _PICTURES):
        return f"{pictures} holds what is not text"
    judge = _AGAINST.get(layout)
    return judge(sample, columns) if judge else ""


def _there(sample: Sample, names: tuple[str, ...]) -> str | None:
    return next((column for column in sample.columns if column.lower() in names and sample.values(column)), None)


def _judged_alone(sample: Sample) -> str:
    verdict = next(
        (
            column
            for column in sample.columns
            if column.lower() in _VERDICTS and all(isinstance(value, bool) for value in sample.values(column))
        ),
        None,
    )
    if verdict is None or not sample.values(verdict):
        return ""
    return f"{verdict} says which answers are good: bad ones are no examples, and unpaired verdicts have no family"


def _share(values: list[Any], condition: Callable[[Any], bool]) -> float:
    return sum(map(condition, values)) / len(values) if values else 0.0


def _column(sample: Sample, columns: Columns, role: str) -> list[Any]:
    said = columns.get(role)
    return sample.values(said) if isinstance(said, str) else []


def _speaker(value: Any) -> str:  # noqa: ANN401 -- what JSON holds
    """The key by which a conversation's first message says who speaks."""
    talk = parsed(value)
    first = talk[0] if isinstance(talk, list) and talk else talk
    keys = [key for key in ("role", "from") if isinstance(first, dict) and key in first]
    return keys[0] if keys else ""


def _said_last(value: Any) -> tuple[str, str]:  # noqa: ANN401 -- as above
    """Who speaks last in a conversation, and what is said; the text itself, of nobody, where it is none."""
    talk = parsed(value)
    if not is_talk(talk):
        return "", value if isinstance(value, str) else ""
    last = talk[-1]
    if not isinstance(last, dict):
        return "", str(last[-1] if isinstance(last, list) else last)
    who = next((str(last[key]).lower() for key in ("role", "from") if key in last), "")
    return who, next((last[key] for key in SAID if isinstance(last.get(key), str)), "")


def _messages(sample: Sample, columns: Columns) -> str:
    by_role = _share(_column(sample, columns, "messages"), lambda value: _speaker(value) == "role")
    return _judged_alone(sample) or ("" if by_role >= CLAIMED else "its turns name the speaker otherwise than by role")


def _sharegpt(sample: Sample, columns: Columns) -> str:
    by_role = _share(_column(sample, columns, "messages"), lambda value: _speaker(value) == "role")
    return _judged_alone(sample) or ("its turns name the speaker by role" if by_role >= CLAIMED else "")


def _prompted(sample: Sample, columns: Columns) -> str:
    ends = _share(_column(sample, columns, "prompt"), lambda value: _said_last(value)[0] in ("assistant", "gpt"))
    return _judged_alone(sample) or (f"{columns['prompt']} ends with an answer itself" if ends >= CLAIMED else "")


def _reasoning(sample: Sample, columns: Columns) -> str:
    if "completion" in columns and (why := _prompted(sample, columns)):
        return why
    if "reasoning" in columns:
        return ""
    role = "messages" if "messages" in columns else "completion"
    tagged = _share(_column(sample, columns, role), lambda value: bool(_TAGS.search(_said_last(value)[1])))
    beside = _share(_column(sample, columns, role), _thinks)
    why = f"{tagged:.0%} of the answers have reasoning in tags, and no column holds it"
    return _judged_alone(sample) or ("" if max(tagged, beside) >= CLAIMED else why)


def _thinks(value: Any) -> bool:  # noqa: ANN401 -- as above
    talk = parsed(value)
    last = talk[-1] if isinstance(talk, list) and talk else {}
    return isinstance(last, dict) and any(last.get(key) for key in ("reasoning_content", "reasoning", "thinking"))


def _problem(sample: Sample, columns: Columns) -> str:
    if choices := _there(sample, _CHOICES):
        return f"{choices} holds the choices, which the prompt would lack"
    if "solution" in columns:
        return ""
    if str(columns["answer"]).lower() in _VERDICTS and _there(sample, ANSWER.names) and (why := _judged_alone(sample)):
        return why
    answers = _column(sample, columns, "answer")
    golds = _share(answers, lambda value: not isinstance(value, str) or bool(_GOLD.search(value)))
    named = str(columns["prompt"]).lower().startswith("problem") or str(columns["answer"]).lower() not in _ANSWERS
    short = _share(answers, lambda value: len(str(value)) <= _SHORT)
    if golds >= CLAIMED or (named and short >= CLAIMED):
        return ""
    return f"{columns['answer']} holds answers rather than golds that can be checked"


_ANSWERS: Final = ("answer", "target", "label")


def _transcripts(sample: Sample, columns: Columns) -> str:
    marked = _share(
        _column(sample, columns, "chosen"),
        lambda value: (
            isinstance(value, str) and bool(re.match(rf"\s*(?:{MARK}|<\|im_start\|>)", f"\n{value.lstrip()}"))
        ),
    )
    return "" if marked >= CLAIMED else "the texts do not begin with a mark of who speaks, such as `Human:`"


def _pairs(sample: Sample, columns: Columns) -> str:
    talk = _share(_column(sample, columns, "chosen"), is_talk)
    return "" if talk >= CLAIMED else "chosen is no conversation, and what is asked stands nowhere"


def _preference(sample: Sample, columns: Columns) -> str:
    ends = _share(_column(sample, columns, "prompt"), lambda value: _said_last(value)[0] in ("assistant", "gpt"))
    return f"{columns['prompt']} ends with an answer itself" if ends >= CLAIMED else ""


def _scored(sample: Sample, columns: Columns) -> str:
    if "response" in columns:
        asked = [str(value) for value in _column(sample, columns, "prompt")]
        repeated = sum(count for count in Counter(asked).values() if count > 1)
        return (
            ""
            if repeated >= 0.3 * len(asked)
            else "the prompts of the first rows do not repeat, so nothing is compared"
        )
    if "scores" in columns:
        return ""
    rated = _share(_column(sample, columns, "responses"), _is_rated)
    return "" if rated >= CLAIMED else f"{columns['responses']} has no scores, and no column holds them"


def _is_rated(value: Any) -> bool:  # noqa: ANN401 -- as above
    first: Row | Any = parsed(value)[0] if parsed(value) else None
    return (
        isinstance(first, dict) and any(key in first for key in (*SCORES, *RANKS)) and any(k in first for k in ANSWERS)
    )


_AGAINST: Final[dict[str, Callable[[Sample, Columns], str]]] = {
    "messages": _messages,
    "sharegpt": _sharegpt,
    "alpaca": lambda sample, columns: _judged_alone(sample),
    "prompt-completion": _prompted,
    "reasoning": _reasoning,
    "problem": _problem,
    "transcripts": _transcripts,
    "pairs": _pairs,
    "preference": _preference,
    "scored": _scored,
}
"""What speaks against a layout whose columns are there."""
