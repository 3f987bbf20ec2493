"""What a recipe redacts is in no report and in no excerpt that Dagster shows."""

import polars as pl
import pytest
from lakes import Lakes, instructions, known, reject

from pipelines import corpus
from pipelines.as_published import redaction_of
from pipelines.catalogue import redaction_now
from pipelines.lake import Lake
from pipelines.ledger import publish_ledger
from pipelines.quality.redaction import KINDS
from pipelines.recipe import Recipe
from pipelines.report.html import render
from pipelines.report.markdown import kept_and_dropped_markdown, rejects_markdown, rows_markdown
from pipelines.report.summary import RunOutcome, summarise
from pipelines.states import Pass
from pipelines.workspace import Workspace

MAIL = "ann@example.org"
OUTCOME = RunOutcome({}, ("default",), (), (), 1.0)


def published(lake: Lake, *kinds: str) -> Pass:
    lakes = Lakes(lake)
    texts = [(f"Is it {MAIL}?", f"Yes, {MAIL}."), (f"And {MAIL}?", "No.")]
    lakes.source("aa", instructions("aa", texts), reject("aa", 2, "broken line", f'{{"mail": "{MAIL}'))
    recipe = Recipe.model_validate({"sources": {"aa": {"limit": 1}}, "redact": list(kinds)})
    return publish_ledger(lakes.state(), "default", recipe, known("aa")).published


@pytest.mark.parametrize(("kinds", "there"), [((), True), (("emails",), False)])
def test_a_report_shows_it_only_where_the_recipe_leaves_it(
    place: Workspace, lake: Lake, kinds: tuple[str, ...], there: bool
) -> None:
    one = published(lake, *kinds)
    page = render(summarise(place, lake, OUTCOME))
    told = [
        page,
        kept_and_dropped_markdown(one),
        rejects_markdown(lake, "aa", redaction_of(one)),
        rows_markdown(lake, "aa", ("instruction",), redaction_of(one)),
    ]
    for text in told:
        plain = text.replace("\\", "").replace("&#64;", "@")
        assert (MAIL in plain) is there
        assert ("[e-mail]" in plain) is not there


def test_what_an_unknown_recipe_redacts_is_everything(lake: Lake) -> None:
    lakes = Lakes(lake)
    lakes.source("aa", instructions("aa", [("Who?", "Ann.")]))
    lakes.published(lakes.state(), "old", "h", pl.DataFrame(schema={"id": pl.String, "fate": pl.String}))
    old = corpus.open("sample")._published("old")
    assert redaction_of(old) == KINDS
    assert redaction_now() == [], "no recipe here redacts anything"
