"""datatrove's GopherQuality, GopherRepetition and FineWeb filters, run in an environment of their own.

`python datatrove_filters.py TEXTS.jsonl ROWS OUT.json`: one JSON string a line. Times the three filters one after
another on each document, as a pipeline of them would with none dropped, and writes what they compare with their
thresholds: a list of values a row, by their own functions where they have some.
"""

import json
import re
import sys
import time

from datatrove.data import Document
from datatrove.pipeline.filters import FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.filters.gopher_quality_filter import STOP_WORDS
from datatrove.pipeline.filters.gopher_repetition_filter import (
    find_all_duplicate,
    find_duplicates,
    find_top_duplicate,
    get_n_grams,
)
from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION, split_into_words


def values(text: str) -> dict[str, float | None]:
    """What each threshold of the three filters is compared with, by the name of our signal; None where they stop."""
    words = split_into_words(text)
    plain = [word for word in words if any(c not in PUNCTUATION_SET for c in word)]
    lines, size = text.splitlines(), len(text)
    paragraphs = re.split(r"\n{2,}", text.strip())
    broken = re.split("\n+", text)
    full = [line for line in text.split("\n") if line.strip() != ""]
    again, again_chars = find_duplicates(paragraphs)
    repeated, repeated_chars = find_duplicates(broken)
    unbroken = len(text.replace("\n", ""))
    ends = tuple(TERMINAL_PUNCTUATION)
    found: dict[str, float | None] = {
        "gopher_words": len(plain),
        "gopher_mean_word_chars": sum(map(len, plain)) / len(plain) if plain else None,
        "gopher_hash_ratio": text.count("#") / len(words) if words else None,
        "gopher_ellipsis_ratio": (text.count("...") + text.count("…")) / len(words) if words else None,
        "gopher_bullet_line_share": _mean([line.lstrip().startswith(("•", "-")) for line in lines]),
        "gopher_ellipsis_line_share": _mean([line.rstrip().endswith(("...", "…")) for line in lines]),
        "gopher_alpha_word_share": _mean([any(c.isalpha() for c in word) for word in words]),
        "gopher_stop_words": len(set(STOP_WORDS) & set(words)),
        "gopher_repeated_paragraph_share": again / len(paragraphs),
        "gopher_repeated_paragraph_char_share": again_chars / size,
        "gopher_repeated_line_share": repeated / len(broken),
        "gopher_repeated_line_char_share": repeated_chars / size,
        "fineweb_punctuated_line_share": _mean([line.endswith(ends) for line in full]),
        "fineweb_short_line_share": _mean([len(line) <= 30 for line in full]),
        "fineweb_repeated_line_char_share": find_duplicates(full)[1] / unbroken if unbroken else None,
        "fineweb_newline_ratio": text.count("\n") / len(words) if words else None,
    }
    for n in (2, 3, 4):
        grams = get_n_grams(words, n)
        found[f"gopher_top_{n}gram_share"] = find_top_duplicate(grams) / size if grams else 0.0
    for n in range(5, 11):
        found[f"gopher_repeated_{n}gram_char_share"] = find_all_duplicate(words, n) / size
    return found


def _mean(marks: list[bool]) -> float | None:
    return sum(marks) / len(marks) if marks else None


def main(texts: str, rows: int, out: str) -> None:
    with open(texts, encoding="utf-8") as lines:  # noqa: PTH123
        given = [json.loads(line) for line in lines][:rows]
    filters = (GopherQualityFilter(), GopherRepetitionFilter(), FineWebQualityFilter())
    documents = [Document(text=text, id=str(number)) for number, text in enumerate(given)]
    for each in filters:
        each.filter(documents[0])
    started = time.process_time()
    for document in documents:
        for each in filters:
            each.filter(document)
    taken = time.process_time() - started
    with open(out, "w", encoding="utf-8") as target:  # noqa: PTH123
        json.dump({"rows": len(given), "cpu": taken, "values": [values(text) for text in given]}, target)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
