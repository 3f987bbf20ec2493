"""The sets of reasoning: in tags inside a conversation, in columns of its own, several answers a problem."""

import json
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from pipelines.sample_hub.content import load
from pipelines.sample_hub.generators.derivation import Derivation, Numbers, draw
from pipelines.sample_hub.generators.drills import MATHEMATICS, SCIENCE, drilled
from pipelines.sample_hub.generators.samples import File, Sample, config, messages
from pipelines.sample_hub.layouts import SOLUTION, SYSTEM, THOUGHT
from pipelines.sample_hub.rows import Row, columns

MESSAGES: Final = pl.List(pl.Struct({"content": pl.String, "role": pl.String}))
SHAREGPT: Final = pl.List(pl.Struct({"from": pl.String, "value": pl.String}))
PARQUET: Final = "data/train-00000-of-00001.parquet"
TRAIN: Final = config({"train": "data/train-*"})


def thoughts(made: Derivation) -> str:
    return "\n\n".join(made.thoughts)


def solution(made: Derivation) -> str:
    return rf"{made.solution} Answer: \(\boxed{{{made.answer}}}\)."


def think(made: Derivation) -> str:
    """Reasoning and answer as R1 writes them."""
    return f"<think>\n{thoughts(made)}\n</think>\n\n{solution(made)}"


def again(made: Derivation) -> Derivation:
    """The same problem, with its thoughts the other way round."""
    return Derivation(made.question, tuple(reversed(made.thoughts)), f"Indeed: {made.solution}", made.answer)


def table(rows: Sequence[Row], path: str = PARQUET, name: str | None = None, **types: Any) -> File:  # noqa: ANN401
    """A file of these rows; all columns are text but those of other types."""
    strings: dict[str, Any] = dict.fromkeys(rows[0], pl.String)
    return File(path, pl.DataFrame(list(rows), columns(**(strings | types))), config=name)


def _said(asked: str, answer: str, names: tuple[str, str] = ("user", "assistant")) -> list[Row]:
    return [{"from": names[0], "value": asked}, {"from": names[1], "value": answer}]


def _stratos(numbers: Numbers) -> list[File]:
    rows = [
        {
            "system": SYSTEM,
            "conversations": _said(
                made.question,
                "\n\n".join((THOUGHT[0], thoughts(made), THOUGHT[1], SOLUTION[0], solution(made), SOLUTION[1])),
            ),
        }
        for made in drilled(numbers, 12)
    ]
    return [table(rows, conversations=SHAREGPT)]


def _openthoughts(numbers: Numbers) -> list[File]:
    solved = [
        _thought(made, domain, source, "", "")
        for domain, source, kinds, count in (
            ("math", "numina_math", MATHEMATICS, 9),
            ("physics", "camel", SCIENCE, 3),
        )
        for made in drilled(numbers, count, kinds)
    ]
    coded = [_coded(draw(numbers, 3, 99), draw(numbers, 11, 99), kind) for kind in range(3)]
    return [table([*solved, *coded], "metadata/train-00000-of-00001.parquet", "metadata")]


def _thought(made: Derivation, domain: str, source: str, tests: str, starter: str) -> Row:
    return {
        "problem": made.question,
        "deepseek_reasoning": thoughts(made),
        "deepseek_solution": solution(made),
        "ground_truth_solution": solution(made) if domain == "math" else None,
        "domain": domain,
        "source": source,
        "test_cases": tests or None,
        "starter_code": starter or None,
    }


def _coded(factor: int, shift: int, kind: int) -> Row:
    """A task of code, with tests of its inputs and outputs."""
    asked, line, results = (
        (
            f"Read two integers from one line and print {factor} times their sum, plus {shift}.",
            f"a, b = map(int, input().split())\nprint({factor} * (a + b) + {shift})",
            [(f"{n} {n + 4}\n", f"{factor * (2 * n + 4) + shift}\n") for n in (1, 7)],
        ),
        (
            f"Print every {factor}th letter of a word that stands on the first line, beginning with letter {shift}.",
            f"word = input()\nprint(word[{shift} - 1 :: {factor}])",
            [("abc" * 90 + "\n", ("abc" * 90)[shift - 1 :: factor] + "\n")],
        ),
        (
            f"A function `far` gets a list and tells how many items lie more than {shift} away from {factor}.",
            f"def far(items):\n    return sum(abs(item - {factor}) > {shift} for item in items)",
            [([factor, factor + shift + 1], 1), ([factor - shift], 0)],
        ),
    )[kind]
    tests: Row = {"inputs": [given for given, _ in results], "outputs": [wanted for _, wanted in results]}
    starter = "def far(items):\n" if kind == 2 else ""
    made = Derivation(
        asked,
        (f"The numbers {factor} and {shift} are fixed, the rest is read.", "One expression does it, without a loop."),
        f"```python\n{line}\n```",
        "",
    )
    row = _thought(made, "code", "taco", json.dumps(tests | ({"fn_name": "far"} if starter else {})), starter)
    return row | {"deepseek_solution": made.solution, "ground_truth_solution": line}


def _openthoughts3(numbers: Numbers) -> list[File]:
    rows = [
        {
            "difficulty": difficulty,
            "source": "stackexchange_physics" if domain == "science" else "openmath_2",
            "domain": domain,
            "conversations": _said(made.question, think(answer), ("human", "gpt")),
        }
        for domain, kinds, difficulty in (("math", MATHEMATICS, 7), ("science", SCIENCE, None))
        for made in drilled(numbers, 5, kinds)
        for answer in (made, again(made))
    ]
    return [table(rows, difficulty=pl.Int64, conversations=SHAREGPT)]


def _r1_distill(numbers: Numbers) -> list[File]:
    empty: dict[str, Any] = {"verified": pl.Null, "quality_metrics": pl.Null}
    none = dict.fromkeys(empty)
    v0 = [
        {
            "id": str(number),
            "reannotated_assistant_content": think(made),
            "problem": made.question,
            "source": "synthetic_math",
            "solution": solution(made),
            **none,
        }
        for number, made in enumerate(drilled(numbers, 8))
    ]
    v1 = [
        {
            "id": f"id_{number}",
            "reannotated_assistant_content": think(made),
            "source": "ai2-adapt-dev/personahub_math",
            "source_dataset": "allenai/tulu-3-sft-mixture",
            "reannotated_messages": messages(made.question, think(made)),
            "messages": messages(made.question, made.solution),
            **none,
        }
        for number, made in enumerate(drilled(numbers, 8))
    ]
    return [
        table(v0, "v0/train-00000-of-00001.parquet", "v0", **empty),
        table(v1, "v1/train-00000-of-00001.parquet", "v1", **empty, reannotated_messages=MESSAGES, messages=MESSAGES),
    ]


def _scp(numbers: Numbers) -> list[File]:
    rows = [
        {
            "domain": "physics",
            "problem": made.question,
            "matched_solution": solution(made),
            "o1_solution": f"{thoughts(made)}\n\n{solution(made)}",
            "is_o1_solution_same_with_matched_solution": True,
            "qwq_solution": f"{thoughts(again(made))}\n\n{solution(again(made))}",
            "is_qwq_solution_same_with_matched_solution": True,
        }
        for made in drilled(numbers, 10, SCIENCE)
    ]
    same: dict[str, Any] = {f"is_{name}_solution_same_with_matched_solution": pl.Boolean for name in ("o1", "qwq")}
    return [table(rows, "SCP_116K_in_open_source_format.jsonl", **same)]


def _fineqwq(numbers: Numbers) -> list[File]:
    rows = [
        {"prompt": made.question, "response": f"{thoughts(made)}\n\n{solution(made)}", "source": "powerinfer/qwq-500k"}
        for made in drilled(numbers, 12)
    ]
    made_ = table(rows, "data/142k-00000-of-00001.parquet")
    return [File(made_.path, made_.frame, "142k")]


_DOLPHIN: Final = ("reasoning-deepseek", "reasoning-flash", "nonreasoning")


def _dolphin(numbers: Numbers) -> list[File]:
    thinking = [
        table(
            [
                {
                    "messages": messages(made.question, system="You are Dolphin."),
                    "reasoning": thoughts(made),
                    "answer": solution(made),
                    "model": model,
                }
                for made in drilled(numbers, 8)
            ],
            f"dolphin-r1-{name}.jsonl",
            name,
            messages=MESSAGES,
        )
        for name, model in zip(_DOLPHIN, ("deepseek-reasoner", "gemini-flash-thinking"), strict=False)
    ]
    ratings: dict[str, Any] = {"score": 4.6, "refusal": False, "compliance_rating": 1.0, "overall_quality": 5.0}
    chats = [{"messages": messages(made.question, made.solution), **ratings} for made in drilled(numbers, 8)]
    types: dict[str, Any] = {name: pl.Boolean if name == "refusal" else pl.Float64 for name in ratings}
    return [*thinking, table(chats, f"dolphin-r1-{_DOLPHIN[2]}.jsonl", _DOLPHIN[2], messages=MESSAGES, **types)]


def _dolphin_deepseek(numbers: Numbers) -> list[File]:
    rows = [
        {"messages": messages(made.question, "\n".join((THOUGHT[0], thoughts(made), THOUGHT[1], solution(made))))}
        for made in drilled(numbers, 12)
    ]
    return [table(rows, messages=MESSAGES)]


def _medical(_: Numbers) -> list[File]:
    rows = [{"Question": q["ask"], "Complex_CoT": q["think"], "Response": q["say"]} for q in load("medicine")]
    return [table(rows, "medical_o1_sft.json", "en")]


SAMPLES: Final = (
    Sample(
        "bespoke_stratos", "bespokelabs/Bespoke-Stratos-17k", {"license": "apache-2.0", "configs": [TRAIN]}, _stratos
    ),
    Sample(
        "openthoughts_114k",
        "open-thoughts/OpenThoughts-114k",
        {"license": "apache-2.0", "configs": [config({"train": "metadata/train-*"}, "metadata")]},
        _openthoughts,
    ),
    Sample(
        "openthoughts3",
        "open-thoughts/OpenThoughts3-1.2M",
        {"license": "apache-2.0", "configs": [TRAIN]},
        _openthoughts3,
    ),
    Sample(
        "r1_distill_sft",
        "ServiceNow-AI/R1-Distill-SFT",
        {
            "license": "cc-by-nc-sa-4.0",
            "configs": [config({"train": f"{name}/train-*"}, name) for name in ("v0", "v1")],
        },
        _r1_distill,
    ),
    Sample("scp_116k", "EricLu/SCP-116K", {"license": "mit", "language": ["en"]}, _scp),
    Sample(
        "fineqwq_142k",
        "qingy2024/FineQwQ-142k",
        {"language": ["en"], "configs": [config({"142k": "data/142k-*"})]},
        _fineqwq,
    ),
    Sample(
        "dolphin_r1",
        "QuixiAI/dolphin-r1",
        {
            "license": "apache-2.0",
            "configs": [config({"train": f"dolphin-r1-{name}.jsonl"}, name) for name in _DOLPHIN],
        },
        _dolphin,
    ),
    Sample(
        "dolphin_r1_deepseek",
        "mlabonne/dolphin-r1-deepseek",
        {"license": "apache-2.0", "configs": [TRAIN]},
        _dolphin_deepseek,
    ),
    Sample(
        "medical_o1",
        "FreedomIntelligence/medical-o1-reasoning-SFT",
        {"license": "apache-2.0", "language": ["en"]},
        _medical,
    ),
)
