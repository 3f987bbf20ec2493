"""R1-Distill-SFT: answers of DeepSeek-R1-Distill-Qwen-32B, not for commercial use (ServiceNow, 2025).

Two configs and no default: v0 has 172k problems with a reference `solution`, v1 has 1.7M conversations whose answers
were written anew. `verified` and `quality_metrics` have no type, since they hold nothing.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.answers import boxed, gold
from pipelines.layouts.messages import MESSAGES, answered, kept, messages, turns, unanswered
from pipelines.layouts.tags import reasoned
from pipelines.sources.source import Read, Source

verified = Column(as_json=True, optional=True)
reasoning, answer = reasoned(pl.col("reannotated_assistant_content"))

V0 = Read(
    config="v0",
    splits=("train",),
    columns={
        "problem": pl.String,
        "solution": pl.String,
        "reannotated_assistant_content": pl.String,
        "source": pl.String,
        "verified": verified,
    },
    families={
        "cot": {
            "prompt": turns(user=pl.col("problem")),
            "reasoning": reasoning,
            "completion": turns(assistant=answer),
            "answer": gold(boxed(pl.col("solution"))),
            "meta": kept("source", "verified"),
        }
    },
)


def conversations(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds `written`: the conversation with the new answer, put together where upstream did not."""
    asked, rewritten = messages("messages"), messages("reannotated_messages")
    ends = asked.list.last().struct.field("role") == "assistant"
    question = pl.when(ends).then(asked.list.head(asked.list.len() - 1)).otherwise(asked)
    anew = question.list.concat(turns(assistant=pl.col("reannotated_assistant_content")))
    return frame.with_columns(written=pl.when(rewritten.list.len() > 0).then(rewritten).otherwise(anew))


written = pl.col("written")
V1 = Read(
    config="v1",
    splits=("train",),
    columns={
        "messages": MESSAGES,
        "reannotated_messages": MESSAGES,
        "reannotated_assistant_content": pl.String,
        "source_dataset": pl.String,
        "verified": verified,
    },
    prepare=conversations,
    reject=unanswered(written),
    families={"cot": {**answered(written), "meta": kept("source_dataset", "verified")}},
)

SOURCE = Source(
    repo="ServiceNow-AI/R1-Distill-SFT",
    license="cc-by-nc-sa-4.0",
    made_with=("DeepSeek-R1-Distill-Qwen-32B",),
    reads=(V0, V1),
)
