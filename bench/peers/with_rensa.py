"""rensa's R-MinHash and its LSH over word 5-grams that Python makes; connected components, nothing verified."""

import re

from measuring import BANDS, ROWS, WORDS, components, measure

WORD = re.compile(r"\w+")


def shingles(text):  # noqa: ANN001, ANN201
    """The word n-grams of a text, or all of a short one."""
    words = WORD.findall(text.lower())
    return [" ".join(words[at : at + WORDS]) for at in range(len(words) - WORDS + 1)] or [" ".join(words)]


def ready(path):  # noqa: ANN001, ANN201
    """The whole of it on texts in memory."""
    import numpy as np
    import pyarrow.parquet as pq
    from rensa import RMinHash, RMinHashLSH

    table = pq.read_table(path, columns=["id", "text"])
    ids, texts = table["id"].to_numpy(), table["text"].to_pylist()

    def kept():  # noqa: ANN202
        signed = RMinHash.from_token_sets([shingles(text) for text in texts], BANDS * ROWS, 1)
        index = RMinHashLSH(0.7, BANDS * ROWS, BANDS)
        index.insert_many(signed)
        met = index.query_all(signed)
        left = np.repeat(np.arange(len(ids)), [len(found) for found in met])
        right = np.fromiter((other for found in met for other in found), np.int64, len(left))
        return ids[components(len(ids), left, right)]

    return kept


measure(ready)
