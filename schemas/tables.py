"""The tables of the lake beside the records: what each holds, how it is partitioned, and its key."""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from schemas.families import FAMILIES, VERSION, column

HASH: Final = pa.binary()


@dataclass(frozen=True)
class Table:
    """One table of the lake.

    `partition`: the column whose values are replaced one at a time; None for a table that is appended to
    or replaced whole. `derived` tables may be deleted and rebuilt; the others are state. `version` goes up
    with every change of the columns; the lake stores it with the table and refuses to read another one.
    """

    name: str
    columns: tuple[pa.Field, ...]
    key: tuple[str, ...]
    partition: str | None = None
    derived: bool = True
    open_ended: bool = False
    """Whether more columns may come (signals): the lake adds those it has not seen."""
    version: int = 1

    @property
    def schema(self) -> pa.Schema:
        return pa.schema(self.columns, metadata={"version": str(self.version)})


_SOURCE = column("source", pa.string(), "name of the source", nullable=False)
_CONTENT = column("content_hash", HASH, "which content, whatever its id", nullable=False)
_FILE = column("file", pa.string(), "path of the file in the repository", nullable=False)

_FILES = Table(
    name="files",
    partition="source",
    key=("source", "file"),
    columns=(
        _SOURCE,
        _FILE,
        column("position", pa.int64(), "of the file among the source's, from 0", nullable=False),
        column("number", pa.int64(), "of the file within its config and split, from 0", nullable=False),
        column("config", pa.string(), "config it belongs to"),
        column("split", pa.string(), "split it belongs to", nullable=False),
        column("repo", pa.string(), "repository, as the Hub names it", nullable=False),
        column("revision", pa.string(), "commit it was read at", nullable=False),
        column("etag", pa.string(), "the Hub's identity of its content", nullable=False),
        column("reader", pa.string(), "identity of the code that read it", nullable=False),
        column("limit", pa.int64(), "upstream rows after which reading stopped; null for none"),
        column("rows", pa.int64(), "upstream rows read", nullable=False),
        column("yielding", pa.int64(), "rows that yield at least one record", nullable=False),
        column("rejected", pa.int64(), "rows that are rejects", nullable=False),
        column("not_selected", pa.int64(), "rows left out with a reason", nullable=False),
        column(
            "records",
            pa.struct([column(name, pa.int64(), f"records of the family {name}", nullable=False) for name in FAMILIES]),
            "records by family",
            nullable=False,
        ),
        column("bytes", pa.int64(), "size of the file", nullable=False),
        column("license", pa.string(), "licence that the repository states at this commit"),
    ),
)

_REJECTS = Table(
    name="rejects",
    partition="source",
    key=("source", "file", "row", "family"),
    columns=(
        _SOURCE,
        _FILE,
        column("row", pa.int64(), "row in that file, from 0", nullable=False),
        column("family", pa.string(), "the family that the row fails; null: it yields no record at all"),
        column("selected", pa.bool_(), "true: a reject; false: left out on purpose", nullable=False),
        column("reason", pa.string(), "why", nullable=False),
        column("excerpt", pa.string(), "the first characters of the row", nullable=False),
    ),
)

_SIGNATURES = Table(
    name="signatures",
    partition="kind",
    key=("kind", "content_hash"),
    columns=(
        column("kind", pa.string(), "which text of a record: what its family compares, or a part", nullable=False),
        _CONTENT,
        column("code", pa.string(), "identity of the code that signed it", nullable=False),
        column("text_hash", HASH, "16 bytes of blake3 of the text", nullable=False),
        column("words", pa.int64(), "words of the text", nullable=False),
        column("keys", HASH, "MinHash signature: 25 band keys of 4 bytes", nullable=False),
    ),
)
"""Not part of a state: it is read by content, and says nothing that could not be computed again."""

_STATES = Table(
    name="states",
    key=("state", "ready"),
    columns=(
        column("state", pa.int64(), "number of the lake state, from 1", nullable=False),
        column("ready", pa.bool_(), "false: opened; true: its lake-wide tables are built too", nullable=False),
        column("versions", pa.string(), "table -> Delta version, as JSON", nullable=False),
        column("built_with", pa.string(), "identity of lake.yaml and of the code of pairs and sides", nullable=False),
        column("at", pa.timestamp("us", tz="UTC"), "when", nullable=False),
    ),
)

_PASSES = Table(
    name="passes",
    key=("pass",),
    columns=(
        column("pass", pa.int64(), "number of the pass, from 1", nullable=False),
        column("recipe", pa.string(), "whose ledger it publishes", nullable=False),
        column("recipe_hash", pa.string(), "of the parsed recipe", nullable=False),
        column("state", pa.int64(), "the lake state that the ledger was made from", nullable=False),
        column("versions", pa.string(), "table -> Delta version, as JSON; the ledger's among them", nullable=False),
        column("at", pa.timestamp("us", tz="UTC"), "when", nullable=False),
    ),
)

_SIDES = Table(
    name="sides",
    key=("content_hash",),
    derived=False,
    columns=(
        _CONTENT,
        column("side", pa.string(), "train, validation or test; it never changes", nullable=False),
        column("state", pa.int64(), "the lake state that gave it the side", nullable=False),
    ),
)

_PLACEMENTS = Table(
    name="placements",
    key=("content_hash",),
    columns=(
        _CONTENT,
        column("side", pa.string(), "train, validation or test; null for a newcomer tied to two"),
        column("bridge", pa.bool_(), "whether it ties two sides, and so may stand on neither", nullable=False),
        column("component", pa.int64(), "number of the tied component it belongs to", nullable=False),
    ),
)

_TIES = Table(
    name="ties",
    key=("tie", "content_hash"),
    columns=(
        column("tie", pa.int64(), "number of the tie: all that it holds must stand on one side", nullable=False),
        _CONTENT,
        column("kind", pa.string(), "group, upstream row, prompt, first turn, near prompt or response", nullable=False),
    ),
)

_LEDGER = Table(
    name="ledger",
    partition="recipe",
    key=("recipe", "id"),
    columns=(
        column("recipe", pa.string(), "whose fates these are", nullable=False),
        column("id", pa.string(), "of the record", nullable=False),
        _SOURCE,
        column("family", pa.string(), "of the record", nullable=False),
        _CONTENT,
        column("side", pa.string(), "train, validation or test; null for some split bridges"),
        column("pinned", pa.bool_(), "whether upstream's split pins it to validation or test", nullable=False),
        column("fate", pa.string(), "one of the closed list", nullable=False),
        column("reason", pa.string(), "the rule, licence or limit that decided; null where the fate says all"),
        column(
            "value", pa.float64(), "the signal's value, where a rule decided; coverage or tokens shared with an item"
        ),
        column("threshold", pa.float64(), "what the value was compared with, where a rule or an item decided"),
        column("item", pa.string(), "the benchmark's item that decided"),
        column("survivor", pa.string(), "id of the kept record that stands for a duplicate, or of what replaces it"),
        column("similarity", pa.float64(), "Jaccard similarity to the survivor"),
        column(
            "marks",
            pa.list_(pa.string()),
            "rules that only mark and hit it, and `not compared further`",
            nullable=False,
        ),
    ),
    version=2,
)

_FATES = Table(
    name="fates",
    key=("recipe", "id", "content_hash", "pass"),
    derived=False,
    columns=(
        column("recipe", pa.string(), "whose fates these are", nullable=False),
        column("id", pa.string(), "of the record", nullable=False),
        _CONTENT,
        column("from", pa.string(), "fate in the recipe's pass before; null for a newcomer"),
        column("to", pa.string(), "fate in this pass; null for a record that left"),
        column("pass", pa.int64(), "number of the pass", nullable=False),
    ),
)


_BENCHMARKS = Table(
    name="benchmarks",
    partition="benchmark",
    key=("benchmark", "position"),
    derived=False,  # upstream vanishes
    columns=(
        column("benchmark", pa.string(), "its name in the catalogue", nullable=False),
        column("position", pa.int64(), "of the text among the benchmark's, from 0", nullable=False),
        column("item", pa.string(), "upstream's name of the item, else split, file and row", nullable=False),
        column("field", pa.string(), "which of the item's texts it is", nullable=False),
        column("repo", pa.string(), "repository, as the Hub names it", nullable=False),
        column("revision", pa.string(), "commit it was read at", nullable=False),
        column("file", pa.string(), "path of the file in the repository", nullable=False),
        column("text", pa.string(), "null where the benchmark is gated: then only hashes are held"),
        column("answers", pa.list_(pa.string()), "answers that are right; null where none is known"),
        column("choices", pa.list_(pa.string()), "given with the question; null where none are"),
        column("words", pa.int64(), "tokens between white space", nullable=False),
        column("grams", pa.list_(pa.int64()), "hashes of its runs of 8 tokens, where the text is not held"),
        column("code", pa.string(), "identity of the code that read it", nullable=False),
        column("hashing", pa.string(), "identity of the code that the hashes come from", nullable=False),
    ),
)

_BENCHMARK_STATUS = Table(
    name="benchmark_status",
    key=("benchmark",),
    columns=(
        column("benchmark", pa.string(), "its name in the catalogue", nullable=False),
        column("position", pa.int64(), "in the catalogue, from 0", nullable=False),
        column("status", pa.string(), "checked; kept: as it was read last; NOT CHECKED", nullable=False),
        column("items", pa.int64(), "items that records are compared with", nullable=False),
        column("repo", pa.string(), "repository that was read, or asked for", nullable=False),
        column("revision", pa.string(), "commit that the items are of; null where there are none"),
        column("why", pa.string(), "why it could not be read; null where it was"),
        column("gated", pa.bool_(), "whether only hashes of it are held", nullable=False),
    ),
)

_CONTAMINATION = Table(
    name="contamination",
    key=("content_hash", "benchmark", "item", "rule"),
    columns=(
        _CONTENT,
        column("benchmark", pa.string(), "whose item it is", nullable=False),
        column("item", pa.string(), "name of the item in the benchmark", nullable=False),
        column("field", pa.string(), "which of the item's texts", nullable=False),
        column("rule", pa.string(), "one of the closed list", nullable=False),
        column("value", pa.float64(), "tokens shared, or share of the item's tokens", nullable=False),
        column("threshold", pa.float64(), "what the value reached, or (coverage) was above", nullable=False),
        column("tokens", pa.int64(), "of the longest run that both share", nullable=False),
        column("coverage", pa.float64(), "share of the item's tokens that shared runs of 8 cover", nullable=False),
        column("part", pa.string(), "part of the record", nullable=False),
        column("turn", pa.int64(), "message in that part, from 0; null where the part is none"),
        column("start", pa.int64(), "first character of the run in that text, in NFC", nullable=False),
        column("end", pa.int64(), "character behind the run", nullable=False),
        column("text", pa.string(), "the run, as the record has it; null where the item may not be shown"),
        column("item_start", pa.int64(), "first character of the run in the item; null where it is not held"),
        column("item_end", pa.int64(), "character behind it; null where the text is not held"),
        column("item_text", pa.string(), "the run, as the item has it; null where the item may not be shown"),
        column(
            "further", pa.int64(), "items of the benchmark that the rule hits and that are not listed", nullable=False
        ),
    ),
)


_VERDICTS = Table(
    name="verdicts",
    key=("response", "at"),
    derived=False,
    columns=(
        column("response", pa.string(), "identity of the answer: the same for every later edit of it", nullable=False),
        column("at", pa.timestamp("us", tz="UTC"), "when it was given or last edited", nullable=False),
        column("user", pa.string(), "who gave it", nullable=False),
        column("status", pa.string(), "submitted, draft, discarded or withdrawn", nullable=False),
        _CONTENT,
        column("family", pa.string(), "of the record", nullable=False),
        column("recipe", pa.string(), "whose review queue showed it", nullable=False),
        column(
            "form", pa.string(), "identity of the form (fields, questions, labels) that was filled in", nullable=False
        ),
        column("ground", pa.string(), "why it was in the queue, one of the closed list", nullable=False),
        column("weight", pa.float64(), "records of the recipe's pass that it stands for; null where it was not drawn"),
        column("fate", pa.string(), "what the recipe made of it when it was sent", nullable=False),
        column("rules", pa.list_(pa.string()), "rules that hit it when it was sent, shown or not", nullable=False),
        column("shown", pa.list_(pa.string()), "hits that the annotator was shown", nullable=False),
        column("decision", pa.string(), "keep, drop or fix; null where it was left open"),
        column("reasons", pa.list_(pa.string()), "kinds of defect that were ticked", nullable=False),
        column("rating", pa.int64(), "1 (worst) to 5; null where it was left open"),
        column("preferred", pa.string(), "chosen, rejected or neither is the better side of a pair; null where open"),
        column("correction", pa.string(), "the better answer or the corrected text; null where none was written"),
        column("seconds", pa.float64(), "that the answer took, where that is known"),
    ),
)

_REVIEW_QUEUE = Table(
    name="review_queue",
    partition="recipe",
    key=("recipe", "content_hash", "family"),
    columns=(
        column("recipe", pa.string(), "whose pass it is drawn from", nullable=False),
        column("pass", pa.int64(), "number of that pass", nullable=False),
        _CONTENT,
        column("family", pa.string(), "of the record", nullable=False),
        column("id", pa.string(), "of one record with that content", nullable=False),
        _SOURCE,
        column("ground", pa.string(), "why it is in the queue, one of the closed list", nullable=False),
        column("weight", pa.float64(), "records of the pass that it stands for; null where it was not drawn"),
        column("priority", pa.int64(), "from 1, the row where a verdict changes most", nullable=False),
        column("fate", pa.string(), "of the record in the pass", nullable=False),
        column("reason", pa.string(), "the rule, item or limit that decided; null where the fate says all"),
        column("rules", pa.list_(pa.string()), "rules that hit it, dropping and marking", nullable=False),
        column("shown", pa.list_(pa.string()), "hits to show; empty for a control", nullable=False),
        column("other", pa.string(), "id of the record that it is set against: survivor, or the other of a conflict"),
        column("similarity", pa.float64(), "Jaccard similarity to that record"),
    ),
)


def _records(name: str) -> Table:
    return Table(f"records_{name}", tuple(FAMILIES[name].schema), ("id",), partition="source", version=VERSION)


def _signals(name: str) -> Table:
    columns = (
        column("id", pa.string(), "of the record", nullable=False),
        _SOURCE,
        _CONTENT,
        column("code", pa.string(), "identity of the code that computed the signals", nullable=False),
    )
    return Table(f"signals_{name}", columns, ("id",), partition="source", open_ended=True)


_VERIFICATION: Final = Table(
    name="verification",
    partition="source",
    key=("id",),
    columns=(
        column("id", pa.string(), "of the record", nullable=False),
        _SOURCE,
        column("family", pa.string(), "of the record: cot or grpo", nullable=False),
        _CONTENT,
        column("outcome", pa.string(), "verified, refuted, unverifiable or timed out", nullable=False),
        column("by", pa.string(), "what decided; null where nothing could"),
        column("said", pa.string(), "the answer that was compared with the gold one, or its last 200 characters"),
        column("code", pa.string(), "identity of the code that verified", nullable=False),
    ),
)


def _pairs(name: str) -> Table:
    columns = (
        column("left", HASH, "content hash, the smaller of the two", nullable=False),
        column("right", HASH, "content hash", nullable=False),
        column("similarity", pa.float64(), "Jaccard similarity of their sets of 5 words", nullable=False),
        column("kind", pa.string(), "near-duplicate, or the conflict that keeps both", nullable=False),
    )
    return Table(f"pairs_{name}", columns, ("left", "right"))


def _crowds(name: str) -> Table:
    columns = (
        column("content_hash", HASH, "of a record that has too many alike for pairs to be stored", nullable=False),
    )
    return Table(f"crowds_{name}", columns, ("content_hash",))


PER_SOURCE: Final = (
    *(_records(name) for name in FAMILIES),
    *(_signals(name) for name in FAMILIES),
    _VERIFICATION,
    _REJECTS,
    _FILES,
)
"""In the order in which a source's run commits them: `files` last."""

MEASURED: Final = (*(f"signals_{name}" for name in FAMILIES), _VERIFICATION.name)
"""Tables of a source that are computed from its records alone, and again where their code changes."""

SHARED: Final = (_BENCHMARKS, _BENCHMARK_STATUS)
"""Of no source, and read by every state as it stands when the state is opened."""

LAKE_WIDE: Final = (
    *(_pairs(name) for name in FAMILIES),
    *(_crowds(name) for name in FAMILIES),
    _CONTAMINATION,
    _TIES,
    _PLACEMENTS,
)

TABLES: Final[dict[str, Table]] = {
    t.name: t
    for t in (
        *PER_SOURCE,
        _SIGNATURES,
        *SHARED,
        *LAKE_WIDE,
        _STATES,
        _PASSES,
        _SIDES,
        _LEDGER,
        _FATES,
        _VERDICTS,
        _REVIEW_QUEUE,
    )
}
