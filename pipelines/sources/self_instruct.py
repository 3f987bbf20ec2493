r"""Self-Instruct: 82k instructions that GPT-3 wrote from 175 seeds (Wang et al. 2022, arXiv:2212.10560).

The repository is a script, so the Hub's own parquet of it is read. Prompts end with `Output:` and completions with
`<|endoftext|>`, the marks of GPT-3's fine-tuning; both are cut off, with the space around them. Of the other configs
`human_eval` is a benchmark (252 of AlpacaEval's tasks), and `p3`, `prompt_source` and `super_natural_instructions` are
other sets.
"""

import polars as pl

from pipelines.layouts.messages import turns
from pipelines.sources.source import Read, Source

asked = pl.col("prompt").str.replace(r"\s*\bOutput:\s*$", "").str.strip_chars()
said = pl.col("completion").str.replace(r"\s*<\|endoftext\|>\s*$", "").str.strip_chars()

SOURCE = Source(
    repo="yizhongw/self_instruct",
    revision="refs/convert/parquet",
    license="apache-2.0",
    made_with=("davinci",),
    language="en",
    reads=(
        Read(
            config="self_instruct",
            splits=("train",),
            data_files={"train": "self_instruct/train/*.parquet"},
            columns={"prompt": pl.String, "completion": pl.String},
            families={"instruction": {"prompt": turns(user=asked), "completion": turns(assistant=said)}},
        ),
    ),
)
