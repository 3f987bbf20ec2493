import polars as pl
import pytest
from lakes import FILE, Lakes, instructions, known, pair, reject

from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.ledger import publish_ledger
from pipelines.recipe import Duplicates, LicencePolicy, Recipe, SourceUse, Unreadable
from pipelines.states import State
from pipelines.story.history import past
from pipelines.story.record import Story
from pipelines.story.row import place, tell_row
from pipelines.story.tell import tell
from pipelines.story.words import sentence, shortened

KNOWN = known("aa", "bb", "cc")
PLAIN = Recipe(sources={"aa": None, "bb": None})
NOTHING = {"reason": None, "value": None, "threshold": None, "survivor": None, "similarity": None}
QUESTIONS = [("How high is the tower?", "As high as 300 m."), ("Name a colour.", "Blue."), ("Who sings?", "A bird.")]


@pytest.fixture
def lakes(lake: Lake) -> Lakes:
    return Lakes(lake)


def id_of(row: int, source: str = "aa") -> str:
    return f"{source}/instruction/default.train.0.{row}"


def story(lake: Lake, id_: str, **recipes: Recipe | Unreadable) -> Story:
    return tell(lake, id_, recipes or {"default": PLAIN}, KNOWN)


def hashes(state: State) -> dict[str, bytes]:
    return dict(state.records("id", "content_hash").select("id", "content_hash").collect().rows())


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"fate": "kept"}, "kept"),
        (
            {"fate": "rule", "reason": "answer_words", "value": 0.0, "threshold": 1.0},
            "dropped by the rule answer_words: 0 < 1",
        ),
        (
            {"fate": "rule", "reason": "loops", "value": 0.75, "threshold": 0.5},
            "dropped by the rule loops: 0.75 > 0.5",
        ),
        ({"fate": "exact duplicate", "survivor": "a/b/c", "similarity": 1.0}, "exact duplicate of a/b/c"),
        (
            {"fate": "near-duplicate", "survivor": "a/b/c", "similarity": 0.8123},
            "near-duplicate of a/b/c, 0.812 similar",
        ),
        (
            {"fate": "not in recipe", "reason": "row limit", "value": 12000.0, "threshold": 10000.0},
            "not in recipe: it is row 12,000 of its source (from 0), and the recipe takes 10,000",
        ),
        ({"fate": "licence", "reason": "cc-by-nc-4.0"}, "licence: the recipe does not take cc-by-nc-4.0"),
        ({"fate": "contaminated", "reason": "gsm8k-test 7"}, "contaminated: gsm8k-test 7"),
        ({"fate": "forgotten"}, "forgotten"),
    ],
)
def test_each_fate_is_one_sentence(row: dict[str, object], said: str) -> None:
    assert sentence(NOTHING | row) == said


def test_a_text_is_shortened_on_one_line() -> None:
    assert shortened("one\n\n two\tthree") == "one two three"
    assert shortened("abcdef", 3) == "abc ..."


def test_a_kept_record_is_told_with_origin_text_and_fates(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS))
    state = lakes.state()
    publish_ledger(state, "default", PLAIN, KNOWN)
    publish_ledger(state, "raw", PLAIN, KNOWN)
    told = story(lakes.lake, id_of(1), default=PLAIN, raw=PLAIN)
    assert told.fates == {"default": "kept", "raw": "kept"}
    assert (told.origin.repo, told.origin.file, told.origin.row, told.origin.link) == ("org/aa", FILE, 1, None)
    text = str(told)
    assert f"as aa:{FILE}:1" in text
    assert "prompt user: Name a colour." in text
    assert "completion assistant: Blue." in text
    assert "pass 1: kept, new" in text
    assert repr(told) == text


def test_an_online_record_links_to_its_file_at_its_commit(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS))
    told = tell(lakes.lake, id_of(0), {}, KNOWN, online=True)
    assert told.origin.link == f"https://huggingface.co/datasets/org/aa/blob/c0ffee{34 * '0'}/{FILE}"


def test_every_ground_is_told_beside_the_first(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS, license="cc-by-nc-4.0"))
    opened = lakes.state()
    state = lakes.state(bridges=[hashes(opened)[id_of(2)]])
    recipe = Recipe(sources={"aa": SourceUse(limit=2)}, licence=LicencePolicy(exclude=["cc-by-nc-4.0"]))
    publish_ledger(state, "default", recipe, KNOWN)
    told = story(lakes.lake, id_of(2), default=recipe).recipes[0]
    assert told.fate == "not in recipe: it is row 2 of its source (from 0), and the recipe takes 2"
    assert told.hits == (
        "licence: the recipe does not take cc-by-nc-4.0",
        "split bridge: it is tied to two sides, so it may stand on neither",
    )
    assert story(lakes.lake, id_of(0), default=recipe).recipes[0].hits == ()


def test_duplicates_and_conflicts_are_told_with_their_fates(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", [*QUESTIONS, QUESTIONS[0]]))
    lakes.source("bb", instructions("bb", [("How high is this tower?", "300 m."), ("Name a colour!", "Red.")]))
    held = hashes(lakes.state())
    pairs = pl.DataFrame(
        [
            pair(held[id_of(0)], held[id_of(0, "bb")], 0.84),
            pair(held[id_of(0)], held[id_of(1, "bb")], 0.72),
            pair(held[id_of(0)], held[id_of(2)], 0.9, "same text, other gold"),
        ]
    )
    state = lakes.state(pairs)
    fates = pl.DataFrame(
        {
            "id": [id_of(3), id_of(0, "bb")],
            "fate": ["exact duplicate", "near-duplicate"],
            "survivor": [id_of(0), id_of(0)],
            "similarity": [1.0, 0.84],
        }
    )
    recipe = Recipe(sources={"aa": None, "bb": None}, duplicates=Duplicates(near=0.8))
    lakes.published(state, "default", recipe.hash, fates.with_columns(family=pl.lit("instruction")))
    survivor = story(lakes.lake, id_of(0), default=recipe).recipes[0]
    assert survivor.fate == "kept"
    assert survivor.hits == (
        f"equal to {id_of(3)} (exact duplicate)",
        f"near-equal to {id_of(0, 'bb')} (0.840, near-duplicate)",
        f"same text, other gold, so neither goes: {id_of(2)} (0.900, kept)",
    ), "a pair below the recipe's threshold is no hit"
    copy = story(lakes.lake, id_of(3), default=recipe).recipes[0]
    assert copy.fate == f"exact duplicate of {id_of(0)}"
    assert f"near-equal to {id_of(0, 'bb')} (0.840, near-duplicate)" in copy.hits, "the pairs of its text are its pairs"
    assert not any(hit.startswith("equal to") for hit in copy.hits), "its survivor stands in its fate"


def test_rules_are_told_with_the_signals_that_they_read(lakes: Lakes) -> None:
    seen = {
        "prompt_words": [5, 3, 2],
        "completion_words": [5, 1, 2],
        "completion_refusal": [0, 1, 0],
        "echoed_chars": [0, 0, 0],
    }
    lakes.source("aa", instructions("aa", QUESTIONS), **seen)
    rules = [
        {"name": "short answer", "signal": "completion_words", "comparison": "<", "threshold": 2},
        {"name": "short question", "signal": "prompt_words", "comparison": "<", "threshold": 4},
        {"name": "refuses", "signal": "completion_refusal", "comparison": "==", "threshold": 1, "action": "mark"},
        {"name": "of another source", "signal": "echoed_chars", "comparison": "==", "threshold": 0, "sources": ["bb"]},
    ]
    recipe = Recipe.model_validate({"sources": {"aa": None}, "rules": [rule | {"why": "a test"} for rule in rules]})
    publish_ledger(lakes.state(), "default", recipe, KNOWN)
    told = story(lakes.lake, id_of(1), default=recipe).recipes[0]
    assert told.fate == "dropped by the rule short answer: 1 < 2"
    assert told.hits == ("rule short question: 3 < 4", "rule refuses: 1 = 1 (it only marks)")
    assert told.signals == {"completion_words": 1, "prompt_words": 3, "completion_refusal": 1}
    assert told.because == "a test"
    assert "  signals: completion_words 1, prompt_words 3, completion_refusal 1" in told.lines(id_of(1))
    other = story(lakes.lake, id_of(0), default=recipe).recipes[0]
    assert "  signals: completion_words 5, prompt_words 5, 1 more that are 0" in other.lines(id_of(0))
    assert story(lakes.lake, id_of(0), default=recipe).recipes[0].hits == ()


def test_signals_of_older_code_are_noted_and_the_fate_is_told(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS), prompt_words=[5, 3, 2])
    nothing = pl.DataFrame(schema={"id": pl.String, "fate": pl.String})
    lakes.published(lakes.state(), "default", PLAIN.hash, nothing)
    rule = {"name": "refuses", "signal": "completion_refusal", "comparison": "==", "threshold": 1, "why": "a test"}
    recipe = Recipe.model_validate({"sources": {"aa": None}, "rules": [rule]})
    told = story(lakes.lake, id_of(0), default=recipe).recipes[0]
    assert told.fate == "kept"
    assert "not told: signals of the family instruction: the lake has no signal completion_refusal yet" in told.note


def test_a_pass_is_told_by_the_recipe_that_made_it(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS), completion_words=[3, 1, 2])
    rule = {"name": "short", "signal": "completion_words", "comparison": "<", "threshold": 2, "why": "as it was"}
    publish_ledger(lakes.state(), "default", Recipe.model_validate({"sources": {"aa": None}, "rules": [rule]}), KNOWN)
    for now in (PLAIN, Unreadable(TamisError("is not a key here", where="recipes/default.yaml:3"))):
        told = story(lakes.lake, id_of(1), default=now).recipes[0]
        assert (told.because, told.note, told.signals) == ("as it was", "", {"completion_words": 1.0})


def test_a_pass_from_before_recipes_were_kept_is_told_by_the_file(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS))
    lakes.published(lakes.state(), "default", PLAIN.hash, pl.DataFrame(schema={"id": pl.String, "fate": pl.String}))
    assert story(lakes.lake, id_of(2), default=PLAIN).recipes[0].note == ""
    edited = Recipe(sources={"aa": SourceUse(limit=1)})
    assert "was edited since this pass" in story(lakes.lake, id_of(2), default=edited).recipes[0].note
    broken = Unreadable(TamisError("is not a key here", where="recipes/default.yaml:3"))
    told = story(lakes.lake, id_of(2), default=broken).recipes[0]
    assert told.fate == "kept"
    assert "recipes/default.yaml:3" in told.note


def test_the_past_follows_the_content_to_its_new_id(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS))
    publish_ledger(lakes.state(), "default", PLAIN, KNOWN)
    lakes.source("aa", instructions("aa", [("What is new?", "This row."), *QUESTIONS]))
    limited = Recipe(sources={"aa": SourceUse(limit=3)})
    publish_ledger(lakes.state(), "default", limited, KNOWN)

    moved = story(lakes.lake, id_of(3), default=limited)
    assert [str(move.told(id_of(3))) for move in moved.recipes[0].past.moves] == [
        f"pass 1: kept, new as {id_of(2)}",
        f"pass 2: not in recipe; upstream had it as {id_of(2)} before (kept)",
    ]
    assert moved.other == ()

    took_over = story(lakes.lake, id_of(0), default=limited)
    assert [move.told(id_of(0)) for move in took_over.recipes[0].past.moves] == ["pass 2: kept, new"]
    assert len(took_over.other) == 1
    assert "until pass 2 this id held other content" in took_over.other[0]
    assert took_over.other[0].endswith(f"kept, which is now {id_of(1)}"), "both contents are named"


def test_copies_of_one_content_have_pasts_of_their_own(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", [QUESTIONS[0], QUESTIONS[0], QUESTIONS[1]]))
    state = lakes.state()
    publish_ledger(state, "default", PLAIN, KNOWN)
    content = hashes(state)[id_of(0)]
    assert [move.id for move in past(lakes.lake, "default", id_of(0), content).moves] == [id_of(0)]


def test_an_earlier_pass_can_be_read(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS))
    publish_ledger(lakes.state(), "default", PLAIN, KNOWN)
    limited = Recipe(sources={"aa": SourceUse(limit=1)})
    publish_ledger(lakes.state(), "default", limited, KNOWN)
    assert story(lakes.lake, id_of(2), default=limited).fates["default"].startswith("not in recipe")
    earlier = tell(lakes.lake, id_of(2), {"default": limited}, KNOWN, number=1).recipes[0]
    assert (earlier.number, earlier.fate, len(earlier.past.moves)) == (1, "kept", 1)
    with pytest.raises(TamisError, match=r"no pass 7\. The last one is 2"):
        tell(lakes.lake, id_of(2), {}, KNOWN, number=7)


def test_a_record_that_left_is_told_from_the_pass_that_had_it(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS))
    publish_ledger(lakes.state(), "default", PLAIN, KNOWN)
    lakes.source("aa", instructions("aa", QUESTIONS[:1]))
    publish_ledger(lakes.state(), "default", PLAIN, KNOWN)
    told = story(lakes.lake, id_of(1))
    assert told.record["prompt"][0]["content"] == "Name a colour."
    assert told.recipes[0].fate == "left with pass 2; kept before"


def test_what_was_read_since_is_not_published_yet(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS))
    assert str(story(lakes.lake, id_of(0))).endswith("not published yet: no recipe has a pass")
    publish_ledger(lakes.state(), "default", PLAIN, KNOWN)
    lakes.source("aa", instructions("aa", [("Who else?", "Nobody."), *QUESTIONS]))
    newcomer = story(lakes.lake, id_of(3))
    assert newcomer.fates == {"default": "not published yet: read after pass 1"}
    held = story(lakes.lake, id_of(0))
    assert held.record["prompt"][0]["content"] == "How high is the tower?", "what is published is told"
    assert "now holds other content" in held.other[0]
    assert "not published yet" in held.other[0]


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("aaa/instruction/default.train.0.1", id_of(1)),
        ("aa/instructions/default.train.0.1", id_of(1)),
        ("aa/instruction/default.train.0.9", id_of(0)),
        ("default.train.0.2", id_of(2)),
    ],
)
def test_an_unknown_id_is_answered_with_the_nearest(lakes: Lakes, wrong: str, near: str) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS))
    with pytest.raises(TamisError, match=rf"{wrong}: there is no such record\. Near it: .*{near}"):
        story(lakes.lake, wrong)


def test_nothing_like_an_id_is_answered_with_what_ids_are(lake: Lake) -> None:
    with pytest.raises(TamisError, match="<source>/<family>/<key>"):
        story(lake, "zzz")


def test_a_row_is_told_with_its_records_or_its_reason(lakes: Lakes) -> None:
    left_out = pl.concat(
        [
            reject("aa", 3, "broken line", '{"text": '),
            reject("aa", 4, "part of a longer path", "{}", selected=False),
        ]
    )
    lakes.source("aa", instructions("aa", QUESTIONS), left_out)
    publish_ledger(lakes.state(), "default", PLAIN, KNOWN)
    gave = tell_row(lakes.lake, "aa", FILE, 1, KNOWN)
    assert (gave.outcome, gave.records) == ("yielding", {id_of(1): {"default": "kept"}})
    rejected = tell_row(lakes.lake, "aa", FILE, 3, KNOWN)
    assert (rejected.outcome, rejected.reasons, rejected.excerpt) == ("rejected", ("broken line",), '{"text":')
    assert "why: broken line" in str(rejected)
    aside = tell_row(lakes.lake, "aa", FILE, 4, KNOWN)
    assert (aside.outcome, aside.reasons) == ("not selected", ("part of a longer path",))


def test_a_row_read_since_the_last_pass_is_told(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS[:1]))
    publish_ledger(lakes.state(), "default", PLAIN, KNOWN)
    lakes.source("aa", instructions("aa", QUESTIONS))
    told = tell_row(lakes.lake, "aa", FILE, 2, KNOWN)
    assert told.records == {id_of(2): {}}
    assert "not published yet" in str(told)


@pytest.mark.parametrize(
    ("source", "file", "row", "said"),
    [
        ("aaa", FILE, 0, r"no source 'aaa'\. Did you mean aa\?"),
        ("bb", FILE, 0, "nothing of this source has been read"),
        ("aa", "data/trian.jsonl", 0, f"no file .* Near it: {FILE}"),
        ("aa", FILE, 3, "no row 3. 3 rows of this file were read"),
    ],
)
def test_a_row_that_was_not_read_is_answered_with_what_is_near(
    lakes: Lakes, source: str, file: str, row: int, said: str
) -> None:
    lakes.source("aa", instructions("aa", QUESTIONS))
    with pytest.raises(TamisError, match=said):
        tell_row(lakes.lake, source, file, row, KNOWN)


def test_places_are_told_from_ids() -> None:
    assert place("hh_rlhf:harmless-base/train.jsonl.gz:12") == ("hh_rlhf", "harmless-base/train.jsonl.gz", 12)
    assert place("aa:a:b.jsonl:3") == ("aa", "a:b.jsonl", 3)
    assert place("aa/instruction/x:1:2") is None
    assert place(id_of(1)) is None
