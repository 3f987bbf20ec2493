"""Text as the index sees it: one form for every way of writing a character, one token for every one of those that
are written without spaces between words.
"""

import re
import unicodedata
from typing import Final

TOKENIZER: Final = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
"""FTS5's: a word is letters, digits and their marks, without regard to case and accents."""

_UNSPACED: Final = re.compile(
    "["
    "\u0e01-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"  # Korean, whose particles hang on the words
    "\u3040-\u30ff\u31f0-\u31ff"  # Japanese syllables
    "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
    "]"
)
_WORD: Final = re.compile(r"[^\W_]")


def segmented(text: str) -> str:
    """The text with spaces around each character of a script that has none, in compatibility form (NFKC).

    A query that went the same way is then a phrase, which finds its text wherever it stands in a sentence. Surrogates
    and NUL, which SQLite does not store, become spaces.
    """
    whole = re.sub("[\x00\ud800-\udfff]", " ", text)
    return _UNSPACED.sub(r" \g<0> ", unicodedata.normalize("NFKC", whole))


def has_words(text: str) -> bool:
    """Whether the tokenizer finds a word in a segmented text."""
    return _WORD.search(text) is not None
