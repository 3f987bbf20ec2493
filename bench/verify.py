"""Verification beside plain Math-Verify: rows per CPU-second, agreement, and what hostile rows cost the others.

On MATH's test set, where the gold answer is the last box of its own solution; else on invented answers of its kinds.
"""

import json
import random
import resource
import time
from pathlib import Path

import polars as pl

from bench.data import hub_folder
from pipelines.verify import mathematics
from pipelines.verify.worker import as_latex
from pipelines.verify.workers import CPU_SECONDS, Workers

_MATH = "EleutherAI/hendrycks_math/test.jsonl"
_HOSTILE = (r"9^{9^{9^9}}", r"\boxed{9^{9^{9^8}}}")
_EVERY = 100
_ALLOWED = CPU_SECONDS + 0.05
_ROUNDS = 3
_SAMPLE = 600
"""Pairs of the swapped answers and of the hostile rows: each takes computer algebra."""


def run(data: Path | None) -> str:
    """The tables."""
    pairs, about = _pairs(hub_folder(data))
    plain, taken = _plainly(pairs)
    ours = [_ours(pairs) for _ in range(_ROUNDS)]
    outcomes = ours[0][0]["outcome"]
    cpu = sorted(seconds for _, seconds in ours)[_ROUNDS // 2]
    rates = [pairs.height / taken, pairs.height / cpu]
    agree = ((outcomes == "verified") == plain).sum()
    swapped = _swapped(pairs).sample(min(_SAMPLE, pairs.height), seed=0)
    plain_swapped, _ = _plainly(swapped)
    found = _ours(swapped)[0]["outcome"]
    differ = ~plain_swapped
    refuted = (found.filter(differ) == "refuted").sum()
    alone, extra = _hostile(pairs)
    slower = max(0.0, extra - _ALLOWED) / alone * (_SAMPLE // 2 // _EVERY)
    return "\n".join(
        [
            f"data: {about}; medians of {_ROUNDS}, workers' start and their CPU counted",
            "",
            "| way | rows per CPU-second | ratio | verified |",
            "| --- | ---: | ---: | ---: |",
            f"| Math-Verify's parse and verify | {rates[0]:,.0f} | 1 | {plain.mean():.2%} |",
            f"| verification | {rates[1]:,.0f} | {rates[1] / rates[0]:.1f} | {(outcomes == 'verified').mean():.2%} |",
            "",
            f"same outcome: {agree:,} of {pairs.height:,}; decided without computer algebra: "
            f"{(ours[0][0]['by'] == 'comparison').mean():.1%}",
            f"answers swapped between problems: {refuted:,} of {differ.sum():,} that differ refuted; "
            f"same outcome {((found == 'verified') == plain_swapped).sum():,} of {swapped.height:,}",
            f"one hostile row in {_EVERY} among rows that need computer algebra: it cost {extra:.2f} s of CPU (its "
            f"limit is {CPU_SECONDS:g} s); above that limit and 50 ms the others took {slower:.1%} longer",
        ]
    )


def _pairs(folder: Path) -> tuple[pl.DataFrame, str]:
    path = folder / _MATH
    if path.exists():
        solutions = [json.loads(line)["solution"] for line in path.read_text(encoding="utf-8").splitlines()]
        golds = [last_boxed(solution) for solution in solutions]
        return pl.DataFrame({"gold": golds, "said": solutions}), f"{path}, {len(golds):,} solutions"
    golds = _invented(2_000)
    return pl.DataFrame({"gold": golds, "said": [f"It is $\\boxed{{{gold}}}$." for gold in golds]}), "invented answers"


def _invented(count: int) -> list[str]:
    """Answers of the kinds of MATH's test set, in its shares."""
    draw = random.Random(0)
    kinds = (
        [lambda: str(draw.randint(-99, 9_999))] * 62
        + [lambda: f"\\frac{{{draw.randint(1, 99)}}}{{{draw.randint(2, 99)}}}"] * 15
        + [lambda: f"{draw.randint(2, 9)}\\sqrt{{{draw.randint(2, 30)}}}"] * 8
        + [lambda: f"({draw.randint(-9, 9)},{draw.randint(-9, 9)})"] * 5
        + [lambda: f"{draw.randint(2, 9)}x^{draw.randint(2, 9)} - {draw.randint(2, 9)}"] * 5
        + [lambda: f"{draw.randint(0, 99)}.{draw.randint(1, 99)}"] * 3
        + [lambda: f"{draw.randint(2, 9)} \\text{{ or }} {draw.randint(10, 19)}"] * 2
    )
    return [draw.choice(kinds)() for _ in range(count)]


def last_boxed(solution: str) -> str:
    r"""The content of the last `\boxed{}` of a solution, or what stands behind `\boxed` where there are no braces."""
    rest = solution[solution.rfind("\\boxed") + len("\\boxed") :]
    if not rest.startswith("{"):
        return rest.split("$")[0].strip()
    depth = 0
    for position, character in enumerate(rest):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return rest[1:position]
    return rest[1:]


def _swapped(pairs: pl.DataFrame) -> pl.DataFrame:
    return pairs.with_columns(pl.col("said").shuffle(seed=0))


def _plainly(pairs: pl.DataFrame) -> tuple[pl.Series, float]:
    """Whether Math-Verify's own parse and verify accept each pair, and the CPU seconds they take."""
    from math_verify import parse, verify

    started = time.process_time()
    found = [verify(parse(as_latex(gold)), parse(said)) for gold, said in pairs.select("gold", "said").iter_rows()]
    return pl.Series(found, dtype=pl.Boolean), time.process_time() - started


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _ours(pairs: pl.DataFrame) -> tuple[pl.DataFrame, float]:
    started = _cpu()
    with Workers(1) as workers:
        found = mathematics.outcomes(pairs, workers)
    return found, _cpu() - started


def _hostile(pairs: pl.DataFrame) -> tuple[float, float]:
    """CPU seconds of rows that all need computer algebra, and what one hostile row in a hundred adds, for each."""
    rows = [(f"{gold}+0", said) for gold, said in pairs.select("gold", "said").head(_SAMPLE // 2).iter_rows()]
    mixed = [pair for at, row in enumerate(rows) for pair in ((row, _HOSTILE) if at % _EVERY == 0 else (row,))]
    alone, beside = (sorted(_spent(given) for _ in range(_ROUNDS))[_ROUNDS // 2] for given in (rows, mixed))
    return alone, (beside - alone) / (len(mixed) - len(rows))


def _spent(rows: list[tuple[str, str]]) -> float:
    started = _cpu()
    with Workers(1) as workers:
        workers.outcomes(rows)
    return _cpu() - started
