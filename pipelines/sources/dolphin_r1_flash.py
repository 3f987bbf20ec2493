"""The Gemini part of Dolphin-R1 as mlabonne has it. What its columns are is known only once it is there.

It is read as conversations, of OpenAI's or ShareGPT's turns, with the reasoning in tags; or, where there is an `answer`
beside them, as the prompt's messages with reasoning and answer in columns. Anything else fails with the columns found.
Gemini's terms bind those who train on it.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.conversations import FROM_VALUE, TOOLS, called, message_columns, not_text, spoken
from pipelines.layouts.messages import answered, turns, unanswered
from pipelines.sources.source import Read, Source

NAMES = ("messages", "conversations")


def conversations(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds `whole`: the conversation in one form, the answer at its end."""
    read = spoken("shared", keys=FROM_VALUE)(spoken("said")(frame))
    said, answer = pl.coalesce("said", "shared"), pl.col("answer")
    apart = said.list.concat(turns(assistant=answer))
    return read.with_columns(whole=pl.when(answer.is_not_null()).then(apart).otherwise(said))


whole = pl.col("whole")
beside = {name: pl.coalesce(called("said")[name], one) for name, one in called("shared").items()}
columns = answered(whole, called=beside)

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
                **message_columns("said", names=NAMES, optional=True),
                **message_columns("shared", names=NAMES, optional=True, keys=FROM_VALUE),
                "reasoning": Column(optional=True),
                "answer": Column(optional=True),
            },
            any_of=(("said",), ("shared",)),
            prepare=conversations,
            reject={**not_text("said", "shared"), **unanswered(whole)},
            families={"cot": {**columns, **TOOLS, "reasoning": pl.coalesce("reasoning", columns["reasoning"])}},
        ),
    ),
)
