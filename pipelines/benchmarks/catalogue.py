"""The benchmarks that records are compared with. None of them is ever a source.

Each split is one that is evaluated on; training and few-shot splits are no benchmark (MMLU's `auxiliary_train`).
Layouts are those of the Hub; where sets are also handed on in another form (a file for all configs), both are read.
"""

from typing import Final

import polars as pl

from pipelines.benchmarks.benchmark import Benchmark, Place, at

_TEXT: Final = pl.String
_TEXTS: Final = pl.List(pl.String)


def _one(answer: pl.Expr) -> pl.Expr:
    """A single answer as a list; null where there is none."""
    text = answer.cast(pl.String)
    return pl.when(text.is_not_null()).then(pl.concat_list(text))


def _problems(repo: str, split: str, problem: str = "problem", answer: str = "answer", *folders: str) -> Place:
    """A competition: a problem and its answer."""
    return Place(
        repo=repo,
        files={split: at(split, *folders)},
        columns={problem: _TEXT, answer: _TEXT},
        texts={"problem": pl.col(problem)},
        answers=_one(pl.col(answer)),
    )


def _gpqa(variant: str) -> tuple[str, ...]:
    return f"gpqa_{variant}.csv", f"gpqa_{variant}/train-*.parquet", f"gpqa_{variant}/train.jsonl"


_boxed = pl.col("solution").str.extract(r"(?s).*\\boxed\s*\{(.*?)\}[^{}]*$")
_MBPP_SPLITS: Final = {split: at(split, "full") for split in ("test", "validation", "prompt")}

BENCHMARKS: Final = (
    Benchmark(
        "GSM8K",
        (
            Place(
                repo="openai/gsm8k",
                files={"test": at("test", "main")},
                columns={"question": _TEXT, "answer": _TEXT},
                texts={"question": pl.col("question")},
                answers=_one(pl.col("answer").str.extract(r"####[ \t]*(.+?)\s*$")),
            ),
        ),
        about="Cobbe et al. 2021, arXiv:2110.14168: 1,319 problems",
    ),
    Benchmark(
        "MATH",
        (
            Place(
                repo="EleutherAI/hendrycks_math",
                files={"test": at("test", "*")},
                columns={"problem": _TEXT, "solution": _TEXT},
                texts={"problem": pl.col("problem")},
                answers=_one(_boxed),
            ),
        ),
        about="Hendrycks et al. 2021, arXiv:2103.03874: 5,000 problems in seven configs",
    ),
    Benchmark(
        "MATH-500",
        (
            Place(
                repo="HuggingFaceH4/MATH-500",
                files={"test": at("test")},
                columns={"problem": _TEXT, "answer": _TEXT, "unique_id": _TEXT},
                texts={"problem": pl.col("problem")},
                answers=_one(pl.col("answer")),
                item=pl.col("unique_id"),
            ),
        ),
        about="500 of MATH's (Lightman et al. 2023, arXiv:2305.20050)",
    ),
    Benchmark(
        "AIME 2024",
        (
            _problems("HuggingFaceH4/aime_2024", "train"),
            _problems("Maxwell-Jia/AIME_2024", "train", "Problem", "Answer"),
        ),
        about="30 problems",
    ),
    Benchmark(
        "AIME 2025",
        (
            _problems("math-ai/aime25", "test"),
            _problems("yentinglin/aime_2025", "train"),
            Place(
                repo="opencompass/AIME2025",
                files={"test": ("aime2025-I.jsonl", "aime2025-II.jsonl", "AIME2025-*/test-*.parquet")},
                columns={"question": _TEXT, "answer": _TEXT},
                texts={"problem": pl.col("question")},
                answers=_one(pl.col("answer")),
            ),
        ),
        about="30 problems",
    ),
    Benchmark("AMC 2023", (_problems("math-ai/amc23", "test", "question"),), about="40 problems"),
    Benchmark(
        "GPQA",
        (
            Place(
                repo="Idavidrein/gpqa",
                # The extended set holds the main one, and that the diamond one.
                files={"train": (*_gpqa("extended"), *_gpqa("main"), *_gpqa("diamond"))},
                columns={"Question": _TEXT, "Correct Answer": _TEXT},
                texts={"question": pl.col("Question")},
                answers=_one(pl.col("Correct Answer")),
            ),
        ),
        gated=True,
        about="Rein et al. 2023, arXiv:2311.12022: 546 questions",
    ),
    Benchmark(
        "MMLU",
        (
            Place(
                repo="cais/mmlu",
                files={"test": at("test", "all"), "validation": at("validation", "all")},
                columns={"question": _TEXT, "choices": _TEXTS, "answer": pl.Int64},
                texts={"question": pl.col("question")},
                answers=_one(pl.col("choices").list.get(pl.col("answer"), null_on_oob=True)),
                choices=pl.col("choices"),
            ),
        ),
        about="Hendrycks et al. 2020, arXiv:2009.03300: 14,042 questions, and 1,531 for validation",
    ),
    Benchmark(
        "HumanEval",
        (
            Place(
                repo="openai/openai_humaneval",
                files={"test": at("test", "openai_humaneval")},
                columns={"task_id": _TEXT, "prompt": _TEXT},
                texts={"prompt": pl.col("prompt")},
                item=pl.col("task_id"),
            ),
        ),
        about="Chen et al. 2021, arXiv:2107.03374: 164 functions",
    ),
    Benchmark(
        "MBPP",
        (
            Place(
                repo="google-research-datasets/mbpp",
                files=_MBPP_SPLITS,
                columns={"task_id": pl.Int64, "text": _TEXT, "code": _TEXT},
                texts={"text": pl.col("text")},
                answers=_one(pl.col("code")),
                item=pl.format("task {}", "task_id"),
            ),
        ),
        about="Austin et al. 2021, arXiv:2108.07732: 600 tasks; the 374 to train on are none of them",
    ),
    Benchmark(
        "IFEval",
        (
            Place(
                repo="google/IFEval",
                files={"train": ("ifeval_input_data.jsonl", *at("train"))},
                columns={"key": _TEXT, "prompt": _TEXT},
                texts={"prompt": pl.col("prompt")},
                item=pl.format("key {}", "key"),
            ),
        ),
        about="Zhou et al. 2023, arXiv:2311.07911: 541 instructions",
    ),
    Benchmark(
        "TruthfulQA",
        (
            Place(
                repo="truthfulqa/truthful_qa",
                files={"validation": at("validation", "generation")},
                columns={"question": _TEXT, "best_answer": _TEXT},
                texts={"question": pl.col("question")},
                answers=_one(pl.col("best_answer")),
            ),
        ),
        about="Lin et al. 2021, arXiv:2109.07958: 817 questions",
    ),
    Benchmark(
        "AlpacaEval",
        (
            Place(
                repo="tatsu-lab/alpaca_eval",
                files={"eval": ("alpaca_eval.json", *at("eval"))},
                columns={"instruction": _TEXT},
                texts={"instruction": pl.col("instruction")},
            ),
        ),
        about="Li et al. 2023: 805 instructions",
    ),
    Benchmark(
        "MT-Bench",
        (
            Place(
                repo="HuggingFaceH4/mt_bench_prompts",
                files={"train": ("raw/question.jsonl", *at("train"))},
                columns={"prompt_id": _TEXT, "prompt": _TEXTS},
                texts={f"turn {n + 1}": pl.col("prompt").list.get(n, null_on_oob=True) for n in range(2)},
                item=pl.format("prompt {}", "prompt_id"),
            ),
        ),
        about="Zheng et al. 2023, arXiv:2306.05685: 80 conversations of two turns",
    ),
    Benchmark(
        "LiveCodeBench",
        (
            Place(
                repo="livecodebench/code_generation_lite",
                files={"test": ("test*.jsonl",)},
                columns={"question_id": _TEXT, "question_content": _TEXT},
                texts={"question": pl.col("question_content")},
                item=pl.col("question_id"),
            ),
        ),
        about="Jain et al. 2024, arXiv:2403.07974; its files hold gigabytes of tests, of which nothing is kept",
    ),
)
"""In the order in which they are told."""

NAMES: Final = tuple(benchmark.name for benchmark in BENCHMARKS)
