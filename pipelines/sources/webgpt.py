"""WebGPT comparisons: 19,578 pairs of answers that quote web pages, compared by people (Nakano et al. 2021).

arXiv:2112.09332. The repository is a script, so the Hub's own parquet of it is read. Scores lie between -1 and 1 and
`score_0 = -score_1`: the higher one won. Equal scores are ties; they stay and are judged as such. Answers cite the
quotes as "[1]". No licence is stated.
"""

import polars as pl

from pipelines.layouts.messages import turns
from pipelines.sources.source import Read, Source

question = pl.col("question").struct
scores, answers = [pl.col(f"score_{side}") for side in (0, 1)], [pl.col(f"answer_{side}") for side in (0, 1)]
second_won = scores[1] > scores[0]


def winner(first: pl.Expr, second: pl.Expr) -> pl.Expr:
    return pl.when(second_won).then(second).otherwise(first)


def loser(first: pl.Expr, second: pl.Expr) -> pl.Expr:
    return pl.when(second_won).then(first).otherwise(second)


SOURCE = Source(
    repo="openai/webgpt_comparisons",
    revision="refs/convert/parquet",
    license=None,
    made_with=("GPT-3",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            data_files={"train": "default/train/*.parquet"},
            columns={
                "question": pl.Struct({"dataset": pl.String, "full_text": pl.String, "id": pl.String}),
                "answer_0": pl.String,
                "answer_1": pl.String,
                "score_0": pl.Float64,
                "score_1": pl.Float64,
            },
            reject={"no score": pl.any_horizontal(score.is_null() | score.is_nan() for score in scores)},
            families={
                "preference": {
                    "prompt": turns(user=question.field("full_text")),
                    "chosen": turns(assistant=winner(*answers)),
                    "rejected": turns(assistant=loser(*answers)),
                    "chosen_score": winner(*scores),
                    "rejected_score": loser(*scores),
                    "group": question.field("id"),
                    "meta": pl.struct(question.field("dataset"), question.field("id")).struct.json_encode(),
                }
            },
        ),
    ),
)
