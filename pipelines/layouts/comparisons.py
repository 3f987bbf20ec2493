"""Layouts of answers that were compared: pairs, with the prompt apart or not, transcripts, scored answers."""

import re
from typing import Final

import polars as pl

from pipelines.layouts.fine_tuning import NOT_KEPT, PROMPT, SYSTEM, TOOLS, said_or_spoken
from pipelines.layouts.json_lists import elements, first_value
from pipelines.layouts.layout import ANY, NUMBER, Bound, Layout, Made, Role
from pipelines.layouts.messages import message, offered, pairs, role, same, turns, with_system
from pipelines.layouts.talks import TALK, is_talk, talks

CHOSEN: Final = (
    "chosen",
    "chosen_response",
    "response_chosen",
    "chosen_answer",
    "preferred",
    "preferred_response",
    "winner_response",
    "accepted",
    "positive",
    "better",
    "better_response",
    "good",
    "output_chosen",
    "answer_chosen",
    "chosen_output",
    "chosen_completion",
    "chosen_messages",
    "chosen_conversations",
)
REJECTED: Final = (
    "rejected",
    "rejected_response",
    "response_rejected",
    "rejected_answer",
    "dispreferred",
    "rejected_responses",
    "loser_response",
    "non_preferred",
    "negative",
    "worse",
    "worse_response",
    "bad",
    "output_rejected",
    "answer_rejected",
    "rejected_output",
    "rejected_completion",
    "rejected_messages",
    "rejected_conversations",
)
_SIDES: Final = {
    "chosen": Role("the answer that won: text, or messages", CHOSEN, ANY),
    "rejected": Role("the answer that lost: text, or messages", REJECTED, ANY),
    "chosen_score": Role(
        "the winner's score",
        ("chosen_score", "score_chosen", "chosen_rating", "chosen-rating", "rating_chosen", "chosen_reward"),
        NUMBER,
    ),
    "rejected_score": Role(
        "the loser's score",
        (
            "rejected_score",
            "score_rejected",
            "rejected_rating",
            "rejected-rating",
            "rating_rejected",
            "rejected_reward",
        ),
        NUMBER,
    ),
}
_CONTEXT: Final = Role(
    "what is asked: text, or messages",
    (*PROMPT.names, "messages", "conversations", "conversation", "context", "history", "dialogue", "chat"),
    ANY,
)
NO_SIDE: Final = "a side is missing"
_NOTHING: Final = pl.lit(None, dtype=pl.String)


def _pair(bound: Bound) -> Made:
    return Made(
        prepare=_apart,
        reject={NO_SIDE: pl.col("no_side"), **NOT_KEPT},
        families={
            "preference": {
                "prompt": pl.col("prompt"),
                "chosen": pl.col("chosen"),
                "rejected": pl.col("rejected"),
                "chosen_score": pl.col("chosen_score"),
                "rejected_score": pl.col("rejected_score"),
                "tools": pl.col("tools"),
            }
        },
    )


def _apart(frame: pl.DataFrame) -> pl.DataFrame:
    """The roles `prompt`, `chosen` and `rejected` as messages, the prompt being all that both sides begin with.

    A side may hold the whole conversation or the answer alone: where the two sides share nothing, or begin with the
    assistant, the prompt is the one that stands apart.
    """
    sides = {side: said_or_spoken(frame[side], "assistant") for side in ("chosen", "rejected")}
    asked, wrong = said_or_spoken(frame["prompt"], "user")
    for _, why in sides.values():
        wrong = wrong.zip_with(wrong.is_not_null(), why)
    within = _offered_within(frame)
    read = frame.drop("prompt").with_columns(
        *(said.alias(side) for side, (said, _) in sides.items()),
        asked.alias("asked"),
        wrong.alias("wrong"),
        within.alias("offered"),
    )
    cut = pairs(read.with_columns(no_side=_no_side("chosen") | _no_side("rejected")))
    shared = pl.col("prompt").list.len() > 0
    whole = pl.when(shared).then("prompt").otherwise(pl.coalesce("asked", "prompt"))
    return cut.with_columns(prompt=with_system(_unless_there(pl.col("system"), whole), whole)).with_columns(
        tools=offered(pl.col("tools"), pl.col("offered"))
    )


def _offered_within(frame: pl.DataFrame) -> pl.Series:
    """Tools that a message of the prompt or of the winner defines."""
    found = pl.Series([None] * frame.height, dtype=pl.String)
    for column in ("prompt", "chosen"):
        talk = is_talk(frame[column])
        if talk.any() and found.null_count():
            texts = frame.select(pl.when(pl.Series(talk)).then(column)).to_series()
            found = found.zip_with(found.is_not_null(), talks(texts)["offered"])
    return found


def _unless_there(system: pl.Expr, prompt: pl.Expr) -> pl.Expr:
    return pl.when(prompt.list.first().struct.field("role").ne_missing("system")).then(system)


def _no_side(side: str) -> pl.Expr:
    return (pl.col(side).list.len() == 0).fill_null(value=True)


PREFERENCE: Final = Layout(
    "preference",
    "a prompt with a chosen and a rejected answer, as texts or messages",
    {"prompt": _CONTEXT, **_SIDES, "system": SYSTEM, "tools": TOOLS},
    (("prompt", "chosen", "rejected"),),
    _pair,
)
PAIRS: Final = Layout(
    "pairs",
    "a chosen and a rejected conversation, whose common beginning is the prompt",
    {**_SIDES, "system": SYSTEM, "tools": TOOLS},
    (("chosen", "rejected"),),
    lambda bound: _pair_of_talks(),
)


def _pair_of_talks() -> Made:
    made = _pair({})
    return Made(
        prepare=lambda frame: _apart(frame.with_columns(prompt=_NOTHING)),
        reject=made.reject,
        families=made.families,
    )


_USERS: Final = ("Human", "User", "HUMAN", "USER", "Question", "Q", "Prompter", "Customer")
_ASSISTANTS: Final = ("Assistant", "ASSISTANT", "AI", "GPT", "Bot", "Chatbot", "Model", "Answer", "A")
_SPOKEN: Final = {**dict.fromkeys(_USERS, "user"), **dict.fromkeys(_ASSISTANTS, "assistant"), "System": "system"}
_NAMES: Final = "|".join(re.escape(name) for name in _SPOKEN)
MARK: Final = rf"(?:^|\n)[ \t]*(?:\#{{1,4}}[ \t]*)?\**({_NAMES})\**[ \t]*:\**"
"""Who speaks, at the beginning of a line: `Human:`, `### User:`, `**Assistant:**`."""
CHATML: Final = r"<\|im_start\|>[ \t]*(\w+)[ \t]*\n"
_TURN, _SAID = "\ufdd0", "\ufdd1"


def transcribed(column: str) -> pl.Expr:
    """A text in which marks (`MARK`, at its beginning; or ChatML's) say who speaks, as messages, turns stripped.

    Null where the text does not begin with a mark.
    """
    text = pl.col(column)
    in_chatml = text.str.starts_with("<|im_start|>")
    marked = (
        pl.when(in_chatml)
        .then(text.str.replace_all(CHATML, f"{_TURN}${{1}}{_SAID}").str.replace_all(r"<\|im_end\|>\s*", ""))
        .otherwise(text.str.replace_all(MARK, f"{_TURN}${{1}}{_SAID}"))
    )
    turn = pl.element().str.split_exact(_SAID, 1)
    speaker, said = turn.struct.field("field_0"), turn.struct.field("field_1").str.strip_chars()
    spoken = marked.str.split(_TURN).list.slice(1).list.eval(message(role(speaker.replace(_SPOKEN)), said))
    return pl.when(marked.str.strip_chars_start().str.starts_with(_TURN)).then(spoken)


def _transcripts(frame: pl.DataFrame) -> pl.DataFrame:
    read = frame.with_columns(chosen=transcribed("chosen"), rejected=transcribed("rejected"))
    marked = pl.all_horizontal(pl.col("chosen", "rejected").is_not_null())
    return pairs(read.with_columns(unmarked=~marked))


TRANSCRIPTS: Final = Layout(
    "transcripts",
    "a chosen and a rejected transcript, each one text with marks such as `Human:` and `Assistant:`",
    _SIDES,
    (("chosen", "rejected"),),
    lambda bound: Made(
        prepare=_transcripts,
        reject={"does not begin with a mark of who speaks": pl.col("unmarked")},
        families={
            "preference": {
                name: pl.col(name) for name in ("prompt", "chosen", "rejected", "chosen_score", "rejected_score")
            }
        },
    ),
)

ANSWERS: Final = ("response", "text", "answer", "content", "output", "completion", "generation", "message", "body")
SCORES: Final = (
    "score",
    "overall_score",
    "rating",
    "reward",
    "pm_score",
    "quality",
    "overall_rating",
    "fine_grained_score",
    "preference_score",
    "votes",
)
RANKS: Final = ("rank", "ranking")
NO_SCORE: Final = "no answer with a score"


def _scored(bound: Bound) -> Made:
    by_row = "response" in bound
    origin = pl.col("origin") if by_row else None
    prompt = with_system(pl.col("system"), pl.col("asked"))
    group = pl.col("group")
    return Made(
        prepare=lambda frame: _against_best(_by_prompt(frame) if by_row else _listed(frame, bound)),
        reject={NO_SCORE: pl.col("best").is_null() & _is_origin(by_row), "no prompt": pl.col("asked").is_null()},
        families={
            "preference": {
                "when": pl.col("other").is_not_null(),
                "prompt": prompt,
                "chosen": turns(assistant=pl.col("best").struct.field("said")),
                "rejected": turns(assistant=pl.col("other").struct.field("said")),
                "chosen_score": pl.col("best").struct.field("score"),
                "rejected_score": pl.col("other").struct.field("score"),
                "group": group,
            },
            "instruction": {
                "when": pl.col("first") & pl.col("best").is_not_null(),
                "prompt": prompt,
                "completion": turns(assistant=pl.col("best").struct.field("said")),
                "group": group,
            },
        },
        part_of=None if origin is None else pl.when(origin != pl.col("row")).then(origin),
        whole_file=by_row,
    )


def _is_origin(by_row: bool) -> pl.Expr:
    return (pl.col("origin") == pl.col("row")).fill_null(value=True) if by_row else pl.lit(value=True)


_RATED: Final = pl.List(pl.Struct({"said": pl.String, "score": pl.Float64}))


def _listed(frame: pl.DataFrame, bound: Bound) -> pl.DataFrame:
    """`answers` of each row, each with its `score`: from columns side by side, or from lists."""
    if len(bound["responses"]) > 1:
        places = range(len(bound["responses"]))
        rated = [
            pl.struct(said=pl.col(f"responses_{place}"), score=pl.col(f"scores_{place}").cast(pl.Float64, strict=False))
            for place in places
        ]
        return frame.with_columns(answers=pl.concat_list(rated).cast(_RATED))
    listed = pl.DataFrame({"row": frame["row"], "element": elements(frame["responses_0"])})
    flat = listed.filter(pl.col("element").list.len() > 0).explode("element")
    element = flat["element"]
    objects = element.to_frame("e").select(pl.when(pl.col("e").str.starts_with("{")).then("e")).to_series()
    bare = (
        element.to_frame("e")
        .select(pl.when(pl.col("e").str.starts_with('"')).then(pl.col("e").str.json_path_match("$")))
        .to_series()
    )
    said = bare.zip_with(bare.is_not_null(), first_value(objects, ANSWERS))
    score = first_value(objects, SCORES).cast(pl.Float64, strict=False)
    rank = -first_value(objects, RANKS).cast(pl.Float64, strict=False)
    found = flat.select("row", said=said, score=score.zip_with(score.is_not_null(), rank))
    if "scores" in bound:
        numbers = pl.DataFrame({"row": frame["row"], "number": elements(frame["scores_0"])})
        flat_numbers = numbers.filter(pl.col("number").list.len() > 0).explode("number")
        place = pl.int_range(pl.len()).over("row")
        found = (
            found.with_columns(place=place)
            .join(flat_numbers.with_columns(place=place), on=["row", "place"], how="left", maintain_order="left")
            .with_columns(score=pl.col("number").str.strip_chars('"').cast(pl.Float64, strict=False))
        )
    grouped = found.group_by("row", maintain_order=True).agg(answers=pl.struct("said", "score"))
    joined = frame.join(grouped, on="row", how="left", maintain_order="left")
    return joined.with_columns(pl.col("answers").cast(_RATED))


def _by_prompt(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of one prompt (and system prompt) as `answers` of the first of them; `origin`: that one's row."""
    rated = pl.struct(said="response", score="score")
    key = ["prompt", "system"]
    grouped = (
        frame.filter(pl.col("prompt").is_not_null())
        .group_by(key, maintain_order=True)
        .agg(origin=pl.col("row").first(), answers=rated)
    )
    joined = frame.join(grouped, on=key, how="left", maintain_order="left", nulls_equal=True)
    return joined.with_columns(
        answers=pl.when(pl.col("origin") == pl.col("row")).then(pl.col("answers").cast(_RATED)), origin="origin"
    )


def _against_best(frame: pl.DataFrame) -> pl.DataFrame:
    """A row for each scored answer that is not its prompt's best: `best` beside `other`.

    One row with a null `other` where there are fewer than two, and a null `best` where there is none. `first` marks
    one of the rows of each prompt. Equal scores stay and are judged as ties.
    """
    rated = frame.select("row", answer="answers").explode("answer", empty_as_null=True)
    answer = pl.col("answer").struct
    sound = answer.field("score").is_finite() & answer.field("said").is_not_null()
    ranked = (
        rated.filter(sound.fill_null(value=False))
        .with_columns(score=answer.field("score"))
        .sort("row", "score", descending=[False, True], maintain_order=True)
        .drop("score")
    )
    best = ranked.unique("row", keep="first", maintain_order=True).rename({"answer": "best"})
    others = ranked.filter(~pl.col("row").is_first_distinct()).rename({"answer": "other"})
    asked, _ = said_or_spoken(frame["prompt"], "user")
    return (
        frame.drop("answers")
        .with_columns(asked.cast(TALK).alias("asked"), group=same(pl.col("prompt")))
        .join(best, on="row", how="left", maintain_order="left")
        .join(others, on="row", how="left", maintain_order="left_right")
        .with_columns(first=pl.col("row").is_first_distinct())
    )


SCORED: Final = Layout(
    "scored",
    "several answers to one prompt with their scores: lists, columns side by side, or a row each",
    {
        "prompt": PROMPT,
        "responses": Role(
            "the answers: a list of texts or objects, or a column each",
            ("completions", "responses", "answers", "outputs", "generations", "candidates", "choices", "replies"),
            ANY,
            many=True,
        ),
        "scores": Role(
            "their scores: a list, or a column each; of objects theirs count",
            ("scores", "ratings", "rewards", "all_scores", "score", "rm_scores", "reward_scores"),
            ANY,
            many=True,
        ),
        "response": Role("one answer, where a row is one", ("response", "answer", "completion", "output")),
        "score": Role(
            "its score",
            ("score", "rating", "reward", "overall_score", "helpfulness", "quality", "overall", "pm_score"),
            NUMBER,
        ),
        "system": SYSTEM,
    },
    (("prompt", "responses"), ("prompt", "response", "score")),
    _scored,
)
