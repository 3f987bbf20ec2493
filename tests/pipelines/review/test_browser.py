"""What an annotator sees and does, in a real browser before the real server, and what becomes of the answers."""

import re
import shutil
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from lakes import known
from review_lake import RECIPE, TRAP

from pipelines.exports import export
from pipelines.ledger import publish_ledger
from pipelines.story.tell import tell
from pipelines.workspace import Workspace
from schemas.families import FAMILIES

playwright = pytest.importorskip("playwright.sync_api")

Round = Any
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_MS = 60_000


@pytest.fixture
def page(round_: Round) -> Iterator[Any]:
    """A page in which the annotator is logged in."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_page(viewport={"width": 1500, "height": 1000})
        opened.set_default_timeout(PATIENCE_MS)
        # The page asks Google for fonts; a test asks nobody.
        opened.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
        yield opened
        browser.close()


def logged_in(page: Any, round_: Round) -> None:
    account = round_.server.annotator
    page.goto(f"{round_.server.url}/sign-in")
    page.locator("input").nth(0).fill(account.username)
    page.locator("input[type=password]").fill(account.password)
    page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).click()
    page.get_by_text("Your datasets").wait_for()


def test_ten_minutes_of_an_annotator(page: Any, round_: Round, place: Workspace) -> None:
    made = round_.made
    round_.push(*(made.queue(family, (0, "near a threshold")) for family in FAMILIES))
    logged_in(page, round_)
    for family in FAMILIES:
        page.goto(f"{round_.server.url}/dataset/{round_.datasets(family)[0].id}/annotation-mode?_status=pending")
        page.get_by_text("Why you are asked").wait_for()
        page.get_by_text(f"What is 0 in {family}?").wait_for()
        if family == "cot":
            thought = page.get_by_text("I think of </script>")
            assert not thought.is_visible(), "reasoning is folded"
            page.get_by_text("words (click to unfold)").click()
            thought.wait_for()
        if family == "preference":
            left, right = (
                page.locator("details, div").get_by_text(side, exact=True).first for side in ("Left", "Right")
            )
            assert abs(left.bounding_box()["y"] - right.bounding_box()["y"]) < 2, "side by side"
            page.get_by_text(re.compile(r"good </script>.*\$\$x\$\$ <img src=x.* a < b &amp; c")).first.wait_for()
        if family in ("instruction", "cot"):
            assert TRAP.split("\n")[0] in page.locator("body").inner_text(), "shown letter by letter"
        assert page.evaluate("window.ran") is None, "nothing in a data set runs"
        assert page.locator(".iframe, iframe").count() == 0
        # What is suggested is chosen already, and a click would take it away.
        if family == "instruction":
            page.get_by_text("Keep", exact=True).first.click()
        with page.expect_response(re.compile(r"/responses(/bulk)?$")) as answered:
            page.get_by_role("button", name=re.compile("Submit")).click()
        assert answered.value.ok
        page.get_by_text("100.00%").wait_for()
        progress = round_.client.http_client.get(f"/api/v1/datasets/{round_.datasets(family)[0].id}/progress").json()
        assert (progress["completed"], progress["pending"]) == (1, 0)

    assert round_.pull().new == 4
    told = dict(round_.verdicts().select("family", "decision").rows())
    assert told == {"instruction": "keep", "preference": "drop", "cot": "drop", "grpo": "drop"}
    assert set(round_.verdicts()["user"]) == {round_.server.annotator.username}

    # Without a verdict the rule drops every answer of three words.
    done = publish_ledger(made.published.state, "default", RECIPE, known("aa"))
    fates = {id_: (fate, reason) for id_, fate, reason in done.ledger.select("id", "fate", "reason").rows()}
    assert fates["aa/instruction/0"][0] == "kept"
    assert fates["aa/instruction/1"] == ("rule", "short")
    assert fates["aa/preference/0"][0] == fates["aa/grpo/0"][0] == "verdict"
    assert fates["aa/preference/1"][0] == "kept"
    export(place, done.published, RECIPE)
    exported = pl.read_parquet(place.exports / "default" / "instruction" / "train.parquet")
    assert [row[0]["content"] for row in exported["completion"]] == [TRAP]
    assert pl.read_parquet(place.exports / "default" / "preference" / "train.parquet").height == 5
    assert "turned down by people" in str(tell(made.lake, "aa/preference/0", {"default": RECIPE}, known("aa")))
