"""UltraFeedback: 64k prompts, each answered by four models and rated by GPT-4 (Cui et al. 2023, arXiv:2310.01377).

An answer's score is the mean of its four ratings, those that are "N/A" left out; `overall_score`, which 2,628 answers
had wrong before the pinned commit, and which agrees with the ratings in about half of the rows only, is kept in `meta`.
The best answer of a row makes a pair with each other rated one; equal scores stay and are judged as ties. It is also an
instruction's answer. The prompts from TruthfulQA, a benchmark, are left out.
"""

import polars as pl

from pipelines.layouts.messages import turns
from pipelines.sources.source import Read, Source

ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")
RATING = pl.Struct({"Rating": pl.String})
COMPLETION = pl.Struct(
    {
        "model": pl.String,
        "principle": pl.String,
        "response": pl.String,
        "overall_score": pl.Float64,
        "annotations": pl.Struct(dict.fromkeys(ASPECTS, RATING)),
    }
)


def against_best(frame: pl.DataFrame) -> pl.DataFrame:
    """A row for each rated answer that is not its prompt's best: `best` beside `other`, each with its `score`.

    One row with a null `other` where there are fewer than two, and a null `best` where there is none. `first` marks
    one of the rows of each prompt.
    """
    answers = (
        frame.select("row", answer=pl.col("completions"))
        .explode("answer", empty_as_null=True)
        .with_columns(score=_score(pl.col("answer").struct.field("annotations")))
    )
    ranked = (
        answers.filter(pl.col("score").is_not_null() & pl.col("answer").struct.field("response").is_not_null())
        .sort("row", "score", descending=[False, True], maintain_order=True)
        .select("row", rated=pl.struct(pl.col("answer").struct.unnest(), "score"))
    )
    best = ranked.unique("row", keep="first", maintain_order=True).rename({"rated": "best"})
    others = ranked.filter(~pl.col("row").is_first_distinct()).rename({"rated": "other"})
    return (
        frame.drop("completions")
        .join(best, on="row", how="left", maintain_order="left")
        .join(others, on="row", how="left", maintain_order="left_right")
        .with_columns(first=pl.col("row").is_first_distinct())
    )


def _score(annotations: pl.Expr) -> pl.Expr:
    ratings = [
        annotations.struct.field(aspect).struct.field("Rating").cast(pl.Float64, strict=False) for aspect in ASPECTS
    ]
    return pl.mean_horizontal(ratings)


def said(side: str) -> pl.Expr:
    return pl.col(side).struct.field("response")


def about(side: str) -> pl.Expr:
    answer = pl.col(side).struct
    ratings = answer.field("annotations").struct
    return pl.struct(
        answer.field("model"),
        answer.field("principle"),
        answer.field("overall_score"),
        *(ratings.field(aspect).struct.field("Rating").alias(aspect) for aspect in ASPECTS),
    ).alias(side)


prompt = turns(user=pl.col("instruction"))
group = pl.format("{}.{}", "source", "row")

SOURCE = Source(
    repo="openbmb/UltraFeedback",
    revision="40b436560ca83a8dba36114c22ab3c66e43f6d5e",
    license="mit",
    made_with=("GPT-4",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"source": pl.String, "instruction": pl.String, "completions": pl.List(COMPLETION)},
            prepare=against_best,
            reject={"no answer with a rating": pl.col("best").is_null()},
            skip={"from TruthfulQA, a benchmark": pl.col("source") == "truthful_qa"},
            families={
                "preference": {
                    "when": pl.col("other").is_not_null(),
                    "prompt": prompt,
                    "chosen": turns(assistant=said("best")),
                    "rejected": turns(assistant=said("other")),
                    "chosen_score": pl.col("best").struct.field("score"),
                    "rejected_score": pl.col("other").struct.field("score"),
                    "group": group,
                    "meta": pl.struct("source", about("best"), about("other")).struct.json_encode(),
                },
                "instruction": {
                    "when": pl.col("first"),
                    "prompt": prompt,
                    "completion": turns(assistant=said("best")),
                    "group": group,
                    "meta": pl.struct("source", about("best")).struct.json_encode(),
                },
            },
        ),
    ),
)
