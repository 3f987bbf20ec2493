"""SmolTalk 2: what SmolLM3 was trained on after pre-training (Hugging Face, 2025).

Three configs, whose splits are named for the sets that they come from; all are read. Answers that think first do so in
`<think>` tags, which may be empty. `chat_template_kwargs` holds what the chat template gets, tools among it. Mid and
SFT share OpenThoughts3, and the preference pairs are Tulu 3's. No licence is stated, and of the
models that wrote Mid and SFT not all are known.
"""

from collections.abc import Mapping

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.conversations import PAIR, called, message_columns, not_text, side_columns, sides, spoken
from pipelines.layouts.messages import answered, kept, unanswered
from pipelines.sources.source import Read, Source

messages = pl.col("messages")
kwargs = pl.col("chat_template_kwargs")
offered = [kwargs.str.json_path_match(f"$.{name}") for name in ("tools", "xml_tools", "python_tools")]
beside: Mapping[str, pl.Expr] = {
    "template_kwargs": kwargs,
    "tools": pl.coalesce("tools", *(pl.when(tools != "[]").then(tools) for tools in offered)),
    "meta": kept("source"),
}
columns = {"chat_template_kwargs": Column(optional=True, as_json=True), "source": Column(pl.String, optional=True)}
said = {name: pl.col(name) for name in ("prompt", "reasoning", "completion")}
thinks = pl.col("reasoning").fill_null("") != ""


def talks(frame: pl.DataFrame) -> pl.DataFrame:
    """The messages of each row, and what `answered` makes of them."""
    return (
        spoken("messages")(frame)
        .lazy()
        .with_columns(**answered(pl.col("messages"), called=called("messages")))
        .collect()
    )


TALKS = tuple(
    Read(
        config=config,
        splits=("*",),
        columns={**message_columns("messages"), **columns},
        prepare=talks,
        reject={**not_text("messages"), **unanswered(messages)},
        families={
            "instruction": {"prompt": said["prompt"], "completion": said["completion"], **beside, "when": ~thinks},
            "cot": {**said, **beside, "when": thinks},
        },
    )
    for config in ("SFT", "Mid")
)
PREFERENCE = Read(
    config="Preference",
    splits=("*",),
    columns={**side_columns(), **columns},
    prepare=sides,
    reject=not_text("chosen", "rejected"),
    families={"preference": {**PAIR, **beside}},
    made_with=("GPT-4",),
)

SOURCE = Source(repo="HuggingFaceTB/smoltalk2", license=None, reads=(*TALKS, PREFERENCE))
