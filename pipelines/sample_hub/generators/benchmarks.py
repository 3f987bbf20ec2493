"""Benchmark repositories of invented items, in the real ones' files and columns."""

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from pipelines.sample_hub.content import load
from pipelines.sample_hub.defects.leaks import Item
from pipelines.sample_hub.files import encoded
from pipelines.sample_hub.generators import gsm8k
from pipelines.sample_hub.rows import Rows

MATH: Final = "HuggingFaceH4/MATH-500"
MMLU: Final = "cais/mmlu"
HUMANEVAL: Final = "openai/openai_humaneval"
IFEVAL: Final = "google/IFEval"
TRUTHFULQA: Final = "truthfulqa/truthful_qa"
GSM8K: Final = gsm8k.REPO
_MMLU_SPLITS: Final = {"test": slice(0, 10), "validation": slice(10, 13), "dev": slice(13, 16)}
_LETTERS: Final = "ABCD"


def files() -> dict[str, dict[str, bytes]]:
    """The files of each repository, by its id and their paths. GSM8K's test split lies with its training rows."""
    return {
        MATH: {"test.jsonl": encoded("test.jsonl", _math())},
        MMLU: {_parquet("all", split): encoded(".parquet", _mmlu()[part]) for split, part in _MMLU_SPLITS.items()},
        HUMANEVAL: {_parquet("openai_humaneval", "test"): encoded(".parquet", _humaneval())},
        IFEVAL: {"ifeval_input_data.jsonl": encoded(".jsonl", _ifeval())},
        TRUTHFULQA: {
            _parquet("generation", "validation"): encoded(".parquet", _generation()),
            _parquet("multiple_choice", "validation"): encoded(".parquet", _multiple_choice()),
        },
    }


def items(gsm8k_test: Rows) -> dict[str, list[Item]]:
    """The items of each benchmark as they leak into training rows; GSM8K's from its test split."""
    return {
        GSM8K: [_problem(row) for row in gsm8k_test.frame.iter_rows(named=True)],
        MATH: [
            Item(MATH, told["problem"], _thoughts(told["solution"]), told["answer"], told["solution"])
            for told in load("benchmarks")["math"]
        ],
        MMLU: [_choice(told) for told in load("benchmarks")["mmlu"][_MMLU_SPLITS["test"]]],
        HUMANEVAL: [
            Item(HUMANEVAL, told["prompt"], "", "", f"```python\n{told['prompt']}{told['solution']}```")
            for told in load("benchmarks")["humaneval"]
        ],
        TRUTHFULQA: [
            Item(TRUTHFULQA, told["question"], "", told["best"], f"{told['best']}.")
            for told in load("benchmarks")["truthfulqa"]
        ],
    }


def _parquet(folder: str, split: str) -> str:
    return f"{folder}/{split}-00000-of-00001.parquet"


def _math() -> pl.DataFrame:
    told = [
        {**item, "unique_id": f"test/{item['subject'].lower().replace(' & ', '_and_').replace(' ', '_')}/{number}.json"}
        for number, item in enumerate(load("benchmarks")["math"], start=9001)
    ]
    return pl.DataFrame(told).select("problem", "solution", "answer", "subject", "level", "unique_id")


def _mmlu() -> pl.DataFrame:
    return pl.DataFrame(load("benchmarks")["mmlu"]).select("question", "subject", "choices", "answer")


def _humaneval() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "task_id": f"HumanEval/{number}",
            "prompt": told["prompt"],
            "canonical_solution": told["solution"],
            "test": _test(told["cases"]),
            "entry_point": told["entry"],
        }
        for number, told in enumerate(load("benchmarks")["humaneval"], start=9001)
    )


def _test(cases: Sequence[str]) -> str:
    return "\n\ndef check(candidate):\n" + "".join(f"    assert candidate{case}\n" for case in cases)


def _ifeval() -> pl.DataFrame:
    given = {name: None for told in load("benchmarks")["ifeval"] for kwargs in told["kwargs"] for name in kwargs}
    return pl.DataFrame(
        {
            "key": number,
            "prompt": told["prompt"],
            "instruction_id_list": told["instructions"],
            "kwargs": [given | kwargs for kwargs in told["kwargs"]],
        }
        for number, told in enumerate(load("benchmarks")["ifeval"], start=9001)
    )


def _generation() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "type": "Adversarial",
            "category": told["category"],
            "question": told["question"],
            "best_answer": told["best"],
            "correct_answers": [told["best"], *told["correct"]],
            "incorrect_answers": told["incorrect"],
            "source": "invented",
        }
        for told in load("benchmarks")["truthfulqa"]
    )


def _multiple_choice() -> pl.DataFrame:
    def targets(right: list[str], wrong: list[str]) -> dict[str, Any]:
        return {"choices": [*right, *wrong], "labels": [1] * len(right) + [0] * len(wrong)}

    made = pl.DataFrame(
        {
            "question": told["question"],
            "mc1_targets": targets([told["best"]], told["incorrect"]),
            "mc2_targets": targets([told["best"], *told["correct"]], told["incorrect"]),
        }
        for told in load("benchmarks")["truthfulqa"]
    )
    labels = pl.Struct({"choices": pl.List(pl.String), "labels": pl.List(pl.Int32)})
    return made.with_columns(pl.col("mc1_targets", "mc2_targets").cast(labels))


def _problem(row: dict[str, str]) -> Item:
    solution, _, gold = row["answer"].rpartition("\n#### ")
    return Item(GSM8K, row["question"], solution, gold, f"The answer is {gold}.")


def _choice(told: dict[str, Any]) -> Item:
    options = "\n".join(f"{letter}. {choice}" for letter, choice in zip(_LETTERS, told["choices"], strict=True))
    letter, choice = _LETTERS[told["answer"]], told["choices"][told["answer"]]
    return Item(MMLU, f"{told['question']}\n{options}", "", letter, f"The correct answer is {letter}. {choice}.")


def _thoughts(solution: str) -> str:
    return (
        "Let me first restate what is asked, so that I do not solve another problem by mistake.\n\n"
        f"{solution}\n\n"
        "I go over the steps a second time. Each of them follows from the one before, and no case was left out, so "
        "the value above stands."
    )
