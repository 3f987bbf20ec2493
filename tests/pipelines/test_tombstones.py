import polars as pl
import pytest
from lakes import FILE, Lakes, instructions, known, pair
from numbers_source import SETTINGS, SOURCE, rows, snapshot

from pipelines.accounting import accounts
from pipelines.errors import TamisError
from pipelines.forget import forget
from pipelines.lake import Lake
from pipelines.layouts.messages import turns
from pipelines.ledger import last_published, publish_ledger
from pipelines.normalise import Place, normalise
from pipelines.recipe import Recipe
from pipelines.refresh import refresh
from pipelines.report.samples import dropped, messages_of
from pipelines.sources.source import Read
from pipelines.story.find import find
from pipelines.story.tell import tell
from pipelines.tombstones import forgotten_since, without_forgotten
from pipelines.workspace import Workspace

KNOWN = known("aa")
PLAIN = Recipe(sources={"aa": None})
QUESTIONS = [("Who is she?", "Ann Lee of 3 Elm Street."), ("Name a colour.", "Blue."), ("Who sings?", "A bird.")]
ID = "aa/instruction/default.train.0.0"


@pytest.fixture
def lakes(lake: Lake) -> Lakes:
    made = Lakes(lake)
    made.source("aa", instructions("aa", QUESTIONS))
    publish_ledger(made.state(), "default", PLAIN, KNOWN)
    return made


def content(lakes: Lakes, id_: str = ID) -> bytes:
    rows = lakes.lake.scan("records_instruction").filter(pl.col("id") == id_).select("content_hash").collect()
    return bytes(rows["content_hash"][0])


def test_nothing_is_written_without_a_word(lakes: Lakes) -> None:
    told = forget(lakes.lake, ID, write=False)
    assert (told.ids, told.written, told.content) == ((ID,), False, content(lakes))
    assert "Nothing was changed" in str(told)
    assert "Not erased yet: old versions" in str(told)
    assert not lakes.lake.exists("tombstones")


def test_a_tombstone_takes_the_record_out_of_the_next_pass_first_of_all(lakes: Lakes) -> None:
    assert forget(lakes.lake, content(lakes).hex()[:12], write=True).written
    before = last_published(lakes.lake, "default")
    assert forgotten_since(before)
    done = publish_ledger(before.state, "default", Recipe(sources={}), KNOWN)
    fates = dict(done.ledger.select("id", "fate").rows())
    assert fates[ID] == "forgotten", "before any other fate"
    assert set(fates.values()) == {"forgotten", "not in recipe"}
    assert not forgotten_since(done.published)
    assert forget(lakes.lake, ID, write=True).already
    assert lakes.lake.rows("tombstones") == 1, "it is written once"
    assert lakes.lake.folder("tombstones").parent.name == "lasting"
    assert set(lakes.lake.scan("tombstones").collect().columns) == {"content_hash", "named", "at"}


def test_its_text_is_shown_nowhere(lakes: Lakes) -> None:
    assert find(lakes.lake, "Elm Street").hits
    forget(lakes.lake, ID, write=True)
    published = publish_ledger(last_published(lakes.lake, "default").state, "default", PLAIN, KNOWN).published
    told = tell(lakes.lake, ID, {}, KNOWN)
    assert told.fates == {"default": "forgotten"}
    assert "its text is not shown" in str(told)
    assert "Elm" not in str(told) + str(told.record)
    assert not find(lakes.lake, "Elm Street").hits
    assert messages_of(published.state, [ID], ()) == {}
    assert "Elm" not in str(dropped(published))


def test_what_stays_though_it_is_close_is_named(lakes: Lakes) -> None:
    other = "aa/instruction/default.train.0.1"
    row = instructions("aa", [QUESTIONS[1]], first=0).with_columns(id=pl.lit("aa/instruction/default.train.0.0#1"))
    lakes.source("aa", pl.concat([instructions("aa", QUESTIONS), row]))
    pairs = pl.DataFrame([pair(content(lakes), content(lakes, other), 0.9)])
    publish_ledger(lakes.state(pairs), "default", Recipe(sources={"aa": None}), KNOWN)
    told = forget(lakes.lake, ID, write=False)
    assert told.siblings == ("aa/instruction/default.train.0.0#1",)
    assert told.near == 1


def test_what_cannot_be_forgotten_is_an_error(lakes: Lakes) -> None:
    wrong = {"aa/instruction/nobody": "no such record", "elm": "neither an id nor a hash", "0" * 8: "no such record"}
    for what, said in wrong.items():
        with pytest.raises(TamisError, match=said):
            forget(lakes.lake, what, write=True)
    assert not lakes.lake.exists("tombstones")
    assert forget(lakes.lake, "ab" * 16, write=True).ids == (), "content that nobody has, by its whole hash"


def test_an_id_that_held_two_contents_is_asked_about(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", [("Else?", "No."), *QUESTIONS]))
    with pytest.raises(TamisError, match="more than one content"):
        forget(lakes.lake, ID, write=True)


ASKED = {"prompt": turns(user=pl.col("q"))}
PLACE = Place("aa", "0" * 40, "default", "train", FILE, 0, "mit", "en")


def test_a_pull_does_not_store_it_again_and_the_accounts_hold() -> None:
    read = Read(
        config=None,
        splits=("train",),
        columns={"q": pl.String, "a": pl.String},
        families={
            "instruction": {**ASKED, "completion": turns(assistant=pl.col("a")), "when": pl.col("a") != "none"},
            "grpo": {**ASKED, "answer": pl.col("a"), "verifier": pl.lit("exact"), "when": pl.col("a") != "Blue."},
        },
        part_of=pl.when(pl.col("a") == "part").then(pl.lit(1)),
    )
    texts = {"q": ["Who?", "What?", "Where?", "How?", "Ann, where?"], "a": ["Ann", "Blue.", "none", "Ann", "part"]}
    frame = pl.DataFrame({"row": list(range(5)), **texts})
    done = normalise(frame, read, PLACE)
    assert (done.yielding, {name: table.height for name, table in done.records.items()}) == (
        4,
        {"instruction": 3, "grpo": 3},
    )
    hashes = {
        name: dict(table.select(pl.col("origin").struct.field("row"), "content_hash").rows())
        for name, table in done.records.items()
    }
    gone = pl.DataFrame({"content_hash": [hashes["instruction"][0], hashes["instruction"][1], hashes["grpo"][2]]})
    left = without_forgotten(done, gone)
    assert {name: table["origin"].struct.field("row").to_list() for name, table in left.records.items()} == {
        "instruction": [3],
        "grpo": [0, 3],
    }
    whole = left.rejects.filter(pl.col("family").is_null())
    assert left.yielding == 2
    assert left.rows == left.yielding + whole.height
    assert sorted(whole.select("row", "selected", "reason", "excerpt").rows()) == [
        (1, False, "forgotten", ""),
        (2, False, "forgotten", ""),
        (4, False, "part of default.train.0.1", ""),
    ], "no excerpt is kept of what was forgotten or of its parts"
    noted = left.rejects.filter(pl.col("family").is_not_null()).select("row", "family", "reason").rows()
    assert noted == [(0, "instruction", "forgotten")]
    assert without_forgotten(done, gone.clear()) is done
    assert without_forgotten(done, pl.DataFrame({"content_hash": [b"x"]})) is done


def test_a_changed_file_does_not_bring_it_back(place: Workspace, lake: Lake) -> None:
    taken = snapshot(place.path / "up", "one", {"a.jsonl": rows("ann", 4)})
    refresh(place, lake, "numbers", SOURCE, taken, settings=SETTINGS)
    held = lake.scan("records_cot").sort("id").collect()
    forget(lake, held["id"][0], write=True)
    again = snapshot(place.path / "up", "two", {"a.jsonl": [*rows("ann", 4), {"question": "new?", "answer": "9"}]})
    done = refresh(place, lake, "numbers", SOURCE, again, settings=SETTINGS)
    assert done.records == {"cot": 3, "grpo": 4}
    assert held["id"][0] not in lake.scan("records_cot").collect()["id"]
    assert lake.scan("signals_cot").collect().height == 3
    assert accounts(lake, "numbers") is None
    forget(lake, held["id"][0].replace("/cot/", "/grpo/"), write=True)
    last = snapshot(place.path / "up", "three", {"a.jsonl": rows("ann", 4)})
    done = refresh(place, lake, "numbers", SOURCE, last, settings=SETTINGS)
    assert done.files.select("rows", "yielding", "rejected", "not_selected").rows() == [(4, 2, 1, 1)]
    assert accounts(lake, "numbers") is None
    left_out = lake.scan("rejects").filter(~pl.col("selected")).select("reason", "excerpt").collect().rows()
    assert left_out == [("forgotten", "")]
