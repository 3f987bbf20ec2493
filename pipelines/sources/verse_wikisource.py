"""Verse of Wikisource: some 200,000 lines of poems (PleIAs). No licence and no language is stated; links are English.

A row is one line of verse, so poems are put together: the lines of one title and link, by `order_verse`; a line that
stands twice at one place counts once. The poem is the record of its first line's row, which the rows of the others
name. There is no prompt upstream: it is made from the title by the template `PROMPT`.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.messages import kept, turns
from pipelines.sources.source import Read, Source

PROMPT = "Write a poem with the title “{}”."


def poems(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds to each line the row of its poem's first one (`origin`), and to that one the `poem` and its `lines`."""
    poem = ["title", "link"]
    usable = pl.all_horizontal(pl.col("verse", "title", "order_verse").is_not_null())
    whole = (
        frame.filter(usable)
        .sort(*poem, "order_verse", "row", maintain_order=True)
        .group_by(poem, maintain_order=True)
        .agg(
            origin=pl.col("row").first(),
            poem=pl.struct("order_verse", "verse").unique(maintain_order=True).struct.field("verse").str.join("\n"),
            lines=pl.struct("order_verse", "verse").n_unique(),
        )
    )
    found = frame.join(whole, on=poem, how="left", maintain_order="left", nulls_equal=True)
    return found.with_columns(origin=pl.when(usable).then("origin"))


begins = pl.col("origin") == pl.col("row")

SOURCE = Source(
    repo="PleIAs/verse-wikisource",
    license=None,
    made_with=(),
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={
                "verse": pl.String,
                "order_verse": pl.Int64,
                "title": pl.String,
                "link": Column(pl.String, optional=True),
            },
            whole_file=True,
            prepare=poems,
            reject={
                "no verse": pl.col("verse").is_null(),
                "no title": pl.col("title").is_null(),
                "no place in a poem": pl.col("order_verse").is_null(),
            },
            part_of=pl.when(~begins).then(pl.col("origin")),
            families={
                "instruction": {
                    "prompt": turns(user=pl.format(PROMPT, pl.col("title").str.strip_chars())),
                    "completion": turns(assistant=pl.col("poem")),
                    "meta": kept("title", "link", "lines"),
                }
            },
        ),
    ),
)
