"""Medical conversations that DeepSeek V3 made up, by disease, in six languages (OnDeviceMedNotes, 2025).

The Hub takes the repository for plain text and counts its lines; the JSON lines of each language are read instead, and
the `raw` texts are not. Their keys are not documented, so they are recognised at first contact. Patients err on
purpose, and nobody checked the answers.
"""

import polars as pl

from pipelines.layouts.conversations import answered_plainly
from pipelines.layouts.detected import ANY_OF, COLUMNS, REJECT, talks
from pipelines.sources.source import Read, Source

LANGUAGES = {"chinese": "zh", "danish": "da", "english": "en", "french": "fr", "german": "de", "japanese": "ja"}

SOURCE = Source(
    repo="OnDeviceMedNotes/synthetic-medical-conversations-deepseek-v3",
    license="mit",
    made_with=("DeepSeek-V3",),
    reads=tuple(
        Read(
            config=name,
            splits=("train",),
            data_files={"train": f"generated_disease_conversations_{name}.jsonl"},
            columns=COLUMNS,
            any_of=ANY_OF,
            prepare=talks,
            reject=REJECT,
            families={"instruction": {**answered_plainly(pl.col("messages")), "language": pl.lit(code)}},
        )
        for name, code in LANGUAGES.items()
    ),
)
