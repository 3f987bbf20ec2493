"""Signals of toxicity by lists that stand here: words that insult a group, obscene words, and threats in English.

A list knows no context: it finds quotations, definitions and clinical texts as well, and misses all hatred that is
said politely, misspelt, or in another language. Words with a common harmless meaning are not on it. In sets of
harmlessness and red teams the prompts are the point. So its signals are for marking and for looking, not for a verdict.
"""

import functools
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.kernels.kernel import kernel
from pipelines.quality.characters import code_points
from pipelines.quality.compiled import Bytes, CodePoints, Ints, buffers, counted
from pipelines.quality.repetition import hash_words
from pipelines.quality.signal import Part, of_part

SLURS: Final = (
    "nigger",
    "niggers",
    "nigga",
    "niggas",
    "faggot",
    "faggots",
    "kike",
    "kikes",
    "wetback",
    "wetbacks",
    "chink",
    "chinks",
    "gook",
    "gooks",
    "spic",
    "spics",
    "towelhead",
    "towelheads",
    "raghead",
    "ragheads",
    "sandnigger",
    "beaner",
    "beaners",
    "tranny",
    "trannies",
    "shemale",
    "shemales",
    "coon",
    "coons",
    "darkie",
    "darkies",
    "jigaboo",
    "paki",
    "pakis",
    "gypo",
    "pikey",
    "golliwog",
    "retard",
    "retards",
    "retarded",
    "mongoloid",
)  # fmt: skip
"""Words whose use about a person or group is an insult."""

OBSCENITIES: Final = (
    "fuck",
    "fucks",
    "fucked",
    "fucker",
    "fuckers",
    "fucking",
    "motherfucker",
    "motherfuckers",
    "motherfucking",
    "fuckface",
    "clusterfuck",
    "shit",
    "shits",
    "shitty",
    "shithead",
    "bullshit",
    "horseshit",
    "dipshit",
    "cunt",
    "cunts",
    "bitch",
    "bitches",
    "bitching",
    "bitchy",
    "asshole",
    "assholes",
    "arsehole",
    "arseholes",
    "dickhead",
    "dickheads",
    "cocksucker",
    "cocksuckers",
    "cocksucking",
    "twat",
    "twats",
    "wanker",
    "wankers",
    "bastard",
    "bastards",
    "slut",
    "sluts",
    "slutty",
    "whore",
    "whores",
    "jackass",
    "dumbass",
    "douchebag",
    "blowjob",
    "blowjobs",
    "handjob",
    "rimjob",
    "cumshot",
    "cumshots",
    "creampie",
    "gangbang",
    "gangbangs",
    "bukkake",
    "deepthroat",
    "milf",
    "milfs",
    "tits",
    "titties",
    "boobs",
    "pussies",
    "dildo",
    "dildos",
    "jizz",
    "fap",
    "porn",
    "porno",
    "pornhub",
    "xxx",
    "hentai",
    "masturbate",
    "masturbating",
    "wank",
)  # fmt: skip
"""Words that are obscene in most uses."""

_THREATS: Final = (
    r"(?i)\b(?:kill (?:yourself|urself)|kys\b|(?:i['’]?ll|i will|i am going to|i['’]m going to|gonna) (?:kill|murder"
    r"|rape|strangle|stab|shoot) (?:you|him|her|them)\b|(?:hope|wish) (?:that )?(?:you|they|he|she)(?: all)? "
    r"(?:die|dies)\b|(?:you|they)(?: all)? (?:deserve to|should(?: all)?) (?:die|be killed|be shot|be hanged)\b"
    r"|go die\b)"
)

COUNTS: Final = ("slurs", "obscenities", "threats")

_Hashes = npt.NDArray[np.uint64]
_BITS: Final = 12


def toxicity(texts: pl.Series) -> pl.DataFrame:
    """The `COUNTS` of each text (Int64), null where the text is. Some 200 MB a CPU-second."""
    data, offsets = buffers(texts)
    keys, classes = _lists()
    words = counted(_listed(data, offsets, code_points(), keys, classes), COUNTS[:2], texts)
    return words.with_columns(threats=texts.str.count_matches(_THREATS).cast(pl.Int64))


@functools.cache
def _lists() -> tuple[_Hashes, npt.NDArray[Any]]:
    """A table of hashes with open addressing, and the list that each word is on, from 1."""
    keys, classes = np.zeros(1 << _BITS, np.uint64), np.zeros(1 << _BITS, np.uint8)
    for number, words in enumerate((SLURS, OBSCENITIES), start=1):
        data, offsets = buffers(pl.Series(words))
        hashes = _first_words(data, offsets, code_points())
        for key in hashes.tolist():
            slot = (key >> 20) & ((1 << _BITS) - 1)
            while classes[slot]:
                slot = (slot + 1) & ((1 << _BITS) - 1)
            keys[slot], classes[slot] = key, number
    return keys, classes


@kernel
def _first_words(data: Bytes, offsets: Ints, table: CodePoints) -> _Hashes:
    out = np.zeros(len(offsets) - 1, dtype=np.uint64)
    words = np.zeros(64, dtype=np.uint64)
    for row in range(len(out)):
        hash_words(data, offsets[row], offsets[row + 1], table, words)
        out[row] = words[0]
    return out


@kernel
def _listed(data: Bytes, offsets: Ints, table: CodePoints, keys: _Hashes, classes: npt.NDArray[Any]) -> Ints:
    rows = len(offsets) - 1
    longest = 0
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    words = np.empty(longest + 1, dtype=np.uint64)
    out = np.zeros((rows, 2), dtype=np.int64)
    mask = len(keys) - 1
    for row in range(rows):
        count = hash_words(data, offsets[row], offsets[row + 1], table, words)
        for at in range(count):
            slot = int(words[at] >> np.uint64(20)) & mask
            while classes[slot]:
                if keys[slot] == words[at]:
                    out[row, classes[slot] - 1] += 1
                    break
                slot = (slot + 1) & mask
    return out


@of_part(unit="count")
def slurs(part: Part) -> pl.Expr:
    """Words that insult a group, by a list of English ones; quotations and definitions count as well."""
    return part.count("slurs")


@of_part(unit="count")
def obscenities(part: Part) -> pl.Expr:
    """Obscene words, by a list of English ones."""
    return part.count("obscenities")


@of_part(unit="count")
def threats(part: Part) -> pl.Expr:
    """Threats, wishes of death and calls to suicide, in some forms of English (`kill yourself`, `they should die`)."""
    return part.count("threats")
