"""What licences permit, and which models' terms bind those who train on what they wrote.

Ids are the Hub's tags, which are SPDX's in lower case as far as SPDX has them. What is not in the table permits nothing
that is known: it is never counted as permissive.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Terms:
    """What a licence asks for. `known`: whether all of it is in the table; the other flags are of what is.

    `attribution`: the makers have to be named. `share_alike`: what is made of it has to have the same licence.
    `conditions`: it may be used for some purposes, or by some, only (the licences of models). `non_commercial`: not in
    trade. `no_derivatives`: it may not be passed on changed.
    """

    known: bool = True
    attribution: bool = False
    share_alike: bool = False
    conditions: bool = False
    non_commercial: bool = False
    no_derivatives: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """What it asks for, the strictest first; nothing where it is in the public domain."""
        return tuple(word for flag, word in _WORDS.items() if self._has(flag))

    @property
    def strictness(self) -> int:
        """The higher, the less it permits; what is unknown permits least."""
        return sum(1 << place for place, flag in enumerate(reversed(_WORDS)) if self._has(flag))

    def _has(self, flag: str) -> bool:
        return not self.known if flag == "unknown" else bool(getattr(self, flag))

    def with_(self, other: "Terms") -> "Terms":
        """The terms of what stands under both."""
        return Terms(self.known and other.known, *(getattr(self, f) or getattr(other, f) for f in _FLAGS))


_WORDS: Final = {
    "unknown": "unknown",
    "no_derivatives": "no derivatives",
    "non_commercial": "non-commercial",
    "conditions": "conditions of use",
    "share_alike": "share-alike",
    "attribution": "attribution",
}
"""Flags in words, the strictest first."""

_FLAGS: Final = ("attribution", "share_alike", "conditions", "non_commercial", "no_derivatives")

UNKNOWN: Final = Terms(known=False)
"""Of `other`, `unknown`, no licence at all, and every id that is not in the table."""

_FREE: Final = "cc0-1.0 unlicense pddl wtfpl 0bsd mit-0 public-domain"
_ATTRIBUTED: Final = """
    mit apache-2.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear isc zlib ncsa postgresql ecl-2.0 afl-3.0
    artistic-2.0 bsl-1.0 ms-pl
    odc-by cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cdla-permissive-1.0 cdla-permissive-2.0 etalab-2.0
"""
_SHARED: Final = """
    cc-by-sa-2.0 cc-by-sa-2.5 cc-by-sa-3.0 cc-by-sa-4.0 odbl odbl-1.0 cdla-sharing-1.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl
    lgpl-2.1 lgpl-3.0 lgpl-lr agpl-3.0 mpl-2.0 epl-1.0 epl-2.0 eupl-1.1 eupl-1.2 osl-3.0
"""
_CONDITIONAL: Final = """
    llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 gemma openrail openrail++ creativeml-openrail-m
    bigscience-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
"""
_NOT_COMMERCIAL: Final = "cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 fair-noncommercial-research-license apple-amlr"
_NOT_COMMERCIAL_SHARED: Final = "cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0"
_NOT_CHANGED: Final = "cc-by-nd-2.0 cc-by-nd-3.0 cc-by-nd-4.0"
_NOT_COMMERCIAL_NOT_CHANGED: Final = "cc-by-nc-nd-3.0 cc-by-nc-nd-4.0"

_TABLE: Final[Mapping[str, Terms]] = {
    id_: terms
    for ids, terms in (
        (_FREE, Terms()),
        (_ATTRIBUTED, Terms(attribution=True)),
        (_SHARED, Terms(attribution=True, share_alike=True)),
        (_CONDITIONAL, Terms(attribution=True, conditions=True)),
        (_NOT_COMMERCIAL, Terms(attribution=True, non_commercial=True)),
        (_NOT_COMMERCIAL_SHARED, Terms(attribution=True, share_alike=True, non_commercial=True)),
        (_NOT_CHANGED, Terms(attribution=True, no_derivatives=True)),
        (_NOT_COMMERCIAL_NOT_CHANGED, Terms(attribution=True, non_commercial=True, no_derivatives=True)),
    )
    for id_ in ids.split()
}

_SUFFIX: Final = re.compile(r"-(only|or-later)$|\+$")


@functools.cache
def terms(stated: str | None) -> Terms:
    """The terms of what a repository states: an id, or several with AND (all hold) or OR (the mildest may be chosen).

    AND binds more closely, as in SPDX's expressions; one in parentheses, or WITH an exception, is not known.
    """
    if stated is None or not stated.strip() or "(" in stated:
        return UNKNOWN
    choices = []
    for choice in re.split(r"\s+or\s+", stated.strip(), flags=re.IGNORECASE):
        of_all = Terms()
        for id_ in re.split(r"\s+and\s+", choice, flags=re.IGNORECASE):
            of_all = of_all.with_(_TABLE.get(_SUFFIX.sub("", id_.strip().lower()), UNKNOWN))
        choices.append(of_all)
    return min(choices, key=lambda one: one.strictness)


def described(stated: str | None) -> str:
    """A licence and what it asks for, in words: `cc-by-nc-4.0 (non-commercial, attribution)`."""
    words = terms(stated).words
    name = stated or "none stated"
    return f"{name} ({', '.join(words)})" if words and stated else name


def strictest(licences: Iterable[str | None]) -> str | None:
    """The licence that permits least, none stated among them; of equally strict ones the first by name."""
    return min(licences, key=lambda one: (-terms(one).strictness, one is not None, one or ""))


_MAKERS: Final = {
    "text-davinci": "OpenAI",
    "davinci": "OpenAI",
    "gpt-3": "OpenAI",
    "gpt-4": "OpenAI",
    "gpt-5": "OpenAI",
    "chatgpt": "OpenAI",
    "o1": "OpenAI",
    "o3": "OpenAI",
    "o4": "OpenAI",
    "claude": "Anthropic",
    "gemini": "Google",
}
"""How the names of models begin whose makers' terms forbid to train competing models on their output."""


def forbidding(models: Iterable[str]) -> tuple[str, ...]:
    """Those of the models whose makers' terms forbid it, each with its maker: `gpt-4 (OpenAI)`."""
    found = []
    for model in models:
        maker = next((maker for begin, maker in _MAKERS.items() if model.lower().startswith(begin)), None)
        if maker:
            found.append(f"{model} ({maker})")
    return tuple(found)
