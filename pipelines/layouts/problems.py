"""Layouts of problems whose answers can be checked: worked out, verl's, open-instruct's."""

from typing import Final

import polars as pl

from pipelines.layouts.answers import after_marks, final, gold, only
from pipelines.layouts.fine_tuning import NOT_KEPT, PROMPT, SYSTEM, TALKED, TOOLS, said_or_spoken
from pipelines.layouts.layout import ANY, Bound, Layout, Made, Role
from pipelines.layouts.messages import offered, turns, with_system, worked
from pipelines.layouts.tags import reasoned
from pipelines.layouts.tasks import checked, checked_rewards, unwrapped

_WHOLE: Final = r"^(-?\d+)\.0$"
_MARKS: Final = r"<<[^<>\n]*>>"
NO_GOLD: Final = "no gold answer"
_GOLD: Final = ("answer", "final_answer", "gold", "ground_truth", "gold_answer", "expected_answer", "target", "label")


def _problem(bound: Bound) -> Made:
    return Made(
        prepare=lambda frame: _solved(frame, has_solution="solution" in bound),
        reject={"no problem": pl.col("prompt").is_null(), "no answer and no solution": _unsolved()},
        families={
            "cot": {
                **_worked(),
                "when": pl.col("solution").str.strip_chars().fill_null("") != "",
            },
            "grpo": {**checked(pl.col("prompt"), pl.col("gold")), "prompt": _asked()},
        },
    )


def _unsolved() -> pl.Expr:
    return pl.all_horizontal(pl.col("solution", "gold").is_null())


def _asked() -> pl.Expr:
    return with_system(pl.col("system"), turns(user=pl.col("prompt")))


def _worked() -> dict[str, pl.Expr]:
    """As `worked`; a solution that marks its reasoning off itself is cut there."""
    plain = worked(pl.col("prompt"), pl.col("solution"), pl.col("gold"))
    cut = pl.col("thought").is_not_null()
    return {
        "prompt": _asked(),
        "reasoning": pl.when(cut).then("thought").otherwise(plain["reasoning"]),
        "completion": pl.when(cut).then(turns(assistant=pl.col("said"))).otherwise(plain["completion"]),
        "answer": pl.col("gold"),
    }


def _solved(frame: pl.DataFrame, *, has_solution: bool) -> pl.DataFrame:
    """Adds `gold`, and `thought` and `said` of a solution with tags. GSM8K's `#### 72` ends a solution."""
    answer = only(pl.col("answer")).str.replace(_WHOLE, "${1}")
    marked = pl.col("answer").str.contains(r"\n####[ \t]*\S")
    inside = pl.col("answer").str.replace_all(_MARKS, "").str.extract(r"(?s)^(.*?)\s*\n####")
    solution = pl.col("solution") if has_solution else pl.when(marked).then(inside)
    one = pl.when(~answer.str.starts_with('["')).then(answer)  # of several that are right, none is the gold
    stated = pl.when(marked).then(gold(after_marks(pl.col("answer")))).otherwise(gold(one))
    found = pl.coalesce(stated, gold(after_marks(pl.col("solution"))), final(pl.col("solution")))
    thought, said = reasoned(pl.col("solution"))
    return frame.lazy().with_columns(gold=found, solution=solution).with_columns(thought=thought, said=said).collect()


PROBLEM: Final = Layout(
    "problem",
    "a problem with its solution, its answer, or both",
    {
        "prompt": Role(
            "the problem", ("problem", "question", "prompt", "query", "instruction", "input", "problem_text", "task")
        ),
        "solution": Role(
            "how it is solved",
            ("solution", "rationale", "worked_solution", "explanation", "reference_solution", "generated_solution"),
        ),
        "answer": Role("the gold answer", _GOLD, ANY),
        "system": SYSTEM,
    },
    (("prompt", "solution", "answer"), ("prompt", "solution"), ("prompt", "answer")),
    _problem,
)

_CODE: Final = r"(?i)\b(?:code|coding|python|program|livecodebench|apps|taco|codeforces|lcb|humaneval|mbpp)"
_OBJECT: Final = r"^\s*\{"


def _verl(bound: Bound) -> Made:
    task = checked_rewards(pl.col("talk"), pl.col("reward"))
    several = pl.coalesce(pl.col("args"), task["verifier_args"])
    answer = pl.when(pl.col("args").is_null()).then(task["answer"])
    kind = pl.coalesce(_kind(), pl.lit("math"))
    return Made(
        prepare=_rewarded,
        reject={
            **NOT_KEPT,
            "no prompt": (pl.col("talk").list.len() == 0).fill_null(value=True),
            NO_GOLD: answer.is_null() & several.is_null(),
        },
        families={
            "grpo": {
                "prompt": pl.col("talk"),
                "answer": answer,
                "verifier": kind,
                "verifier_args": several,
                "tools": offered(pl.col("tools"), pl.col("offered")),
            }
        },
    )


def _rewarded(frame: pl.DataFrame) -> pl.DataFrame:
    """`talk` of verl's prompt, out of the chat template that may stand in it; `reward` and `args` of its truth.

    `args`: a truth that is an object, whether as such or as JSON in a string, as arguments of a verifier.
    """
    talk, wrong = said_or_spoken(frame["prompt"], "user")
    truth = pl.col("reward_model").str.json_path_match("$.ground_truth")
    # A ground_truth column of its own stands in for `reward_model`.
    own = pl.struct(ground_truth="ground_truth").struct.json_encode()
    reward = (
        pl.when(pl.col("reward_model").is_not_null())
        .then("reward_model")
        .when(pl.col("ground_truth").is_not_null())
        .then(own)
    )
    truth = pl.coalesce(truth, "ground_truth")
    inner = pl.when(truth.str.contains(_OBJECT)).then(truth.str.json_path_match("$"))
    return (
        frame.with_columns(talk.alias("talk"), wrong.alias("wrong"), offered=pl.lit(None, dtype=pl.String))
        .lazy()
        .with_columns(talk=unwrapped(pl.col("talk")), reward=reward, inner=inner)
        .with_columns(args=_arguments(pl.col("inner")))
        .collect()
    )


def _arguments(truth: pl.Expr) -> pl.Expr:
    """Arguments as the verifiers have them: `numbers` and `target` of Countdown, `tests` of code; all else as it is."""
    numbers = pl.coalesce(truth.str.json_path_match("$.numbers"), truth.str.json_path_match("$.nums"))
    target = truth.str.json_path_match("$.target")
    countdown = pl.concat_str(pl.lit('{"numbers":'), numbers, pl.lit(',"target":'), target, pl.lit("}"))
    tests = pl.when(truth.str.json_path_match("$.inputs").is_not_null()).then(
        pl.concat_str(pl.lit('{"tests":'), truth, pl.lit("}"))
    )
    return pl.coalesce(countdown, tests, pl.concat_str(pl.lit('{"ground_truth":'), truth, pl.lit("}")))


def _kind() -> pl.Expr:
    """The verifier that a truth's form or upstream's name of the task calls for; null where neither says."""
    named = pl.concat_str("ability", "source", separator=" ", ignore_nulls=True)
    return (
        pl.when(pl.col("args").str.starts_with('{"numbers":'))
        .then(pl.lit("countdown"))
        .when(pl.col("args").str.starts_with('{"tests":') | named.str.contains(_CODE))
        .then(pl.lit("code"))
        .when(named.str.contains(r"(?i)if[-_]?eval|instruction[-_ ]?following|constraint"))
        .then(pl.lit("instruction"))
    )


VERL: Final = Layout(
    "verl",
    "verl's tasks: a prompt of messages and a reward_model with the ground truth",
    {
        "prompt": Role("what is asked: messages", ("prompt", "messages", "raw_prompt", "question"), ANY),
        "reward_model": Role("holds ground_truth", ("reward_model", "reward_spec", "reward"), ANY),
        "ground_truth": Role("the truth, where it stands alone", ("ground_truth",), ANY),
        "ability": Role("what is tested", ("ability", "category", "task_type")),
        "source": Role("the set it is from", ("data_source", "source")),
        "system": SYSTEM,
        "tools": TOOLS,
    },
    (("prompt", "reward_model"),),
    _verl,
)

_OF_DATASET: Final = {
    "code": _CODE,
    "instruction": r"(?i)if[-_]?eval|ifbench|constraint|instruction|\bif\b",
    "math": r"(?i)math|gsm|aime|amc|numina|olympiad|deepscaler|dapo|omega|orz|acereason|polaris",
}


def _open_instruct(bound: Bound) -> Made:
    by_name = {verifier: pl.col("dataset").str.contains(names) for verifier, names in _OF_DATASET.items()}
    kind = pl.coalesce(*(pl.when(is_it).then(pl.lit(verifier)) for verifier, is_it in by_name.items()), pl.lit("exact"))
    truth = only(pl.col("ground_truth"))
    object_ = pl.when(truth.str.contains(_OBJECT)).then(truth.str.json_path_match("$"))
    tests = pl.when(truth.str.contains(r"^\s*\[")).then(truth.str.json_path_match("$"))
    arguments = (
        pl.when(pl.col("kind") == "code")
        .then(pl.concat_str(pl.lit('{"tests":'), pl.coalesce(object_, tests), pl.lit("}")))
        .when(pl.col("kind") == "instruction")
        .then(pl.coalesce(object_, pl.concat_str(pl.lit('{"ground_truth":'), tests, pl.lit("}"))))
        .when(pl.coalesce(object_, pl.when(tests.str.starts_with('["')).then(tests)).is_not_null())
        .then(pl.concat_str(pl.lit('{"ground_truth":'), pl.coalesce(object_, tests), pl.lit("}")))
    )
    answer = pl.when(pl.col("args").is_null()).then(
        pl.when(pl.col("kind") == "math").then(gold(truth.str.replace(_WHOLE, "${1}"))).otherwise(truth)
    )

    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        talk, wrong = said_or_spoken(frame["prompt"], "user")
        asked = frame.with_columns(talk.alias("talk"), wrong.alias("wrong"))
        return (
            asked.lazy()
            .with_columns(kind=kind)
            .with_columns(args=arguments)
            .with_columns(talk=with_system(pl.col("system"), pl.col("talk")))
            .collect()
        )

    return Made(
        prepare=prepare,
        reject={
            **NOT_KEPT,
            "no prompt": (pl.col("talk").list.len() == 0).fill_null(value=True),
            "the prompt ends with the assistant": pl.col("talk").list.last().struct.field("role") == "assistant",
            NO_GOLD: answer.is_null() & pl.col("args").is_null(),
        },
        families={
            "grpo": {
                "prompt": pl.col("talk"),
                "answer": answer,
                "verifier": pl.col("kind"),
                "verifier_args": pl.col("args"),
                "tools": offered(pl.col("tools"), pl.lit(None, dtype=pl.String)),
            }
        },
    )


OPEN_INSTRUCT: Final = Layout(
    "open-instruct",
    "open-instruct's tasks: messages or a prompt, the ground_truth, and the dataset that names its verifier",
    {
        "prompt": Role("what is asked: messages, or text", (*TALKED.names[:6], *PROMPT.names[:6]), ANY),
        "ground_truth": Role("the gold, the tests, or the constraints", ("ground_truth", "ground_truths"), ANY),
        "dataset": Role("names the verifier", ("dataset", "verifier", "dataset_name", "verifier_source"), ANY),
        "system": SYSTEM,
        "tools": TOOLS,
    },
    (("prompt", "ground_truth", "dataset"),),
    _open_instruct,
)
