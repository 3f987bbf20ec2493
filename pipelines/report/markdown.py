"""Small Markdown for the metadata in Dagster's page.

Text of records stands in blocks of code, cut short: in tables it makes rows as high as the page.
"""

import re
from collections.abc import Sequence
from typing import Final

import polars as pl

from pipelines.lake import Lake
from pipelines.quality.redaction import Kind, redacted
from pipelines.report import samples
from pipelines.report.figures import short
from pipelines.report.pictures import data_uri, funnel
from pipelines.report.review import advice, agreements, conflicts, gains, rule_rows
from pipelines.report.samples import Message, Sample
from pipelines.report.summary import Stage
from pipelines.review.measure import Measures
from pipelines.states import Pass

_TEXT: Final = 300
"""Characters of a message that are shown."""

_ROWS: Final = 2
_REASONS: Final = 12
_PART: Final = r"^part of \S+\.\d+$"
"""The reason of a row that is a part of another one's record (`normalise`): it names that one."""

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def rejects_markdown(lake: Lake, source: str, kinds: Sequence[Kind]) -> str:
    """Rows of a source that yield nothing, and families that a row fails, by reason, with an example of each.

    What `kinds` name is redacted.
    """
    rows = (
        lake.scan("rejects")
        .filter(pl.col("source") == source)
        .sort("file", "row")
        .with_columns(reason=pl.col("reason").str.replace(_PART, "part of another row's record"))
        .group_by("selected", "family", "reason", maintain_order=True)
        .agg(pl.len().alias("rows"), pl.col("file", "row", "excerpt").first())
        .sort("selected", "rows", descending=True, maintain_order=True)
        .with_columns(redacted(pl.col("excerpt"), kinds))
        .collect()
    )
    if rows.is_empty():
        return "Every row yields a record."
    return _table(
        ("what", "reason", "rows", "such as"),
        [
            (
                ("rejected" if row["selected"] else "left out") + (f" as {row['family']}" if row["family"] else ""),
                _plain(row["reason"]),
                f"{row['rows']:,}",
                _plain(f"{row['file']}:{row['row']} {row['excerpt'][:80]}"),
            )
            for row in rows.to_dicts()
        ],
    )


def rows_markdown(lake: Lake, source: str, families: Sequence[str], kinds: Sequence[Kind]) -> str:
    """Two records of each family that the source yields, as the lake holds them now, with `kinds` redacted."""
    parts = []
    for family in families:
        ids = (
            lake.scan(f"records_{family}")
            .filter(pl.col("source") == source)
            .select("id", "content_hash")
            .sort("content_hash", "id")
            .head(_ROWS)
            .collect()["id"]
        )
        texts = samples.messages_of(lake, ids, kinds)
        parts += [f"**{_plain(id_)}**\n\n{_messages(texts[id_][0])}" for id_ in ids if id_ in texts]
    return "\n\n".join(parts) or "There are no records."


def signals_markdown(lake: Lake, source: str, families: Sequence[str]) -> str:
    """Each signal of a source's records: how many have it, its median, 95th percentile and largest value."""
    parts = []
    for family in families:
        table = lake.scan(f"signals_{family}").filter(pl.col("source") == source)
        names = [name for name, dtype in table.collect_schema().items() if dtype.is_numeric() or dtype == pl.Boolean]
        if not names:
            continue
        values = pl.col(names).cast(pl.Float64).fill_nan(None)
        measured = [values.count(), values.median(), values.quantile(0.95), values.max()]
        found = pl.concat([table.select(measure.cast(pl.Float64)) for measure in measured]).collect()
        rows = []
        for name in names:
            count, *rest = found[name]
            rows.append((_plain(name), f"{count:,.0f}", *(short(value) for value in rest)))
        parts.append(f"**{family}**\n\n" + _table(("signal", "records", "median", "95th percentile", "largest"), rows))
    return "\n\n".join(parts) or "There are no signals."


def outcomes_markdown(counts: pl.DataFrame) -> str:
    """Records by family, outcome of verification and what decided, of `verification.outcome_counts`."""
    if counts.is_empty():
        return "No record has an answer to check."
    return _table(
        ("family", "outcome", "decided by", "records"),
        [(family, outcome, by or "nothing", f"{records:,}") for family, outcome, by, records in counts.iter_rows()],
    )


def funnel_markdown(counts: pl.DataFrame) -> str:
    """Records by fate and reason with their share, of `ledger.funnel`'s counts."""
    total = int(counts["records"].sum())
    rows = (
        counts.group_by("fate", "reason").agg(pl.col("records").sum()).sort("records", "fate", descending=[True, False])
    )
    return _table(
        ("fate", "reason", "records", "share"),
        [
            (fate, _plain(reason or ""), f"{records:,}", f"{100 * records / total:.2f} %")
            for fate, reason, records in rows.iter_rows()
        ],
    )


def review_markdown(told: Measures, floor: float) -> str:
    """What review has brought: gains, agreement, conflicts, and each rule's precision and recall."""
    facts = [gains(told.gains), *(f"agreement: {said}" for said in agreements(told))]
    facts += [f"people disagree: {said}" for said in conflicts(told)] + [f"WARN {said}" for said in advice(told, floor)]
    rules = [tuple(_plain(cell) for cell in row) for row in rule_rows(told)]
    table = _table(("rule", "controls", "precision", "recall"), rules)
    return "\n\n".join([*(_plain(fact) for fact in facts), *([table] if rules else [])])


def queue_markdown(queued: pl.DataFrame) -> str:
    """Records of a review queue by family and ground, with how many each control stands for."""
    counted = queued.group_by("family", "ground").agg(pl.len().alias("records"), pl.col("weight").mean())
    rows = [
        (family, ground, f"{records:,}", short(weight))
        for family, ground, records, weight in counted.sort("family", "ground").iter_rows()
    ]
    return _table(("family", "ground", "records", "each stands for"), rows) if rows else "Nobody is asked anything."


def funnel_picture(found: Sequence[Stage]) -> str:
    """Stages of the funnel as a picture; its address holds it, so that the page asks nobody for it."""
    return f"![funnel]({data_uri(funnel(found))})"


def kept_and_dropped_markdown(published: Pass) -> str:
    """One kept record a source and family, and one dropped record for each of the commonest reasons."""
    dropped = samples.dropped(published, of_each=1)[:_REASONS]
    parts = [
        f"#### Dropped: {_plain(group.label)} ({group.records:,})\n\n{_sample(s)}"
        for group in dropped
        for s in group.samples
    ]
    parts += [f"#### Kept\n\n{_sample(sample)}" for sample in samples.kept(published)]
    return "\n\n".join(parts) or "The ledger is empty."


def pushed_markdown(families: pl.DataFrame) -> str:
    """What a push to Argilla did with the records of each family, of `review.push`."""
    heads = ("dataset", "sent", "unchanged", "answered", "withdrawn")
    rows = families.select("dataset", *heads[1:]).rows()
    return _table(heads, [(_plain(name), *(f"{count:,}" for count in counts)) for name, *counts in rows])


def _sample(sample: Sample) -> str:
    said = [_plain(sample.id)]
    if sample.value is not None and sample.threshold is not None:
        said.append(f"value {short(sample.value)}, threshold {short(sample.threshold)}")
    if sample.survivor_id is not None:
        alike = "" if sample.similarity is None else f" at {sample.similarity:.3f}"
        said.append(f"survivor {_plain(sample.survivor_id)}{alike}")
    return " · ".join(said) + "\n\n" + _messages(sample.messages)


def _messages(messages: Sequence[Message]) -> str:
    return _fenced("\n".join(f"[{m.role}] {_cut(m.text, m.left_out)}" for m in messages))


def _cut(text: str, left_out: int) -> str:
    more = len(text) - _TEXT + left_out
    return text if more <= 0 else f"{text[:_TEXT]}... ({more:,} more characters)"


def _fenced(text: str) -> str:
    """A block of code that ends where it should, whatever the text holds."""
    longest = max((len(run) for run in re.findall(r"~+", text)), default=0)
    fence = "~" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
