"""What is sent to Argilla for each row of the review queue: a record of its API, as JSON.

What an annotator gives back says nothing of why it was asked; that travels with the record, in its metadata, in base64
so that whoever opens the record's details does not learn that it is a control. Argilla shows metadata that a dataset
does not declare to no annotator.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl
import polars_hash as plh

from pipelines.errors import TamisError
from pipelines.parts import compared
from pipelines.quality import signal
from pipelines.quality.redaction import redacted_columns
from pipelines.recipe import Recipe
from pipelines.review import kinds
from pipelines.review.fields import fields_of, whole
from pipelines.review.forms import FORMS, TERMS, VECTOR, VECTOR_SIZE
from pipelines.review.vectors import hashed_words
from pipelines.review.why import why
from pipelines.states import Pass
from schemas.families import Family

AGENT: Final = "rules of the recipe"
"""Whose the suggestions are, as Argilla shows it."""

SENT: Final = pl.Struct(
    {
        "pass": pl.Int64,
        "ground": pl.String,
        "weight": pl.Float64,
        "fate": pl.String,
        "rules": pl.List(pl.String),
        "shown": pl.List(pl.String),
    }
)
"""What a verdict needs to know of the sending, in the metadata `sent`."""

_DROPPED: Final = ("rule", "contaminated", "near-duplicate", "exact duplicate")


def asked(
    rows: pl.DataFrame, recipe: Recipe, family: Family, signals: Sequence[str], questions: Mapping[str, str]
) -> pl.DataFrame:
    """One row for each record that is asked about, in the order of their priority.

    `rows`: of `shown_records`; `signals`: those among their metadata; `questions`: Argilla's id of each question by its
    name. Columns `external_id` (content hash in hex), `json` (the record as the bulk endpoint takes it), `suggests`
    (how many suggestions it has) and `pushed` (a hash of the rest, which the record carries in its metadata: where it
    is the same, nothing needs to be sent).
    """
    if rows.is_empty():
        return pl.DataFrame(
            schema={"external_id": pl.String, "json": pl.String, "suggests": pl.Int64, "pushed": pl.String}
        )
    form = FORMS[family.name]
    values = fields_of(family)
    fields = pl.struct(*(values[f.name].alias(f.name) for f in form.fields if f.name in values), "why", "other_text")
    told = rows.with_columns(vector=hashed_words(rows.select(compared(family)).to_series(), VECTOR_SIZE))
    body = told.with_columns(
        external_id=pl.col("content_hash").bin.encode("hex"),
        fields=fields.struct.rename_fields([*(f.name for f in form.fields if f.name in values), "why", "other"]),
        suggestions=_suggestions(recipe, form.labels("reasons"), questions),
        vectors=pl.struct(pl.col("vector").alias(VECTOR)),
        sent=pl.struct(*SENT.to_schema()).struct.json_encode().str.encode("base64"),
    )
    said = body.with_columns(metadata=_metadata(signals))
    pushed = plh.concat_str(
        pl.struct("fields", "metadata", "vectors", "sent").struct.json_encode(), pl.col("suggestions").list.join(",")
    ).chash.blake3()
    hashed = said.with_columns(pushed=pushed.str.head(16))
    metadata = pl.col("metadata").struct.with_fields(sent=pl.col("sent"), pushed=pl.col("pushed"))
    record = pl.struct("external_id", "fields", "vectors", metadata=metadata).struct.json_encode()
    return hashed.sort("priority", "external_id").select(
        "external_id",
        "pushed",
        suggests=pl.col("suggestions").list.len().cast(pl.Int64),
        json=pl.format('{},"suggestions":[{}]}}', record.str.strip_suffix("}"), pl.col("suggestions").list.join(",")),
    )


def varying_signals(rows: pl.DataFrame, recipe: Recipe, family: Family) -> list[str]:
    """The signals that the recipe's rules read and in which records of `shown_records` differ: what can be filtered by.

    Each costs a request when a dataset is made, and most are 0 for all.
    """
    read = {column for rule in recipe.rules for column in rule.columns(family)}
    known = [column for column in signal.columns(family) if column in read and column in rows.columns]
    values = rows.select(pl.col(known).drop_nulls().n_unique()) if known and rows.height else pl.DataFrame()
    return [name for name in values.columns if values[name][0] > 1]


def shown_records(published: Pass, recipe: Recipe, family: Family, queue: pl.DataFrame) -> pl.DataFrame:
    """The family's rows of the queue with their records' columns, signals, side, `why` and `other_text`.

    Personal data and secrets are redacted as the recipe says. TamisError where the pass has not the record that the
    queue names.
    """
    mine = queue.filter(pl.col("family") == family.name)
    state = published.state
    texts = state.scan(f"records_{family.name}")
    clean = redacted_columns(family, recipe.redact)
    records, others = (_named(texts, ids).with_columns(clean) for ids in (mine["id"], mine["other"].drop_nulls()))
    lost = mine.join(records, on="id", how="anti")
    if lost.height:
        raise TamisError(
            f"pass {published.number} has no record {lost['id'][0]}",
            where=f"review queue of {published.recipe}",
            cure="Materialise `review_queue` of the recipe again.",
        )
    signals = _named(state.signals(family.name), mine["id"]).drop("source", "content_hash", "code")
    sides = published.ledger().filter(pl.col("id").is_in(mine["id"].implode())).select("id", "side").collect()
    against = (
        mine.select("other", "similarity", asked=pl.col("content_hash"))
        .join(others.rename({"id": "other"}), on="other", how="inner")
        .select(content_hash="asked", other_text=whole(family))
    )
    return (
        mine.join(records.drop("source", "content_hash"), on="id", how="left", maintain_order="left")
        .join(signals, on="id", how="left", maintain_order="left")
        .join(sides, on="id", how="left", maintain_order="left")
        .join(against, on="content_hash", how="left", maintain_order="left")
        .join(why(state, recipe, family, mine), on="content_hash", how="left", maintain_order="left")
    )


def _named(table: pl.LazyFrame, ids: pl.Series) -> pl.DataFrame:
    """Rows of a table by id, each id once."""
    sources = ids.str.split("/").list.first().unique()
    wanted = table.filter(pl.col("source").is_in(sources.implode()) & pl.col("id").is_in(ids.unique().implode()))
    return wanted.collect()


def _metadata(signals: Sequence[str]) -> pl.Expr:
    """What records are filtered by; of a control neither ground, nor fate, nor rules."""
    control = pl.col("ground").str.starts_with("random")
    hidden = {name: pl.when(~control).then(pl.col(name)) for name in ("ground", "fate")}
    terms = {name: hidden.get(name, pl.col(name)) for name in TERMS}
    rules = pl.when(~control & (pl.col("rules").list.len() > 0)).then("rules")
    said = {
        **terms,
        "priority": pl.col("priority"),
        "rules": rules,
        **{name: _finite(pl.col(name)) for name in signals},
    }
    return pl.struct([value.alias(name) for name, value in said.items()])


def _finite(value: pl.Expr) -> pl.Expr:
    number = value.cast(pl.Float64)
    return pl.when(number.is_finite()).then(number)


def _suggestions(recipe: Recipe, labels: Sequence[str], questions: Mapping[str, str]) -> pl.Expr:
    """What the rules would answer, as JSON objects: the kinds of the hits that are shown, and to drop what they drop.

    A control shows no hit, so it has none.
    """
    reasons = kinds.kinds_shown("shown", recipe.rules, labels)
    shown = pl.col("shown").list.len() > 0

    def suggestion(question: str, value: pl.Expr) -> pl.Expr:
        said = pl.struct(
            question_id=pl.lit(questions[question]), value=value, agent=pl.lit(AGENT), type=pl.lit("model")
        )
        return said.struct.json_encode()

    drops = shown & pl.col("fate").is_in(_DROPPED)
    both = pl.concat_list(
        pl.when(drops).then(suggestion("decision", pl.lit("drop"))),
        pl.when(shown).then(suggestion("reasons", reasons)),
    )
    return both.list.drop_nulls()
