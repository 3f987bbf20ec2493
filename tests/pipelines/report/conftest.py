"""A small lake whose ledger holds every fate of the closed list, written table by table."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
import pytest

from pipelines.lake import Lake
from pipelines.report.summary import RunOutcome, SourceStatus, Summary, summarise
from pipelines.states import Pass, note_built, open_state, publish
from pipelines.workspace import Workspace, workspace
from schemas.families import FAMILIES
from schemas.tables import TABLES
from schemas.vocabulary import FATES

HOSTILE = '<script>alert("x")</script> & <img src=http://evil.example/x.png> \x00\u202e'
LONG = "A long answer. " * 500
REASONS = {
    "rule": ("empty answer", 0.0, 1.0),
    "licence": ("cc-by-nc-4.0", None, None),
    "not in recipe": ("row limit", 900.0, 10.0),
    "contaminated": ("gsm8k/main/test", None, None),
}


@dataclass(frozen=True)
class Corpus:
    """A published pass, and what was written to make it."""

    place: Workspace
    lake: Lake
    published: Pass
    ledger: list[dict[str, object]]
    rejects: list[dict[str, object]]
    rows: dict[str, int]
    """Upstream rows by source."""

    def count(self, *names: str) -> Counter[tuple[object, ...]]:
        """Records by columns of the ledger, counted one by one."""
        return Counter(tuple(record[name] for name in names) for record in self.ledger)

    def summary(self, **changes: object) -> Summary:
        words = {
            "alpaca": SourceStatus("OK", "unchanged"),
            "gsm8k": SourceStatus("STALE", "gsm8k: no answer from the Hub"),
        }
        absent = {"sky_t1": SourceStatus("OK"), "dolly": SourceStatus("ABSENT", "this Hub does not have it")}
        said = {
            "statuses": words | absent,
            "recipes": ("default",),
            "comparisons": (),
            "failures": ("gsm8k: no answer from the Hub",),
            "seconds": 75.0,
        }
        return summarise(self.place, self.lake, RunOutcome(**(said | changes)))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAMIS_HOME", str(tmp_path_factory.mktemp("home")))
        yield _written(workspace("sample"))


def _written(place: Workspace) -> Corpus:
    lake = Lake(place.lake)
    records = _records()
    rejects = [
        _reject("alpaca", 30, None, True, "broken line", '{"a": ' + HOSTILE),
        _reject("alpaca", 31, None, True, "broken line", "{"),
        _reject("alpaca", 32, None, False, "part of a longer path", "x"),
        _reject("gsm8k", 4, "grpo", True, "no verifier", "y"),
    ]
    ledger = _ledger(records)
    for family in FAMILIES:
        mine = [r for r in records if r["id"].split("/")[1] == family]
        for source in {r["source"] for r in mine}:
            of_source = pl.DataFrame([r for r in mine if r["source"] == source], schema=_schema(f"records_{family}"))
            lake.replace(f"records_{family}", of_source, partition=source)
            signals = _signals(family, of_source)
            if signals is not None:
                lake.replace(f"signals_{family}", signals, partition=source)
    rows = {"alpaca": 33, "gsm8k": 5, "hh_rlhf": 4, "sky_t1": 3}
    for source in rows:
        mine = [r for r in rejects if r["source"] == source]
        if mine:
            lake.replace("rejects", pl.DataFrame(mine, schema=_schema("rejects")), partition=source)
        lake.replace("files", _files(source, rows[source], records, mine), partition=source)
    state = note_built(open_state(place, lake, "test"), {}, ready=True)
    made = pl.DataFrame(ledger, schema=_schema("ledger"))
    version = lake.replace("ledger", made, partition="default")
    published = publish(state, "default", "0" * 16, {**state.versions, "ledger": version}, _no_moves())
    return Corpus(place, lake, published, ledger, rejects, rows)


def _no_moves() -> pl.DataFrame:
    return pl.DataFrame(schema=_schema("fates")).drop("pass")


def _schema(table: str) -> pl.Schema:
    return pl.DataFrame(pl.from_arrow(TABLES[table].schema.empty_table())).schema


def _message(role: str, content: str) -> dict[str, object]:
    return {"role": role, "content": content, "tool_calls": None, "tool_call_id": None, "name": None}


def _record(source: str, family: str, row: int, question: str, **own: object) -> dict[str, object]:
    id_ = f"{source}/{family}/default.train.0.{row}"
    digest = hashlib.blake2b(id_.encode(), digest_size=16).digest()
    shared = dict.fromkeys(_schema(f"records_{family}"))
    return shared | {
        "id": id_,
        "source": source,
        "revision": "a" * 40,
        "origin": {"config": "default", "split": "train", "file": f"data/{source}.parquet", "row": row},
        "content_hash": digest,
        "prompt_hash": digest,
        "match_hash": digest,
        "prompt": [_message("user", question)],
        **own,
    }


def _records() -> list[dict[str, object]]:
    said = lambda text: [_message("assistant", text)]  # noqa: E731
    alpaca = [_record("alpaca", "instruction", n, f"Question {n}?", completion=said(f"Answer {n}.")) for n in range(30)]
    alpaca[FATES.index("rule")]["prompt"] = [_message("user", HOSTILE)]
    alpaca[FATES.index("verdict")]["completion"] = said(LONG)
    hh = [_record("hh_rlhf", "preference", n, f"Help {n}", chosen=said("Gladly."), rejected=said("")) for n in range(4)]
    sky = [
        _record("sky_t1", "cot", n, f"Prove {n}", reasoning="Step by step.", completion=said("QED"), answer=str(n))
        for n in range(3)
    ]
    gsm = [
        _record("gsm8k", "cot", n, f"Add {n} and 1", reasoning=None, completion=said(str(n + 1)), answer=str(n + 1))
        for n in range(5)
    ]
    tasks = [_record("gsm8k", "grpo", n, f"Add {n} and 1", answer=str(n + 1), verifier="math") for n in range(4)]
    return [*alpaca, *hh, *sky, *gsm, *tasks]


def _ledger(records: list[dict[str, object]]) -> list[dict[str, object]]:
    """The first rows of alpaca get one fate each, twice; of hh_rlhf the last is a near-duplicate; all else is kept."""
    ledger = []
    for record in records:
        source, family, key = str(record["id"]).split("/")
        row = int(key.split(".")[-1])
        fate = FATES[row % len(FATES)] if source == "alpaca" and row < 2 * len(FATES) else "kept"
        if source == "hh_rlhf" and row == 3:
            fate = "near-duplicate"
        reason, value, threshold = REASONS.get(fate, (None, None, None))
        survivor = {"exact duplicate": 1.0, "near-duplicate": 0.8125}.get(fate)
        kept = f"{source}/{family}/default.train.0.{29 if source == 'alpaca' else 0}"
        ledger.append(
            {
                "recipe": "default",
                "id": record["id"],
                "source": source,
                "family": family,
                "content_hash": record["content_hash"],
                "side": None if fate == "split bridge" else ("train", "validation", "test")[row % 3],
                "pinned": False,
                "fate": fate,
                "reason": reason,
                "value": value,
                "threshold": threshold,
                "survivor": kept if survivor else None,
                "similarity": survivor,
                "marks": ["refusal"] if row == 25 else [],
            }
        )
    return ledger


def _signals(family: str, records: pl.DataFrame) -> pl.DataFrame | None:
    """Of cot only one part has a length, and grpo has no signal table at all: the report shows what is there."""
    base = records.select("id", "source", "content_hash", code=pl.lit("test"))
    numbers = pl.int_range(base.height, dtype=pl.Int64)
    if family == "grpo":
        return None
    if family == "cot":
        return base.with_columns(reasoning_chars=numbers + 10)
    return base.with_columns(prompt_words=numbers + 1, completion_words=numbers * 3, prompt_share=numbers / base.height)


def _reject(source: str, row: int, family: str | None, selected: bool, reason: str, excerpt: str) -> dict[str, object]:
    return {
        "source": source,
        "file": f"data/{source}.parquet",
        "row": row,
        "family": family,
        "selected": selected,
        "reason": reason,
        "excerpt": excerpt,
    }


def _files(source: str, rows: int, records: list[dict[str, object]], rejects: list[dict[str, object]]) -> pl.DataFrame:
    mine = [r for r in records if r["source"] == source]
    whole = [r for r in rejects if r["family"] is None]
    by_family = Counter(str(r["id"]).split("/")[1] for r in mine)
    row = {
        "source": source,
        "file": f"data/{source}.parquet",
        "position": 0,
        "number": 0,
        "config": "default",
        "split": "train",
        "repo": f"org/{source}",
        "revision": "a" * 40,
        "etag": "e",
        "reader": "r",
        "limit": None,
        "rows": rows,
        "yielding": len({str(r["id"]).split(".")[-1] for r in mine}),
        "rejected": sum(bool(r["selected"]) for r in whole),
        "not_selected": sum(not r["selected"] for r in whole),
        "records": {family: by_family[family] for family in FAMILIES},
        "bytes": 1000,
        "license": "mit",
    }
    return pl.DataFrame([row], schema=_schema("files"))
