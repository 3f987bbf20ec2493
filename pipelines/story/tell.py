"""How the story of a record is put together from passes, states and the history of fates."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from pipelines.as_published import said_in
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.recipe import Recipe, Unreadable
from pipelines.review.effect import verdicts_of
from pipelines.review.verdicts import submitted
from pipelines.sources.source import Source
from pipelines.states import Pass, State, last_pass, passes, unpublished
from pipelines.story.history import Past, past
from pipelines.story.hits import hits_of, signals_of
from pipelines.story.nearest import nearest_ids
from pipelines.story.record import InRecipe, Origin, Story
from pipelines.story.words import sentence, verdict_sentence, verification_sentence
from pipelines.tombstones import is_forgotten
from schemas.families import FAMILIES
from schemas.vocabulary import ARGILLA

_HUB: Final = "https://huggingface.co"


def tell(
    lake: Lake,
    id_: str,
    recipes: Mapping[str, Recipe | Unreadable],
    known_sources: Mapping[str, Source],
    *,
    number: int | None = None,
    online: bool = False,
) -> Story:
    """The story of a record in each recipe's last pass (in pass `number`, if it is given).

    `recipes`: what their files say now, which stands in for passes that do not hold the recipe that they were made by.
    TamisError with the nearest ids where neither a pass nor what was read since holds the id, and for a pass that is
    not there.
    """
    read = published(lake, number)
    now = unpublished(lake)
    found = _found(lake, [one.state for one in read] + [now], read, id_)
    if found is None:
        raise _unknown(lake, id_, read, now, known_sources)
    state, record = found
    hidden = is_forgotten(lake, record["content_hash"])
    told = [
        _in_recipe(one, id_, record["content_hash"], recipes.get(one.recipe), known_sources, hidden=hidden)
        for one in read
    ]
    return Story(
        id=id_,
        origin=origin(state, record, online=online),
        record=_without_text(record, id_) if hidden else record,
        verified=None if hidden else _verified(state, id_),
        forgotten=hidden,
        recipes=tuple(told),
        other=tuple(dict.fromkeys(_other(lake, id_, record, read, told, now))),
    )


def _without_text(record: Mapping[str, Any], id_: str) -> dict[str, Any]:
    told = {name: record[name] for name in ("id", "source", "content_hash", "license", "language", "group", "origin")}
    return dict.fromkeys(FAMILIES[id_.split("/")[1]].schema.names) | told


def published(lake: Lake, number: int | None = None) -> list[Pass]:
    """Each recipe's last pass by the recipe's name; or pass `number` alone. TamisError where there is no such pass."""
    rows = passes(lake)
    if number is not None:
        rows = rows.filter(pl.col("pass") == number)
        if rows.is_empty():
            last = [int(row) for row in passes(lake)["pass"].head(1)]
            raise TamisError(f"there is no pass {number}", cure=f"The last one is {last[0]}." if last else "")
    found = (last_pass(lake, name, number) for name in sorted(rows["recipe"].unique()))
    return [one for one in found if one is not None]


def origin(state: State, record: Mapping[str, Any], *, online: bool) -> Origin:
    """Where upstream has a record of a state."""
    at = record["origin"]
    same_file = (pl.col("source") == record["source"]) & (pl.col("file") == at["file"])
    repos = state.scan("files").filter(same_file).select("repo").collect()["repo"]
    repo = repos[0] if len(repos) else record["source"]
    on_hub = online and repo != ARGILLA and not str(repo).startswith("file:")
    link = f"{_HUB}/datasets/{repo}/blob/{record['revision']}/{at['file']}" if on_hub else None
    return Origin(record["source"], repo, record["revision"], at["config"], at["split"], at["file"], at["row"], link)


def _verified(state: State, id_: str) -> str | None:
    """What verification found of a record's answer in a state, in one sentence."""
    rows = state.scan("verification").filter(pl.col("id") == id_).select("outcome", "by", "said").collect().rows()
    return verification_sentence(*rows[0]) if rows else None


def _found(lake: Lake, states: list[State], read: list[Pass], id_: str) -> tuple[State, dict[str, Any]] | None:
    """The record and a state that has it: the newest of a pass, what was read since, or the pass that it left after."""
    family = id_.split("/")[1] if id_.count("/") >= 2 else ""
    if family not in FAMILIES:
        return None
    for state in sorted(states, key=lambda one: one.number or -1, reverse=True):
        rows = state.scan(f"records_{family}").filter(pl.col("id") == id_).collect()
        if rows.height:
            return state, rows.row(0, named=True)
    before = _last_pass_with(lake, id_, read)
    return _found(lake, [before.state], [], id_) if before else None


def _last_pass_with(lake: Lake, id_: str, read: list[Pass]) -> Pass | None:
    """The newest pass whose ledger has an id that the last ones do not have any more."""
    recipes = [one.recipe for one in read]
    left = lake.scan("fates").filter((pl.col("id") == id_) & pl.col("to").is_null() & pl.col("recipe").is_in(recipes))
    rows = left.sort("pass", descending=True).select("recipe", "pass").head(1).collect()
    if rows.is_empty():
        return None
    recipe, number = rows.row(0)
    earlier = passes(lake).filter((pl.col("recipe") == recipe) & (pl.col("pass") < number))["pass"].max()
    return last_pass(lake, recipe, int(str(earlier)))


def _in_recipe(
    one: Pass,
    id_: str,
    content: bytes,
    now: Recipe | Unreadable | None,
    known_sources: Mapping[str, Source],
    *,
    hidden: bool,
) -> InRecipe:
    rows = one.ledger().filter(pl.col("id") == id_).collect().to_dicts()
    row = rows[0] if rows else None
    before = past(one.lake, one.recipe, id_, row["content_hash"] if row else content, one.number)
    signals: dict[str, float | None] = {}
    hits: list[str] = []
    because = note = ""
    said, unsaid = _as_published(one, now)
    if said is None:
        note = f"its rules and hits are not told, since {unsaid}"
    elif row is not None:
        if row["fate"] == "rule":
            because = next((rule.why for rule in said.rules if rule.name == row["reason"]), "")
        try:
            signals = signals_of(one, said, row)
            hits = [] if hidden else hits_of(one, said, known_sources, row)
        except TamisError as error:  # the pass has signals of older code, which its rules do not know
            note = f"its rules and hits are not told: {error}"
        if unsaid and not note:
            note = unsaid
    return InRecipe(
        recipe=one.recipe,
        number=one.number,
        when=f"{one.at:%Y-%m-%d %H:%M} UTC",
        state=one.state.number,
        fate=sentence(row) if row else _absent(before, one),
        because=because,
        row=row,
        signals=signals,
        hits=tuple(hits),
        verdicts=_verdicts(one, row["content_hash"] if row else content),
        past=before,
        note=note,
    )


def _as_published(one: Pass, now: Recipe | Unreadable | None) -> tuple[Recipe | None, str]:
    """The recipe that a pass was made by; and why it is not known, or is what its file says `now` instead."""
    try:
        said = said_in(one)
    except TamisError as error:
        return None, str(error)
    if said is not None:
        return said, ""
    if isinstance(now, Unreadable):
        return None, f"the recipe cannot be read: {now.error}"
    if now is None:
        return None, "the recipe's file is gone"
    moved = "the recipe was edited since this pass: signals and hits are those of its file as it is now"
    return now, moved if now.hash != one.recipe_hash else ""


def _verdicts(one: Pass, content: bytes) -> tuple[str, ...]:
    """What people said of a content before a pass, a sentence each."""
    told = submitted(verdicts_of(one, pl.col("content_hash") == content))
    return tuple(verdict_sentence(row) for row in told.to_dicts())


def _absent(before: Past, one: Pass) -> str:
    """What to say of a record that a pass does not have."""
    if before.moves and before.moves[-1].after is None:
        return f"left with pass {before.moves[-1].number}; {before.moves[-1].before} before"
    if before.moves:
        return f"its content is now {before.moves[-1].id}: {before.moves[-1].after}"
    return f"not published yet: read after pass {one.number}"


def _other(
    lake: Lake, id_: str, record: Mapping[str, Any], read: list[Pass], told: list[InRecipe], now: State
) -> Iterator[str]:
    """Sentences about other content that the id held, or holds since."""
    for one, in_recipe in zip(read, told, strict=True):
        last = dict(in_recipe.past.others)
        for held, move in last.items():
            was = move.before or move.after
            where = _ids_with(one, held, id_)
            became = f"is now {', '.join(where)}" if where else "is in the pass no more"
            yield f"until pass {move.number} this id held other content ({held.hex()[:8]}), {was}, which {became}"
    current = now.scan(f"records_{id_.split('/')[1]}").filter(pl.col("id") == id_).select("content_hash").collect()
    if read and current.is_empty():
        yield "its source was read again since, and no longer has this id: not published yet"
    elif read and current["content_hash"][0] != record["content_hash"]:
        held = current["content_hash"][0].hex()[:8]
        yield f"its source was read again since, and this id now holds other content ({held}): not published yet"


def _ids_with(one: Pass, content: bytes, id_: str) -> list[str]:
    source, family, _ = id_.split("/", 2)
    same = (pl.col("content_hash") == content) & (pl.col("source") == source) & (pl.col("family") == family)
    return one.ledger().filter(same).select("id").sort("id").head(3).collect()["id"].to_list()


def _unknown(lake: Lake, id_: str, read: list[Pass], now: State, known_sources: Mapping[str, Source]) -> TamisError:
    near = nearest_ids(
        pl.concat([s.records("id").select("id") for s in [now, *(one.state for one in read)]]),
        id_,
        known_sources,
        FAMILIES,
    )
    if near:
        return TamisError("there is no such record", where=id_, cure=f"Near it: {', '.join(near)}.")
    cure = "Ids are <source>/<family>/<key>; `tamis find TEXT` finds records by their text."
    return TamisError("there is no such record", where=id_, cure=cure)
