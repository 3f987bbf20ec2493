"""GSM8K: 8.5k grade-school problems with worked solutions (Cobbe et al. 2021, arXiv:2110.14168).

`answer` holds the solution, `<<48/2=24>>` calculator marks, and the gold after `####`.
"""

import polars as pl

from pipelines.layouts.answers import after_marks, gold
from pipelines.layouts.messages import turns
from pipelines.sources.source import Read, Source

worked = pl.col("answer").str.replace_all(r"<<[^>]*>>", "")
solution = pl.when(worked.str.contains("####", literal=True)).then(
    worked.str.splitn("####", 2).struct.field("field_0").str.strip_chars()
)
answer = gold(after_marks(pl.col("answer")))
question = turns(user=pl.col("question"))

SOURCE = Source(
    repo="openai/gsm8k",
    license="mit",
    made_with=(),
    language="en",
    reads=(
        Read(
            config="main",
            splits=("train",),  # test is a benchmark, never a source
            columns={"question": pl.String, "answer": pl.String},
            reject={"no gold after ####": answer.is_null()},
            families={
                "cot": {
                    "prompt": question,
                    "reasoning": solution,
                    "completion": turns(assistant=answer),
                    "answer": answer,
                },
                "grpo": {"prompt": question, "answer": answer, "verifier": pl.lit("math")},
            },
        ),
    ),
)
