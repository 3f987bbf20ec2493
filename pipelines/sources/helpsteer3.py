"""HelpSteer3: 40k pairs of answers that people compared, in 14 languages and in code (Wang et al. 2025).

arXiv:2505.11475. `overall_preference` goes from -3, response1 is much better, to 3, response2 is: the scores of the two
sides are its negative and itself. 0 is a tie, which stays and is judged as such. `context` is a list of messages or one
question as text. The commit is pinned, since the validation split is what others compare with.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.conversations import TOOLS, message_columns, not_text, spoken
from pipelines.layouts.messages import kept, turns
from pipelines.sources.source import Read, Source

LANGUAGES = {
    "english": "en",
    "chinese": "zh",
    "korean": "ko",
    "french": "fr",
    "spanish": "es",
    "japanese": "ja",
    "german": "de",
    "russian": "ru",
    "portuguese": "pt",
    "italian": "it",
    "vietnamese": "vi",
    "dutch": "nl",
    "polish": "pl",
    "indonesian": "id",
}
"""The languages that people speak; rows about code name a programming language instead."""

preference = pl.col("overall_preference")
second_won = preference > 0
one, two = pl.col("response1"), pl.col("response2")
alone = pl.when(pl.col("question").is_not_null()).then(turns(user=pl.col("question")))

SOURCE = Source(
    repo="nvidia/HelpSteer3",
    revision="f6d145777bcbde96137596340fab89793acd1031",
    license="cc-by-4.0",
    reads=(
        Read(
            config="preference",
            splits=("train", "validation"),
            columns={
                **message_columns("context"),
                "question": Column(pl.String, ("context",), if_it_fits=True),
                "response1": pl.String,
                "response2": pl.String,
                "overall_preference": pl.Int64,
                "domain": Column(pl.String, optional=True),
                "language": Column(pl.String, optional=True),
            },
            prepare=spoken("context"),
            reject={"no preference": preference.is_null(), **not_text("context")},
            families={
                "preference": {
                    **TOOLS,
                    "prompt": pl.coalesce(pl.col("context"), alone),
                    "chosen": turns(assistant=pl.when(second_won).then(two).otherwise(one)),
                    "rejected": turns(assistant=pl.when(second_won).then(one).otherwise(two)),
                    "chosen_score": preference.abs().cast(pl.Float64),
                    "rejected_score": -preference.abs().cast(pl.Float64),
                    "language": pl.col("language").str.to_lowercase().replace_strict(LANGUAGES, default=None),
                    "meta": kept("domain", "language", "overall_preference"),
                }
            },
        ),
    ),
)
