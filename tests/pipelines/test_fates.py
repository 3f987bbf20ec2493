from dataclasses import replace

import polars as pl
import pytest
from lakes import INSTRUCTION, Lakes, instructions, known

from pipelines.fates import Ground, evidence, first_of, grounds, made_with
from pipelines.lake import Lake
from pipelines.ledger import ledger
from pipelines.recipe import LicencePolicy, Recipe, SourceUse
from pipelines.sources import catalogued
from pipelines.sources.source import Read, Source
from schemas.families import FAMILIES
from schemas.vocabulary import FATES

QUESTIONS = [("How high is it?", "300 m."), ("Name a colour.", "Blue."), ("Who sings?", "A bird.")]
KNOWN = known("aa", "bb", "cc")


@pytest.fixture
def lakes(lake: Lake) -> Lakes:
    return Lakes(lake)


def fates(made: pl.DataFrame) -> dict[str, tuple[str, str | None]]:
    return {id_: (fate, reason) for id_, fate, reason in made.select("id", "fate", "reason").rows()}


def id_of(row: int, source: str = "aa") -> str:
    return f"{source}/instruction/default.train.0.{row}"


def test_grounds_come_in_the_order_of_the_closed_list() -> None:
    order = [FATES.index(ground.fate) for ground in grounds(Recipe(sources={}), KNOWN)]
    assert order == sorted(order)


def test_the_first_ground_that_applies_is_the_fate() -> None:
    frame = pl.DataFrame({"value": [1, 2, 3]})
    value = pl.col("value")
    found = (Ground("licence", value == 1, pl.lit("x")), Ground("rule", value <= 2, pl.lit("r"), value, pl.lit(2)))
    said = frame.select(said=first_of(found)).unnest("said").rows()
    assert said == [("licence", "x", None, None, None), ("rule", "r", 2.0, 2.0, None), (None,) * 5]


def test_a_ledger_gives_each_record_its_first_fate(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS, license="cc-by-nc-4.0"))
    lakes.source("bb", instructions("bb", [("Else?", "No."), ("And else?", "None.")], license=None))
    lakes.source("cc", instructions("cc", [("Here?", "Yes.")]))
    lakes.source("dd", instructions("dd", [("Removed?", "Yes.")]))
    content = lakes.state().records("id", "content_hash").select("id", "content_hash").collect()
    bridges = content.filter(pl.col("id").is_in([id_of(0), id_of(0, "bb")]))["content_hash"].to_list()
    state = lakes.state(bridges=bridges)
    policy = LicencePolicy(exclude=["cc-by-nc-4.0"], unknown="keep")
    recipe = Recipe(sources={"aa": SourceUse(limit=2), "bb": None, "dd": None}, licence=policy)
    assert fates(ledger(state, "default", recipe, KNOWN)) == {
        id_of(0): ("licence", "cc-by-nc-4.0"),
        id_of(1): ("licence", "cc-by-nc-4.0"),
        id_of(2): ("not in recipe", "row limit"),
        id_of(0, "bb"): ("split bridge", None),
        id_of(1, "bb"): ("kept", None),
        id_of(0, "cc"): ("not in recipe", "source"),
        id_of(0, "dd"): ("source removed", None),
    }
    strict = Recipe(sources={"bb": None}, licence=LicencePolicy(unknown="drop"))
    made = fates(ledger(state, "default", strict, KNOWN))
    assert made[id_of(1, "bb")] == ("licence", "none stated")


def test_a_policy_judges_each_record_by_its_own_licence_and_model(lakes: Lakes) -> None:
    for source, licence in (
        ("aa", "cc-by-nc-4.0"),
        ("bb", "other"),
        ("cc", "mit"),
        ("dd", "CC-BY-SA-4.0"),
        ("ee", "mit"),
    ):
        lakes.source(source, instructions(source, [(f"{source}?", "Yes.")], license=licence))
    state = lakes.state()
    reads = (Read(config="default", splits=("train",), families={}, columns={}, made_with=("Claude Opus",)),)
    known = {
        name: Source(repo="o/n", license=None, reads=reads if name == "ee" else (), made_with=model)
        for name, model in {"aa": (), "bb": (), "cc": ("GPT-4", "Qwen"), "dd": ("DeepSeek-R1",), "ee": ()}.items()
    }

    def dropped(**policy: str) -> dict[str, str | None]:
        recipe = Recipe(sources=dict.fromkeys(known), licence=LicencePolicy(**policy))
        made = fates(ledger(state, "default", recipe, known))
        assert {fate for fate, _ in made.values()} <= {"licence", "kept"}
        return {id_.split("/")[0]: reason for id_, (fate, reason) in made.items() if fate == "licence"}

    assert dropped() == {}
    assert dropped(use="commercial") == {"aa": "cc-by-nc-4.0 (non-commercial)", "bb": "other (unknown)"}
    assert dropped(use="commercial", unknown="keep").keys() == {"aa"}
    assert dropped(share_alike="drop") == {"dd": "CC-BY-SA-4.0 (share-alike)"}
    terms = {"cc": "made with GPT-4 (OpenAI)", "ee": "made with Claude Opus (Anthropic)"}
    assert dropped(model_terms="drop") == terms
    unknown = "made with models that are not known"
    known["aa"] = replace(known["aa"], made_with=None)
    known["ee"] = replace(known["ee"], made_with=None, reads=(*reads, replace(reads[0], config="else", made_with=())))
    assert dropped(model_terms="drop") == {"aa": unknown, **terms}
    assert made_with(known)["ee\x1felse"] == unknown


def test_mixtures_of_models_whose_terms_bind_or_that_nobody_knows_are_no_free_ones() -> None:
    why = made_with(catalogued())
    assert {"tulu3_sft", "tulu3_preference", "helpsteer3", "smoltalk2\x1fSFT", "smoltalk2\x1fPreference"} <= why.keys()
    free = ("dolly", "oasst1", "gsm8k", "countdown", "openthoughts3", "openr1_math_220k")
    assert not {place.split("\x1f")[0] for place in why} & set(free)


def test_the_sources_that_are_known_are_asked_for_their_terms() -> None:
    """A collection of names alone would let pass what the terms of models bind."""
    with pytest.raises(AttributeError):
        grounds(Recipe(sources={}, licence=LicencePolicy(model_terms="drop")), ("aa",))  # type: ignore[arg-type]


def test_evidence_of_one_record_is_its_row_of_the_whole(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS))
    lakes.source("bb", instructions("bb", QUESTIONS[:1]))
    state, recipe = lakes.state(), Recipe(sources={"aa": SourceUse(limit=2), "bb": None})
    whole = evidence(state, recipe, INSTRUCTION, KNOWN)
    one = evidence(state, recipe, INSTRUCTION, KNOWN, only=pl.col("id") == id_of(2))
    assert whole.height == 4
    assert one.equals(whole.filter(pl.col("id") == id_of(2)))
    assert one.select("of_row", "first", "limit").row(0) == (2, 0, 2)
    assert evidence(state, recipe, FAMILIES["cot"], KNOWN).is_empty()


def test_of_rows_that_are_repeated_a_hundredfold_one_stays(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", [question for _ in range(100) for question in QUESTIONS]))
    made = ledger(lakes.state(), "default", Recipe(sources={"aa": None}), KNOWN)
    told = dict(made.group_by("fate").len().rows())
    assert told == {"kept": 3, "exact duplicate": 297}
    kept = made.filter(pl.col("fate") == "kept")
    assert kept.join(lakes.state().records("id", "prompt").collect(), on="id")["prompt"].n_unique() == 3
