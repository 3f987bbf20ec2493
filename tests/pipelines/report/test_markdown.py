import base64
import re
import xml.etree.ElementTree as ET

from pipelines.ledger import funnel
from pipelines.report import markdown
from pipelines.report.summary import record_stages


def test_rejects_are_counted_by_reason(corpus):
    text = markdown.rejects_markdown(corpus.lake, "alpaca", ())
    assert re.search(r"\| rejected \| broken line \| 2 \|", text)
    assert re.search(r"\| left out \| part of a longer path \| 1 \|", text)
    assert "<script>" not in text
    assert markdown.rejects_markdown(corpus.lake, "sky_t1", ()) == "Every row yields a record."


def test_a_reject_of_one_family_says_which(corpus):
    assert "| rejected as grpo | no verifier | 1 |" in markdown.rejects_markdown(corpus.lake, "gsm8k", ())


def test_rows_stand_in_blocks_that_no_text_can_end(corpus):
    text = markdown.rows_markdown(corpus.lake, "hh_rlhf", ("preference",), ())
    assert text.count("~~~text") == 2
    assert "Gladly." in text
    assert markdown._fenced("a\n~~~~\nb").startswith("~~~~~text\n")


def test_the_funnel_table_and_picture_hold_the_counts(corpus):
    counts = funnel(corpus.published.ledger())
    assert "| rule | empty answer | 2 |" in markdown.funnel_markdown(counts)
    picture = markdown.funnel_picture(record_stages(counts))
    held = re.fullmatch(r"!\[funnel\]\(data:image/svg\+xml;base64,([^)]+)\)", picture)
    assert held is not None
    assert len(picture) < 20_000
    drawn = ET.fromstring(base64.b64decode(held[1]))
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:2] == ["records", str(len(corpus.ledger))]
    assert "− near-duplicate" in texts


def test_kept_and_dropped_records_say_why(corpus):
    text = markdown.kept_and_dropped_markdown(corpus.published)
    assert "#### Dropped: empty answer (2)" in text
    assert "value 0, threshold 1" in text
    assert "survivor alpaca/instruction/default.train.0.29 at 1.000" in text


def test_signals_are_summed_up_where_there_are_some(corpus):
    text = markdown.signals_markdown(corpus.lake, "alpaca", ("instruction",))
    assert "| prompt\\_words | 30 |" in text
    assert markdown.signals_markdown(corpus.lake, "gsm8k", ("grpo",)) == "There are no signals."
