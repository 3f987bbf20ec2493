"""Under which licences the kept records of a pass stand: by family and side, and which sources bring the strictest."""

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from pipelines.licences import described, forbidding, strictest, terms
from pipelines.sources import sources
from pipelines.states import Pass
from schemas.families import FAMILIES

_BY: Final = ("family", "side", "license", "source", "revision")


def kept_licences(published: Pass) -> pl.DataFrame:
    """Kept records by `family`, `side`, `license`, `source` and `revision`: their number as `records`."""
    kept = published.ledger().filter(pl.col("fate") == "kept").select("id", "family", "side")
    counted = [
        published.state.scan(f"records_{name}")
        .select("id", "license", "source", "revision")
        .join(kept.filter(pl.col("family") == name), on="id", how="inner")
        .group_by(_BY)
        .agg(records=pl.len().cast(pl.Int64))
        for name in FAMILIES
    ]
    order = pl.col("family").replace_strict({name: number for number, name in enumerate(FAMILIES)})
    return pl.concat(counted).sort(order, "side", "license", "source", "revision").collect()


def most_restrictive(held: pl.DataFrame, *by: str) -> list[dict[str, Any]]:
    """For each group of `kept_licences` (all of it, where `by` is empty) the licence that permits least.

    Dictionaries of the columns `by`, and `license` (None: one states none), `described` in words, `asks` (what it
    asks for), `sources` that bring it, `records` under it, `of` all of the group. Nothing for no records.
    """
    groups = held.partition_by(by, as_dict=True, maintain_order=True) if by else {(): held}
    return [_most(group, dict(zip(by, key, strict=True))) for key, group in groups.items() if group.height]


def _most(group: pl.DataFrame, key: dict[str, Any]) -> dict[str, Any]:
    licence = strictest(group["license"].unique())
    under = group.filter(pl.col("license").eq_missing(pl.lit(licence, dtype=pl.String)))
    return key | {
        "license": licence,
        "described": described(licence),
        "asks": list(terms(licence).words),
        "sources": under["source"].unique().sort().to_list(),
        "records": int(under["records"].sum()),
        "of": int(group["records"].sum()),
    }


def binding_models(names: Sequence[str]) -> dict[str, list[str]]:
    """Of sources of the catalogue, the models whose makers' terms bind who trains on them; others are left out."""
    known = sources()
    models = {
        name: [*(known[name].made_with or ()), *(model for read in known[name].reads for model in read.made_with)]
        for name in names
        if name in known
    }
    bound = {name: list(forbidding(dict.fromkeys(made))) for name, made in models.items()}
    return {name: made for name, made in bound.items() if made}


def statement(published: Pass) -> dict[str, Any]:
    """What is written beside an export: the strictest licence of all of it and of each file, and every source's."""
    held = kept_licences(published)
    by_source = held.group_by("source", "license", "revision", maintain_order=True).agg(pl.col("records").sum())
    models = binding_models(held["source"].unique().sort().to_list())
    return {
        "recipe": published.recipe,
        "pass": published.number,
        "most_restrictive": next(iter(most_restrictive(held)), None),
        "files": most_restrictive(held, "family", "side"),
        "sources": [
            row | {"asks": list(terms(row["license"]).words), "made_with_terms": models.get(row["source"], [])}
            for row in by_source.sort("source", "revision").to_dicts()
        ],
    }
