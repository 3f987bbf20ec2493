"""The Gemini part of Dolphin-R1 as mlabonne has it. What its columns are is known only once it is there.

It is read as conversations, of OpenAI's or ShareGPT's turns, with the reasoning in tags; or, where there is an `answer`
beside them, as the prompt's messages with reasoning and answer in columns. Anything else fails with the columns found.
Gemini's terms bind those who train on it.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.messages import MESSAGES, SHAREGPT, answered, messages, sharegpt, turns, unanswered
from pipelines.sources.source import Read, Source

NAMES = ("messages", "conversations")


def conversations(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds `whole`: the conversation in one form, the answer at its end."""
    spoken, answer = pl.coalesce(messages("spoken"), sharegpt("shared")), pl.col("answer")
    apart = spoken.list.concat(turns(assistant=answer))
    return frame.with_columns(whole=pl.when(answer.is_not_null()).then(apart).otherwise(spoken))


whole = pl.col("whole")
columns = answered(whole)

SOURCE = Source(
    repo="mlabonne/dolphin-r1-flash",
    license=None,
    made_with=("Gemini 2.0 Flash Thinking",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={
                "spoken": Column(MESSAGES, NAMES, optional=True, if_it_fits=True),
                "shared": Column(SHAREGPT, NAMES, optional=True, if_it_fits=True),
                "reasoning": Column(optional=True),
                "answer": Column(optional=True),
            },
            any_of=(("spoken",), ("shared",)),
            prepare=conversations,
            reject=unanswered(whole),
            families={"cot": {**columns, "reasoning": pl.coalesce("reasoning", columns["reasoning"])}},
        ),
    ),
)
