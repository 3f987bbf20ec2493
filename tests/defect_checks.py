"""Whether a planted defect is really there, told from upstream's rows and from the records that they yield."""

import re
from dataclasses import dataclass, field

import polars as pl
from sample_rows import normalised, records

from pipelines.sample_hub.defects.copies import LOOKALIKE, NEAR
from pipelines.sample_hub.rows import Rows
from pipelines.sample_hub.similarity import jaccard
from pipelines.sources import sources


@dataclass
class Files:
    """Files of rows, normalised once each."""

    rows: dict[tuple[str, str], Rows]
    _records: dict[tuple[str, str, str], pl.DataFrame] = field(default_factory=dict)
    _rejects: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict)

    def record(self, source: str, file: str, row: int, family: str) -> dict:
        key = (source, file, family)
        if key not in self._records:
            self._records[key] = records(self.rows[source, file], family)
        return self._records[key].row(by_predicate=pl.col("row") == row, named=True)

    def reject(self, source: str, file: str, row: int) -> str | None:
        if (source, file) not in self._rejects:
            self._rejects[source, file] = normalised(self.rows[source, file]).rejects.filter("selected")
        found = self._rejects[source, file].filter(pl.col("row") == row)
        return found["reason"][0] if found.height else None


def check(plant: dict, files: Files) -> None:
    """AssertionError where the row does not have the defect that the plant says, or not the one reason to go."""
    source, file, row = plant["source"], plant["file"], plant["row"]
    if plant["outcomes"] == ["reject"]:
        assert files.reject(source, file, row), plant
        return
    assert files.reject(source, file, row) is None, (plant, files.reject(source, file, row))
    families = [plant["family"]] if plant["family"] else _families(plant)
    for family in families:
        record = files.record(source, file, row, family)
        of = files.record(plant["of_source"], plant["of_file"], plant["of_row"], family) if plant["of_source"] else None
        assert _CHECKS[plant["kind"]](record, of), (plant, record, of)


def _families(plant: dict) -> tuple[str, ...]:
    """All that the source yields; of a tree's message, its path."""
    return ("instruction",) if plant["source"] == "oasst1" else sources()[plant["source"]].families


def _said(record: dict, part: str = "completion") -> str:
    """What the answer says: the chosen side of a pair."""
    return record["chosen" if "chosen" in record else part][-1]["content"]


def _asked(record: dict) -> str:
    return record["prompt"][-1]["content"]


def _equal(record: dict, of: dict) -> bool:
    return record["match_hash"] == of["match_hash"] and record["id"] != of["id"]


def _other_numbers(record: dict, of: dict) -> bool:
    own = [(r["answer"], r.get("verifier_args")) for r in (record, of)]
    if "reasoning" in record:
        return own[0] != own[1] and record["reasoning"] != of["reasoning"]
    return own[0] != own[1] and jaccard(record["text"], of["text"]) >= LOOKALIKE


def _contradicted(record: dict, _: dict | None) -> bool:
    return re.findall(r"\d+", record["reasoning"].replace(",", ""))[-1] != record["answer"].lstrip("-")


def _swapped(record: dict, of: dict) -> bool:
    return record["prompt"] == of["prompt"] and (record["chosen"], record["rejected"]) == (of["rejected"], of["chosen"])


def _loops(text: str) -> bool:
    return text.count(text[-40:]) >= 8


_CHECKS = {
    "exact duplicate": lambda record, of: _equal(record, of) and record["content_hash"] == of["content_hash"],
    "exact duplicate across sources": lambda record, of: _equal(record, of) and record["source"] != of["source"],
    "duplicate but for case and space": lambda record, of: _equal(record, of) and record["text"] != of["text"],
    "near-duplicate": lambda record, of: NEAR[0] <= jaccard(record["text"], of["text"]) <= NEAR[1],
    "near-duplicate across sources": lambda record, of: (
        NEAR[0] <= jaccard(record["text"], of["text"]) <= NEAR[1] and record["source"] != of["source"]
    ),
    "a pair and its swap": _swapped,
    "near-equal problem, other numbers": _other_numbers,
    "empty answer": lambda record, _: not _said(record).strip(),
    "placeholder answer": lambda record, _: (
        len(_said(record)) < 25 and not re.search(r"\w+ \w+ \w+ \w+", _said(record))
    ),
    "placeholder input": lambda record, _: bool(re.search(r"(?i)\n\n<?(n/a|no ?input|none)>?\.?$", _asked(record))),
    "answer echoes the prompt": lambda record, _: _said(record).strip() == _asked(record).strip(),
    "looping answer": lambda record, _: _loops(_said(record)),
    "looping reasoning": lambda record, _: _loops(record["reasoning"]),
    "mojibake answer": lambda record, _: (
        len(re.findall("[ÂÃâåäçéèæ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]", _said(record))) >= 3
    ),
    "asks for a missing image": lambda record, _: bool(re.search("picture|image|photo|screenshot", _asked(record))),
    "unbalanced reasoning tags": lambda record, _: record["reasoning"] is None and "<|" in _said(record),
    "truncated reasoning": lambda record, _: record["reasoning"] is None and "end_of" not in _said(record),
    "empty reasoning": lambda record, _: record["reasoning"] == "",
    "wrong gold answer": _contradicted,
    "empty turn": lambda record, _: any(not turn["content"] for turn in record["prompt"]),
    "identical pair": lambda record, _: record["chosen"] == record["rejected"],
}
