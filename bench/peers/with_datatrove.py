"""datatrove's three stages of MinHash deduplication with its defaults, one worker; its clusters are not verified."""

import tempfile
from pathlib import Path

from measuring import BANDS, ROWS, WORDS, measure


def ready(path):  # noqa: ANN001, ANN201
    """The whole of it on texts in memory."""
    import numpy as np
    import pyarrow.parquet as pq
    from datatrove.data import Document
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.logging import logger

    logger.remove()
    table = pq.read_table(path, columns=["id", "text"])
    ids, texts = table["id"].to_numpy(), table["text"].to_pylist()
    config = MinhashConfig(n_grams=WORDS, num_buckets=BANDS, hashes_per_bucket=ROWS)

    def kept():  # noqa: ANN202
        with tempfile.TemporaryDirectory() as scratch:
            signatures, buckets, removed = (str(Path(scratch) / name) for name in ("signatures", "buckets", "removed"))
            documents = (Document(text=text, id=str(at)) for at, text in enumerate(texts))
            MinhashDedupSignature(signatures, config).run(documents, 0, 1)
            for band in range(BANDS):
                MinhashDedupBuckets(signatures, buckets, config=config).run(None, band, BANDS)
            MinhashDedupCluster(buckets, removed, config=config).run(None, 0, 1)
            gone = [np.fromfile(file, np.uint32) for file in Path(removed).rglob("*.remove")]
        stays = np.ones(len(ids), bool)
        stays[np.concatenate([np.zeros(0, np.uint32), *gone])] = False
        return ids[stays]

    return kept


measure(ready)
