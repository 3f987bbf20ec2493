import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from pipelines.benchmarks.catalogue import NAMES
from pipelines.report.html import render, write_report
from pipelines.report.summary import RunOutcome, summarise
from pipelines.sample_hub import manifest
from pipelines.training.compare import Comparison, Difference
from schemas.families import FAMILIES

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page(HTMLParser):
    """Tables by id, as rows of the cells' text; addresses that might be fetched; and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.addresses: list[str] = []
        self.tags: Counter[str] = Counter()
        self.text = ""
        self._table: list[list[str]] | None = None
        self._cell: list[str] | None = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        named = dict(attributes)
        self.addresses += [
            v for k, v in named.items() if k in ("src", "href", "srcset", "action", "data", "xlink:href")
        ]
        if tag == "table":
            self._table = self.tables.setdefault(named.get("id") or named.get("class") or "", [])
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in ("td", "th"):
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self._table is not None and self._cell is not None:
            self._table[-1].append(" ".join("".join(self._cell).split()))
            self._cell = None
        elif tag == "table":
            self._table = None

    def handle_data(self, data):
        self.text += data
        if self._cell is not None:
            self._cell.append(data)

    def rows(self, table: str) -> list[list[str]]:
        return self.tables[table][1:]


def number(text: str) -> int:
    return int(text.replace(",", "") or 0)


@pytest.fixture(scope="module")
def page(corpus):
    return Page(render(corpus.summary()))


def test_the_sources_table_equals_the_lake(corpus, page):
    fates = corpus.count("source", "fate")
    families = corpus.count("source", "family")
    shown = {
        row[0].split()[0]: [number(cell) for cell in row[2:]] for row in page.rows("table-sources") if len(row) > 3
    }
    for source, rows in corpus.rows.items():
        whole = [r for r in corpus.rejects if r["source"] == source and r["family"] is None]
        rejected = sum(1 for r in whole if r["selected"])
        dropped = sum(n for (name, fate), n in fates.items() if name == source and fate != "kept")
        assert shown[source] == [
            rows,
            rows - len(whole),
            rejected,
            len(whole) - rejected,
            *(families[source, family] for family in FAMILIES),
            fates[source, "kept"],
            dropped,
        ]
    assert shown["all"] == [sum(column) for column in zip(*(shown[name] for name in corpus.rows), strict=True)]


def test_every_fate_is_shown_with_its_count(corpus, page):
    shown = {(r[0], r[1], r[2], r[3]): number(r[4]) for r in page.rows("table-fates")}
    counted = corpus.count("source", "family", "fate", "reason")
    assert shown == {(s, f, fate, reason or ""): n for (s, f, fate, reason), n in counted.items()}


def test_sides_and_rejects_equal_the_lake(corpus, page):
    kept = Counter((r["family"], r["side"]) for r in corpus.ledger if r["fate"] == "kept")
    for family, *sides in page.rows("table-sides"):
        assert [number(n) for n in sides] == [kept[family, side] for side in ("train", "validation", "test")]
    reasons = Counter((r["source"], r["reason"]) for r in corpus.rejects)
    assert {(r[0], r[2]): number(r[3]) for r in page.rows("table-rejects")} == reasons


def test_lengths_are_shown_for_the_families_that_have_signals(page):
    shown = {row[0]: row for row in page.rows("table-lengths")}
    assert shown["instruction"][1] == "words"
    assert shown["cot"][1] == "characters"
    assert "grpo" not in shown
    # Row n has n + 1 words of prompt and 3 n of completion, for n from 0 to 29.
    assert number(shown["instruction"][2]) == 30
    assert number(shown["instruction"][4]) in (4 * 14 + 1, 4 * 15 + 1)


def test_text_of_records_is_escaped(corpus, page):
    assert page.tags["script"] == 0
    assert '<script>alert("x")</script>' in page.text
    assert page.tags["img"] == 0
    assert "\x00" not in render(corpus.summary())


def test_nothing_is_fetched(page):
    assert page.addresses
    assert [a for a in page.addresses if not a.startswith(("#", "data:,"))] == []


def test_long_text_is_folded(page):
    assert "7,500 characters" in page.text
    assert "3,500 more characters" in page.text


def test_evidence_stands_beside_dropped_records(page):
    text = " ".join(page.text.split())
    assert "value 0, threshold 1" in text
    assert "similarity 0.812 to alpaca/instruction/default.train.0.29" in text
    assert "this Hub does not have it" in text
    assert "No record is compared with any benchmark." in text


def test_each_benchmark_stands_there_and_whether_it_was_checked(page):
    shown = {row[0]: row for row in page.rows("table-benchmarks")}
    assert list(shown) == list(NAMES)
    assert shown["GPQA"][1] == "NOT CHECKED" and "never built" in shown["GPQA"][-1]


def test_a_missed_defect_is_shown_as_missed(corpus):
    plants = [("empty answer", 29, ["rule"])]
    rows = [
        {"kind": kind, "source": "alpaca", "file": "data/alpaca.parquet", "row": row, "outcomes": outcomes}
        for kind, row, outcomes in plants
    ]
    frame = pl.DataFrame(rows, schema_overrides={"outcomes": pl.List(pl.String)})
    missing = [pl.lit(None, dtype=t).alias(n) for n, t in manifest.SCHEMA.items() if n not in frame.columns]
    manifest.write(frame.with_columns(missing), corpus.place.planted)
    try:
        shown = {row[0]: row for row in Page(render(corpus.summary())).rows("table-defects")}
    finally:
        corpus.place.planted.unlink()
    assert shown["empty answer"][1] == "missed"
    assert shown["empty answer"][-1] == "alpaca/instruction/default.train.0.29 (kept)"


def test_the_losses_are_shown_with_a_plain_sentence(corpus):
    worse = Difference(curated=5.25, baseline=5.0, low=0.2, high=0.3, rows=10, tokens=100)
    found = Comparison("default.sft", "raw.sft", 1000, base=9.0, all=worse, kept=worse)
    page = Page(render(corpus.summary(comparisons=(found,))))
    assert "Curation did not help" in page.text
    assert page.rows("table-losses")[0][:6] == [
        "whole test set",
        "10",
        "5.2500",
        "5.0000",
        "+0.2500",
        "+0.2000 to +0.3000",
    ]


def test_a_workspace_without_a_pass_still_has_a_page_with_its_rejects(corpus, place, lake):
    lake.append("rejects", corpus.lake.scan("rejects").collect())
    page = Page(render(summarise(place, lake, RunOutcome({}, (), (), ("alpaca: it broke",), 1.0))))
    assert "Nothing is published" in page.text
    assert "alpaca: it broke" in page.text
    assert sum(number(row[3]) for row in page.rows("table-rejects")) == len(corpus.rejects)


def test_the_page_is_replaced_whole(corpus):
    corpus.place.report.write_text("old", encoding="utf-8")
    written = write_report(corpus.summary())
    assert written == corpus.place.report
    assert written.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [p.name for p in written.parent.iterdir() if p.name.startswith(".report")] == []


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine")
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_a_browser_shows_the_page_without_errors_or_requests(corpus, width, scheme):
    sync_api = pytest.importorskip("playwright.sync_api")
    path = Path(write_report(corpus.summary()))
    said: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: said.append(request.url))
        tab.goto(path.as_uri())
        tables = tab.locator("table").count()
        overflow = tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        bars = tab.locator("#funnel .track i").first.bounding_box()
        browser.close()
    assert said == [path.as_uri()]
    assert tables >= 6
    assert overflow <= 0
    assert bars is not None and bars["width"] > 100
