"""Answers from Argilla into the table `verdicts`: each, who gave it, when, and whether it is a draft."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import polars as pl

from pipelines.lake import Lake
from pipelines.review import client as api
from pipelines.review.asked import SENT
from pipelines.review.client import Found
from pipelines.review.fields import left_is_chosen
from pipelines.review.verdicts import SCHEMA, append, latest

if TYPE_CHECKING:
    import argilla as rg

WITHDRAWN: Final = "withdrawn"
"""Status of an answer that its author deleted; the answers of a user or dataset that was deleted stay as they were."""


@dataclass(frozen=True)
class Pulled:
    """`new`: rows added to `verdicts`; `responses`: answers that Argilla has; `foreign`: those of records that are not
    ours, which are left alone; `by_dataset`: name -> answers there."""

    new: int
    responses: int
    foreign: int
    by_dataset: Mapping[str, int]


def pull(client: "rg.Argilla", workspace: str, lake: Lake) -> Pulled:
    """Add every answer in our datasets that is not there yet. Doing it again adds nothing."""
    names = api.users(client)
    held = {found: api.records(client, found.id) for found in api.datasets(client, workspace) if found.ready}
    return keep_answers(lake, held, names)


def keep_answers(lake: Lake, held: Mapping[Found, pl.DataFrame], users: Mapping[str, str]) -> Pulled:
    """The answers of records that were read from datasets (in the schema `client.RECORDS`) into the lake."""
    told = [verdicts_of(found, records, users) for found, records in held.items()]
    known = pl.concat([pl.DataFrame(schema=SCHEMA), *told])
    gone = [_taken_back(lake, found, records, users) for found, records in held.items()]
    responses = sum(int(records["responses"].list.len().sum() or 0) for records in held.values())
    new = append(lake, pl.concat([known, *gone])) if known.height or any(frame.height for frame in gone) else 0
    return Pulled(
        new=new,
        responses=responses,
        foreign=responses - known.height,
        by_dataset={found.name: frame.height for found, frame in zip(held, told, strict=True)},
    )


def verdicts_of(found: Found, records: pl.DataFrame, users: Mapping[str, str]) -> pl.DataFrame:
    """The answers to a dataset's records as rows of `verdicts`. `users`: name of each user by its id.

    An answer to a record that nobody here sent is left out.
    """
    sent = pl.col("metadata").struct.field("sent").str.decode("base64", strict=False).cast(pl.String)
    given = (
        records.with_columns(sent=sent.str.json_decode(SENT))
        .filter(pl.col("sent").is_not_null() & pl.col("external_id").str.contains(r"^[0-9a-f]{32}$"))
        .drop("id", "status", "metadata", "suggestions")
        .explode("responses")
        .filter(pl.col("responses").is_not_null())
        .unnest("responses")
        .unnest("values", "sent")
    )
    value = {name: pl.col(name).struct.field("value") for name in ("decision", "rating", "reasons", "correction")}
    written = value["correction"].str.strip_chars()
    told = given.with_columns(content_hash=pl.col("external_id").str.decode("hex")).select(
        "content_hash",
        "status",
        "ground",
        "weight",
        "fate",
        "rules",
        "shown",
        response="id",
        at=pl.col("updated_at").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_zone="UTC", time_unit="us"),
        user=pl.col("user_id").replace_strict(dict(users), default=pl.col("user_id"), return_dtype=pl.String),
        family=pl.lit(found.family),
        recipe=pl.lit(found.recipe),
        form=pl.lit(found.form),
        decision=value["decision"],
        reasons=value["reasons"].fill_null([]),
        rating=value["rating"],
        preferred=_preferred(pl.col("preferred").struct.field("value")),
        correction=pl.when(written != "").then(value["correction"]),
        seconds=pl.lit(None, dtype=pl.Float64),
    )
    return told.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def _preferred(side: pl.Expr) -> pl.Expr:
    """The side that was meant by left or right."""
    named = pl.when((side == "left") == left_is_chosen()).then(pl.lit("chosen")).otherwise(pl.lit("rejected"))
    return pl.when(side.is_in(["left", "right"])).then(named).otherwise(side)


def _taken_back(lake: Lake, found: Found, records: pl.DataFrame, users: Mapping[str, str]) -> pl.DataFrame:
    """Rows for answers that we have and that their record, which is still there, has no more.

    A user who is gone took all answers along; those count as they were given.
    """
    here = records.select(content_hash=pl.col("external_id").str.decode("hex", strict=False))
    there = records.select(response=pl.col("responses").list.eval(pl.element().struct.field("id"))).explode("response")
    ours = (pl.col("recipe") == found.recipe) & (pl.col("family") == found.family) & (pl.col("form") == found.form)
    last = latest(lake.scan("verdicts").filter(ours).collect())
    return (
        last.filter((pl.col("status") != WITHDRAWN) & pl.col("user").is_in(list(users.values())))
        .join(here, on="content_hash", how="semi")
        .join(there, on="response", how="anti")
        .with_columns(status=pl.lit(WITHDRAWN), at=pl.lit(datetime.now(UTC)).dt.cast_time_unit("us"))
        .select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
    )
