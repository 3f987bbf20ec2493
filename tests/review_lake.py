"""A small lake with records of all four families, its pass, rows of the review queue, and an annotator by the API."""

from dataclasses import dataclass
from typing import Any

import httpx
import polars as pl
from lakes import Lakes, empty

from pipelines.identity import with_hashes
from pipelines.lake import Lake
from pipelines.quality.rules import Rule
from pipelines.recipe import Recipe, Review
from pipelines.review.queue import SCHEMA
from pipelines.states import Pass, last_pass
from schemas.families import FAMILIES

RULE = Rule(name="short", signal="completion_words", comparison="<", threshold=5, why="It says <nothing>.")
RECIPE = Recipe(sources={"aa": None}, rules=[RULE], review=Review(budget=10))
TRAP = (
    "</script><script>window.ran = 1</script> $$x$$ <img src=x onerror='window.ran = 1'> a < b &amp; c\n\n**not bold**"
)

_TEXT = {"tool_calls": None, "tool_call_id": None, "name": None}


def said(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content, **_TEXT}


def parts(family: str, row: int) -> dict[str, Any]:
    """The parts of the nth record of a family; the first one holds what could harm a page."""
    own = TRAP if row == 0 else f"answer {row} of {family}"
    prompt = {"prompt": [said("user", f"What is {row} in {family}?")]}
    answer = {"completion": [said("assistant", own)]}
    return (
        prompt
        | {
            "instruction": answer,
            "preference": {"chosen": [said("assistant", f"good {own}")], "rejected": [said("assistant", f"bad {own}")]},
            "cot": answer | {"reasoning": f"I think of {own}", "answer": str(row)},
            "grpo": {"answer": str(row), "verifier": "math", "verifier_args": None},
        }[family]
    )


def records(family: str, rows: int) -> pl.DataFrame:
    types = empty(f"records_{family}").schema
    made = [
        {
            "id": f"aa/{family}/{row}",
            "source": "aa",
            "revision": "c0ffee",
            "origin": {"config": "default", "split": "train", "file": "f.jsonl", "row": row},
            "language": "en",
            **parts(family, row),
        }
        for row in range(rows)
    ]
    hashes = ("content_hash", "prompt_hash", "match_hash")
    named = [name for name in types.names() if name not in hashes]
    frame = pl.DataFrame(made, schema={name: types[name] for name in named})
    return with_hashes(frame, FAMILIES[family]).select(types.names())


@dataclass
class ReviewLake:
    lake: Lake
    published: Pass

    def queue(self, family: str, *rows: tuple[int, str], **more: Any) -> pl.DataFrame:
        """Rows of the queue: the number of a record of the family, and the ground."""
        hashes = dict(self.lake.scan(f"records_{family}").select("id", "content_hash").collect().rows())
        made = []
        for priority, (row, ground) in enumerate(rows, 1):
            control = ground.startswith("random")
            made.append(
                {
                    "recipe": "default",
                    "pass": self.published.number,
                    "content_hash": hashes[f"aa/{family}/{row}"],
                    "family": family,
                    "id": f"aa/{family}/{row}",
                    "source": "aa",
                    "ground": ground,
                    "weight": 2.5 if control else None,
                    "priority": priority,
                    "fate": "kept" if ground == "random kept" else "rule",
                    "rules": ["short"],
                    "shown": [] if control else ["rule:short"],
                    **more,
                }
            )
        return pl.DataFrame(made, schema=SCHEMA)


def review_lake(lake: Lake, rows: int = 6) -> ReviewLake:
    lakes = Lakes(lake)
    for family in FAMILIES:
        made = records(family, rows)
        words = {} if family in ("preference", "grpo") else {"completion_words": pl.lit(3)}
        signals = made.select("id", "source", "content_hash", code=pl.lit("test"), **words)
        lake.replace(f"records_{family}", made, partition="aa")
        lake.replace(f"signals_{family}", signals, partition="aa")
    file = {
        "source": "aa",
        "file": "f.jsonl",
        "position": 0,
        "number": 0,
        "split": "train",
        "repo": "org/aa",
        "revision": "c0ffee",
        "etag": "e",
        "reader": "r",
        "rows": rows,
        "yielding": rows,
        "rejected": 0,
        "not_selected": 0,
        "records": dict.fromkeys(FAMILIES, rows),
        "bytes": 1,
    }
    lake.replace("files", pl.DataFrame([file], schema=empty("files").schema), partition="aa")
    state = lakes.state()
    lakes.published(state, "default", RECIPE.hash, pl.DataFrame(schema={"id": pl.String, "fate": pl.String}))
    found = last_pass(lake, "default")
    assert found is not None
    return ReviewLake(lake, found)


@dataclass
class Annotator:
    """Somebody who answers, by the requests that Argilla's page makes."""

    url: str
    api_key: str

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        got = httpx.request(
            method, f"{self.url}{path}", headers={"X-Argilla-Api-Key": self.api_key}, timeout=60, **more
        )
        got.raise_for_status()
        return got.json() if got.content else None

    def answer(self, record: str, status: str = "submitted", **values: Any) -> dict[str, Any]:
        body = {"status": status, "values": {name: {"value": value} for name, value in values.items()}}
        return self._ask("POST", f"/api/v1/records/{record}/responses", json=body)

    def edit(self, response: str, status: str = "submitted", **values: Any) -> dict[str, Any]:
        body = {"status": status, "values": {name: {"value": value} for name, value in values.items()}}
        return self._ask("PUT", f"/api/v1/responses/{response}", json=body)

    def take_back(self, response: str) -> None:
        self._ask("DELETE", f"/api/v1/responses/{response}")
