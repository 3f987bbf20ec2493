"""SimpleRL-Zoo: 8.5k problems of MATH's train split, levels 3 to 5 (HKUST, 2025, arXiv:2503.18892).

verl's layout. The prompt is one message that holds Qwen's chat template as text: it is taken apart, its system prompt
kept, and the request to box the answer left out. `reward_model.ground_truth` is a string here and other things in
other sets of this layout. The repository's other folders hold the same problems in other templates or easier ones;
its test files are MATH-500.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.messages import MESSAGES, in_place, kept, messages
from pipelines.layouts.tasks import checked_rewards, unwrapped
from pipelines.sources.source import Read, Source

task = checked_rewards(unwrapped(pl.col("prompt")), pl.col("reward_model"))

SOURCE = Source(
    repo="hkust-nlp/SimpleRL-Zoo-Data",
    license="mit",
    made_with=(),
    language="en",
    reads=(
        Read(
            config="simplelr_qwen_level3to5",
            splits=("train",),
            data_files={"train": "simplelr_qwen_level3to5/train.parquet"},
            columns={
                "prompt": MESSAGES,
                "reward_model": Column(as_json=True),
                "subject": Column(optional=True),
                "level": Column(as_json=True, optional=True),
            },
            prepare=in_place("prompt", messages("prompt")),
            reject={"no gold answer": ~task["when"]},
            families={"grpo": {**task, "meta": kept("subject", "level")}},
        ),
    ),
)
