"""HH-RLHF: pairs of dialogues, compared for helpfulness and harmlessness (Bai et al. 2022, arXiv:2204.05862).

Four subsets, each a folder that the card does not declare as a config. Both sides are whole transcripts; in a few
pairs they part before the last turn, end with an empty answer, or have two turns of one role in a row. The
red-team attempts are single dialogues, not pairs.
"""

import polars as pl

from pipelines.layouts.messages import pairs, transcript
from pipelines.sources.source import Read, Source

SUBSETS = ("harmless-base", "helpful-base", "helpful-online", "helpful-rejection-sampled")
START = "\n\nHuman:"


def sides(frame: pl.DataFrame) -> pl.DataFrame:
    """The two transcripts of each row as prompt, chosen and rejected; the raw text stays for the conditions."""
    return pairs(
        frame.with_columns(
            begins=pl.all_horizontal(pl.col("chosen", "rejected").str.starts_with(START)),
            chosen=transcript("chosen"),
            rejected=transcript("rejected"),
        )
    )


PAIRS = tuple(
    Read(
        config=subset,
        splits=("train", "test"),
        data_files={split: f"{subset}/{split}.jsonl.gz" for split in ("train", "test")},
        columns={"chosen": pl.String, "rejected": pl.String},
        prepare=sides,
        reject={"does not begin with a human turn": ~pl.col("begins").fill_null(value=False)},
        families={
            "preference": {"prompt": pl.col("prompt"), "chosen": pl.col("chosen"), "rejected": pl.col("rejected")}
        },
    )
    for subset in SUBSETS
)
RED_TEAM = Read(
    config="red-team-attempts",
    splits=("train",),
    data_files={"train": "red-team-attempts/red_team_attempts.jsonl.gz"},
    columns={"transcript": pl.String},
    skip={"a red-team attempt, not a pair": pl.lit(value=True)},
    families={},
)

SOURCE = Source(
    repo="Anthropic/hh-rlhf",
    license="mit",
    made_with=("Anthropic's language models, published by their maker",),
    language="en",
    reads=(*PAIRS, RED_TEAM),
)
