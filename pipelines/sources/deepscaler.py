"""DeepScaleR: 40k problems of competitions with short answers (Agentica, 2025).

One JSON array. Six rows have no answer and some say "None" for one; most have no solution. AIME up to 2023 and AMC are
in it. A third of the solutions end in the names of those who wrote them (`~rayfish`), which are left out.
"""

import polars as pl

from pipelines.layouts.answers import gold
from pipelines.layouts.messages import worked
from pipelines.layouts.tasks import checked
from pipelines.sources.source import Read, Source

SIGNED = r"(?:\s+(?:~ ?[^\n~$\\]{1,60}|- ?[A-Za-z][\w.]{2,30}))+\s*$"
problem, answer = pl.col("problem"), gold(pl.col("answer"))
solution = pl.col("solution").str.replace(SIGNED, "")

SOURCE = Source(
    repo="agentica-org/DeepScaleR-Preview-Dataset",
    license="mit",
    made_with=(),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"problem": pl.String, "answer": pl.String, "solution": pl.String},
            reject={"neither answer nor solution": answer.is_null() & (solution.fill_null("").str.strip_chars() == "")},
            families={"cot": worked(problem, solution, answer), "grpo": checked(problem, answer)},
        ),
    ),
)
