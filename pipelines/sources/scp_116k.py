"""SCP-116K: problems of physics, chemistry and biology for higher education, with answers of models (arXiv:2501.15587).

Two generations under one name. The first, which is pinned here, has 117k rows, answers of o1-mini and QwQ and the MIT
licence; the second has answers of DeepSeek-R1, whose reasoning stands in a column of its own, and allows no commercial
use. Each is read by the columns that it has; its licence is the one that its own card states. `is_*_same` says whether
upstream held an answer to be that of the textbook.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.answers import boxed, gold
from pipelines.layouts.messages import apart, kept, same, turns
from pipelines.layouts.tags import reasoned
from pipelines.sources.source import Read, Source

optional = Column(optional=True)
MODELS = ("o1", "qwq")


def answers_apart(frame: pl.DataFrame) -> pl.DataFrame:
    """Each model's answer to a row's problem as a row of its own: `model`, `reasoning`, `said` and `same`."""
    r1 = pl.struct(
        model=pl.lit("deepseek-r1"), reasoning="r1_reasoning_content", said="r1_response", same=pl.lit(None, pl.String)
    )
    others = [
        pl.struct(
            model=pl.lit(name),
            reasoning=reasoned(pl.col(f"{name}_solution"))[0],
            said=reasoned(pl.col(f"{name}_solution"))[1],
            same=f"{name}_same",
        )
        for name in MODELS
    ]
    there = pl.element().filter(pl.element().struct.field("said").is_not_null())
    listed = frame.with_columns(answers=pl.concat_list(r1, *others).list.eval(there))
    return apart(listed, "answers").unnest("answers")


SOURCE = Source(
    repo="EricLu/SCP-116K",
    revision="0f56afb",
    license="mit",
    made_with=("o1-mini", "QwQ-32B-Preview", "DeepSeek-R1"),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={
                "problem": Column(),
                "domain": optional,
                "solution": Column(names=("matched_solution", "extract_solution", "solution"), optional=True),
                "r1_response": optional,
                "r1_reasoning_content": optional,
                **{f"{name}_solution": optional for name in MODELS},
                **{
                    f"{name}_same": Column(
                        names=(f"is_{name}_solution_same_with_matched_solution",), as_json=True, optional=True
                    )
                    for name in MODELS
                },
            },
            any_of=(("r1_response",), *((f"{name}_solution",) for name in MODELS)),
            prepare=answers_apart,
            reject={"no model answered": pl.col("said").is_null()},
            families={
                "cot": {
                    "group": same(pl.col("problem")),
                    "prompt": turns(user=pl.col("problem")),
                    "reasoning": pl.col("reasoning"),
                    "completion": turns(assistant=pl.col("said")),
                    "answer": gold(boxed(pl.col("solution"))),
                    "meta": kept("domain", "model", "same", "solution"),
                }
            },
        ),
    ),
)
