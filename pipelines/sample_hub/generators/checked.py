"""The sets of tasks with a gold answer: bare, in verl's layout, behind worked examples, with answers of models."""

import json
from typing import Any, Final

import polars as pl

from pipelines.sample_hub.content import subjects
from pipelines.sample_hub.generators.derivation import Derivation, Numbers
from pipelines.sample_hub.generators.drills import MATHEMATICS, SCIENCE, WHOLE, drilled
from pipelines.sample_hub.generators.samples import File, Sample, config, messages
from pipelines.sample_hub.generators.thoughts import MESSAGES, TRAIN, again, solution, table, think, thoughts
from pipelines.sample_hub.rows import Row

_REWARD: Final = pl.Struct({"ground_truth": pl.String, "style": pl.String})


def _deepscaler(numbers: Numbers) -> list[File]:
    """Every second problem has a solution; some golds are written with separators of thousands."""
    rows = [
        {
            "problem": made.question,
            "answer": f"{int(made.answer):,}".replace(",", ",\\!"),
            "solution": f"{thoughts(made)} {solution(made)}" if number % 2 else "",
        }
        for number, made in enumerate(drilled(numbers, 14, WHOLE))
    ]
    return [table(rows, "deepscaler.json")]


def _openr1(numbers: Numbers) -> list[File]:
    """Two generations a problem, now and then the second one cut off."""
    booleans = pl.List(pl.Boolean)
    types: dict[str, Any] = {
        **dict.fromkeys(("is_reasoning_complete", "correctness_math_verify", "correctness_llama"), booleans),
        **dict.fromkeys(("generations", "finish_reasons"), pl.List(pl.String)),
        "correctness_count": pl.Int64,
        "messages": MESSAGES,
    }
    return [
        table(
            [_generated(made, cut=number % 4 == 3) for number, made in enumerate(drilled(numbers, 8))],
            f"{folder}/train-00000-of-00001.parquet",
            name,
            **types,
        )
        for name, folder in _OPENR1.items()
    ]


_OPENR1: Final = {"default": "data", "extended": "extended"}


def _generated(made: Derivation, *, cut: bool) -> Row:
    second = think(again(made))
    return {
        "problem": made.question,
        "solution": solution(made),
        "answer": made.answer,
        "problem_type": "Algebra",
        "question_type": "math-word-problem",
        "source": "olympiads",
        "uuid": f"sample-{made.question}",
        "is_reasoning_complete": [True, not cut],
        "generations": [think(made), second.partition("</think>")[0] if cut else second],
        "correctness_math_verify": [True, not cut],
        "correctness_llama": None,
        "finish_reasons": ["stop", "length" if cut else "stop"],
        "correctness_count": 1 if cut else 2,
        "messages": messages(made.question, think(made)),
    }


def _dapo(numbers: Numbers) -> list[File]:
    rows = [
        {
            "prompt": made.question,
            "solution": made.answer,
            "data_source": "math_dapo",
            "source_prompt": messages(_DAPO.format(made.question)),
            "ability": "MATH",
            "reward_model": {"ground_truth": made.answer, "style": "rule-lighteval/MATH_v2"},
            "extra_info": {"index": f"sample-{number}"},
        }
        for number, made in enumerate(drilled(numbers, 14, WHOLE))
    ]
    extra = pl.Struct({"index": pl.String})
    path = "en/train-00000-of-00001.parquet"
    return [table(rows, path, "en", source_prompt=MESSAGES, reward_model=_REWARD, extra_info=extra)]


_DAPO: Final = (
    "Solve the following math problem step by step. The last line of your response should be of the form Answer: "
    "$Answer (without quotes) where $Answer is the answer to the problem.\n\n{}\n\nRemember to put your answer on its "
    'own line after "Answer:".'
)
_QWEN: Final = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{}\nPlease reason step by step, and "
    "put your final answer within \\boxed{{{{}}}}.<|im_end|>\n<|im_start|>assistant\n"
)


def _simplerl(numbers: Numbers) -> list[File]:
    rows = [
        {
            "answer": made.answer,
            "gt_answer": made.answer,
            "subject": "Prealgebra",
            "level": 3,
            "question": made.question,
            "target": made.answer,
            "data_source": "simplelr_qwen",
            "prompt": messages(_QWEN.format(made.question)),
            "ability": "math",
            "reward_model": {"ground_truth": made.answer, "style": "rule"},
            "extra_info": {
                "answer": made.answer,
                "index": number,
                "level": 1,
                "question": made.question,
                "split": "train",
            },
        }
        for number, made in enumerate(drilled(numbers, 14))
    ]
    extra = pl.Struct(
        {"answer": pl.String, "index": pl.Int64, "level": pl.Int64, "question": pl.String, "split": pl.String}
    )
    path = "simplelr_qwen_level3to5/train.parquet"
    types: dict[str, Any] = {"level": pl.Int64, "prompt": MESSAGES, "reward_model": _REWARD, "extra_info": extra}
    return [table(rows, path, "simplelr_qwen_level3to5", **types)]


def _s1k(numbers: Numbers) -> list[File]:
    """The reference is an answer, or a derivation that ends in one."""
    rows = [
        {
            "solution": made.answer if number % 2 else f"{thoughts(made)}\n{solution(made)}",
            "question": made.question,
            "cot_type": kind,
            "source_type": "qfq/openaimath",
            "metadata": "{}",
            "gemini_thinking_trajectory": "An answer of another model stands here.",
            "gemini_attempt": made.answer,
            "deepseek_thinking_trajectory": thoughts(made),
            "deepseek_attempt": solution(made),
            **{f"{model}_grade": "Yes" for model in ("gemini", "deepseek")},
            **{f"{model}_grade_reason": "It is the reference." for model in ("gemini", "deepseek")},
        }
        for kind, kinds, count in (("math", MATHEMATICS, 10), ("science", SCIENCE, 4))
        for number, made in enumerate(drilled(numbers, count, kinds))
    ]
    return [table(rows)]


def _deepmath(numbers: Numbers) -> list[File]:
    rows = [
        {
            "question": made.question,
            "final_answer": made.answer,
            "difficulty": 5.5,
            "topic": "Mathematics -> Algebra",
            "r1_solution_1": think(made).removeprefix("<think>\n"),
            "r1_solution_2": think(again(made)).removeprefix("<think>\n"),
            "r1_solution_3": None,
        }
        for made in drilled(numbers, 10)
    ]
    return [table(rows, difficulty=pl.Float64, r1_solution_3=pl.String)]


def _rlvr(name: str, labels: tuple[str, str], *, whole: bool) -> Any:  # noqa: ANN401 - the files of `Sample`
    """Tasks behind two worked examples, the same in every row."""

    def files(numbers: Numbers) -> list[File]:
        shots = "".join(f"{labels[0]}{s.question}{labels[1]} {solution(s)}\n\n" for s in drilled(numbers, 2))
        rows = [
            {
                "messages": messages(f"{shots}{labels[0]}{made.question}{labels[1]}"),
                "ground_truth": made.answer,
                "dataset": name,
            }
            for made in drilled(numbers, 12, WHOLE if whole else MATHEMATICS)
        ]
        return [table(rows, messages=MESSAGES)]

    return files


_CONSTRAINTS: Final[tuple[tuple[str, str, Row], ...]] = (
    ("All Lowercase", "Use small letters only.", {"func_name": "validate_lowercase"}),
    ("All Uppercase", "Answer in capital letters.", {"func_name": "validate_uppercase"}),
    ("No Commas", "Do without any comma.", {"func_name": "validate_no_commas"}),
    ("Number Words", "Write {N} words or more.", {"func_name": "validate_word_constraint", "quantifier": "at least"}),
    ("Number Bullets", "Give exactly {N} bullet points.", {"func_name": "verify_bullet_points"}),
    ("Postscript", "Add a postscript that begins with P.S.", {"func_name": "verify_postscript"}),
    ("Title", "Put a title in double angular brackets, such as <<this>>.", {"func_name": "validate_title"}),
)


def _ifeval(numbers: Numbers) -> list[File]:
    rows = []
    for number, subject in enumerate(subjects()[28:40]):
        kind, said, check = _CONSTRAINTS[number % len(_CONSTRAINTS)]
        size = int(numbers.integers(3, 90)) if "{N}" in said else None
        constraint = said.format(N=size)
        rows.append(
            {
                "messages": messages(f"{subject.facets[0].ask} {constraint}"),
                "ground_truth": json.dumps(check | {"N": size}),
                "dataset": "ifeval",
                "constraint_type": kind,
                "constraint": constraint,
            }
        )
    return [table(rows, messages=MESSAGES)]


def _big_math(numbers: Numbers) -> list[File]:
    rows = [
        {
            "problem": made.question,
            "answer": made.answer,
            "source": "big_math",
            "domain": ["Mathematics -> Algebra -> Prealgebra"],
            "llama8b_solve_rate": 0.25 * (number % 5),
        }
        for number, made in enumerate(drilled(numbers, 14))
    ]
    return [table(rows, domain=pl.List(pl.String), llama8b_solve_rate=pl.Float64)]


SAMPLES: Final = (
    Sample("deepscaler", "agentica-org/DeepScaleR-Preview-Dataset", {"license": "mit"}, _deepscaler),
    Sample(
        "openr1_math_220k",
        "open-r1/OpenR1-Math-220k",
        {
            "license": "apache-2.0",
            "configs": [config({"train": f"{folder}/train-*"}, name) for name, folder in _OPENR1.items()],
        },
        _openr1,
    ),
    Sample(
        "dapo_math_17k",
        "open-r1/DAPO-Math-17k-Processed",
        {"license": "apache-2.0", "configs": [config({"train": "en/train-*"}, "en")]},
        _dapo,
    ),
    Sample("simplerl_zoo", "hkust-nlp/SimpleRL-Zoo-Data", {"license": "mit"}, _simplerl),
    Sample("s1k", "simplescaling/s1K-1.1", {"license": "mit", "configs": [TRAIN]}, _s1k),
    Sample("deepmath_103k", "zwhe99/DeepMath-103K", {"license": "mit", "configs": [TRAIN]}, _deepmath),
    Sample(
        "rlvr_gsm",
        "allenai/RLVR-GSM",
        {"license": "mit", "configs": [TRAIN]},
        _rlvr("gsm8k", ("Question: ", "\nAnswer:"), whole=True),
    ),
    Sample(
        "rlvr_math",
        "allenai/RLVR-MATH",
        {"configs": [TRAIN]},
        _rlvr("MATH", ("Problem:\n", "\n\nSolution:"), whole=False),
    ),
    Sample("rlvr_ifeval", "allenai/RLVR-IFeval", {"license": "odc-by", "configs": [TRAIN]}, _ifeval),
    Sample("big_math", "SynthLabsAI/Big-Math-RL-Verified", {"license": "apache-2.0", "configs": [TRAIN]}, _big_math),
)
