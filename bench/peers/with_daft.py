"""Daft's `normalize` and `minhash`; the bands joined in numpy, connected components, nothing verified."""

from measuring import BANDS, ROWS, WORDS, first_of_each, measure


def ready(path):  # noqa: ANN001, ANN201
    """The whole of it on texts in memory."""
    import daft
    import numpy as np
    import pyarrow.parquet as pq
    from daft.functions import minhash, normalize

    daft.set_runner_native(num_threads=1)
    table = pq.read_table(path, columns=["id", "text"])
    ids = table["id"].to_numpy()

    def kept():  # noqa: ANN202
        text = normalize(daft.col("text"), remove_punct=True, lowercase=True, white_space=True)
        signed = minhash(text, num_hashes=BANDS * ROWS, ngram_size=WORDS, seed=1)
        column = daft.from_arrow(table).select(signed.alias("signature")).to_arrow()["signature"].combine_chunks()
        signatures = column.flatten().to_numpy().reshape(len(ids), BANDS * ROWS)
        return ids[np.sort(first_of_each(signatures))]

    return kept


measure(ready)
