r"""Layouts of tasks whose answers can be checked, and the problem itself out of what is wrapped around it.

`verl` (a chat template around the prompt, `reward_model` with a gold of any type), open-instruct's RLVR (worked
examples before the question), DAPO (an instruction around the problem).
"""

from typing import Final

import polars as pl

from pipelines.layouts.answers import gold, sorted_out
from pipelines.layouts.messages import message, role, turns

_LABEL: Final = r"^\s*(Question|Problem):"
_REPLY: Final = r"\s*\n\s*(?:Answer|Solution):\s*(?:Let's think step by step\.?)?\s*$"
_BOX_IT: Final = r"\s*Please reason step by step, and put your final answer within \\boxed\{+\}+\.?\s*$"
_DAPO: Final = (
    r"(?s)^\s*Solve the following math problem step by step\. The last line of your response should be of the form "
    r"Answer: \S+ \(without quotes\) where \S+ is the answer to the problem\.\s+(.*?)\s+Remember to put your answer on "
    r'its own line after "Answer:"\.?\s*$'
)


def checked(problem: pl.Expr, answer: pl.Expr, verifier: str = "math") -> dict[str, pl.Expr]:
    """Columns of the family grpo for a problem with a gold answer; rows without one yield none."""
    return {
        "when": answer.is_not_null(),
        "prompt": turns(user=problem),
        "answer": answer,
        "verifier": pl.lit(verifier),
    }


def checked_rewards(messages: pl.Expr, reward_model: pl.Expr) -> dict[str, pl.Expr]:
    """Columns of the family grpo for verl's `prompt` and `reward_model`, this as JSON text.

    Its `ground_truth` is a string, a number, a list or an object, or JSON in a string. One thing is the answer (a
    list's only item too); several, or an object, are arguments of the verifier as they are.
    """
    answer = sorted_out(reward_model, _plain_truth, lambda text: text.str.contains(_ODD), _one_truth)
    several = sorted_out(reward_model, _no_truths, lambda text: text.str.contains(_NESTED), _several_truths)
    return {
        "when": answer.is_not_null() | several.is_not_null(),  # a coalesce would compute both twice
        "prompt": messages,
        "answer": answer,
        "verifier": pl.lit("math"),
        "verifier_args": several,
    }


_NESTED: Final = r':\s*"?\s*[\[{]'
"""A value that is a list or an object, or may be one in a string."""

_ODD: Final = rf'{_NESTED}|\.0\s*"?\s*[,}}]'
"""Such a value, or a whole number that was written as a decimal one."""


def _plain_truth(reward_model: pl.Expr) -> pl.Expr:
    return gold(reward_model.str.json_path_match("$.ground_truth"))


def _no_truths(_: pl.Expr) -> pl.Expr:
    return pl.lit(None, dtype=pl.String)


def _one_truth(reward_model: pl.Expr) -> pl.Expr:
    whole_number = reward_model.str.contains(r'"ground_truth":\s*-?\d+\.0\s*[,}]')
    alone = _alone(reward_model)
    return gold(pl.when(whole_number).then(alone.str.strip_suffix(".0")).otherwise(alone))


def _several_truths(reward_model: pl.Expr) -> pl.Expr:
    whole = reward_model.str.json_path_match("$.ground_truth")
    several = _is_nested(reward_model) & _alone(reward_model).is_null() & whole.str.json_path_match("$").is_not_null()
    return pl.when(several).then(pl.concat_str(pl.lit('{"ground_truth":'), whole, pl.lit("}")))


def _alone(reward_model: pl.Expr) -> pl.Expr:
    """The truth that is one thing: itself, or a list's only item."""
    whole = reward_model.str.json_path_match("$.ground_truth")
    first, second = (
        pl.when(whole.str.starts_with(_LISTED))
        .then(whole.str.json_path_match(f"$[{place}]"))
        .otherwise(reward_model.str.json_path_match(f"$.ground_truth[{place}]"))
        for place in (0, 1)
    )
    return pl.when(~_is_nested(reward_model)).then(whole).when(second.is_null()).then(first)


def _is_nested(reward_model: pl.Expr) -> pl.Expr:
    """Whether the truth is a list or an object: not `[-9, 9]` in a string, which is an interval."""
    inside = reward_model.str.json_path_match("$.ground_truth[*]").is_not_null()
    return inside | reward_model.str.json_path_match("$.ground_truth").str.starts_with(_LISTED)


_LISTED: Final = '["'
"""How a list of strings begins that was written as JSON into a string."""


def unwrapped(messages: pl.Expr) -> pl.Expr:
    r"""Messages out of a chat template that stands as text in a single one, without the request to box the answer.

    ChatML only (`<|im_start|>user ... <|im_end|>`), the answer's opening left out; other messages stay as they are.
    """
    text = messages.list.first().struct.field("content")
    templated = (messages.list.len() == 1) & text.str.starts_with("<|im_start|>")
    said = pl.element().str.splitn("\n", 2).struct
    opened = said.field("field_1").fill_null("").str.splitn("<|im_end|>", 2).struct.field("field_0")
    content = opened.str.replace(_BOX_IT, "")
    closed = pl.element().filter(pl.element().str.contains("<|im_end|>", literal=True))
    spoken = text.str.split("<|im_start|>").list.slice(1).list.eval(closed)
    turns_ = spoken.list.eval(message(role(said.field("field_0")), content))
    return pl.when(templated).then(turns_).otherwise(messages)


def without_examples(text: pl.Expr) -> pl.Expr:
    """The last question of a text of worked examples (`Question: ... Answer: ...`), without its labels.

    Texts that do not begin with `Question:` or `Problem:` stay as they are.
    """
    label = text.str.extract(_LABEL)
    last = text.str.split(pl.concat_str(pl.lit("\n\n"), label, pl.lit(":"))).list.last()
    bare = last.str.replace(_LABEL, "").str.replace(_REPLY, "").str.strip_chars()
    return pl.when(label.is_not_null()).then(bare).otherwise(text)


def without_wrapper(text: pl.Expr) -> pl.Expr:
    """A problem out of DAPO's instruction to end in a line `Answer: ...`; others stay as they are."""
    return pl.coalesce(text.str.extract(_DAPO), text)
