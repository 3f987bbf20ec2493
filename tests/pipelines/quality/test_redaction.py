import json
from typing import Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings

from pipelines.quality.redaction import KINDS, PLACEHOLDERS, Kind, redacted, redacted_columns
from pipelines.quality.signals import signals
from schemas.families import FAMILIES

CARD, IBAN, KEY = "4111 1111 1111 1111", "GB82 WEST 1234 5698 7654 32", "hf_" + "a" * 34
PEM = "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,0F\n\nabc/+=\n-----END RSA PRIVATE KEY-----"


def clean(*texts: str | None, kinds: tuple[Kind, ...] = KINDS) -> list[str | None]:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return frame.select(redacted(pl.col("text"), kinds))["text"].to_list()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Write to ann.lee@example.org, please.", "Write to [e-mail], please."),
        ("Call (+49 30 1234567) or 555-123-4567.", "Call ([telephone number]) or [telephone number]."),
        ("+49 30 1234567\n+49 30 7654321", "[telephone number]\n[telephone number]"),
        (f"Pay with {CARD}, {CARD}!", "Pay with [card number], [card number]!"),
        (f"{CARD} {CARD} {CARD}", "[card number] [card number] [card number]"),
        ("Not one: 4111 1111 1111 1112, 0.4111111111111111", "Not one: 4111 1111 1111 1112, 0.4111111111111111"),
        (f"{IBAN} and GB83 WEST 1234 5698 7654 32", "[bank account] and GB83 WEST 1234 5698 7654 32"),
        (f"token={KEY};", "token=[secret];"),
        (f"{CARD}{IBAN} {CARD}{IBAN}", "[card number][bank account] [card number][bank account]"),
        (f"Key:\n{PEM}\nEnd", "Key:\n[secret]\nEnd"),
        ("`-----BEGIN PRIVATE KEY-----` begins one - as a rule.", "`[secret]` begins one - as a rule."),
        ("ping 192.168.0.1 and 1.2.3", "ping [IP address] and 1.2.3"),
        ("\ufdd00\ufdd0 4111111111111111 \ufdd10\ufdd1", "\ufdd00\ufdd0 [card number] \ufdd10\ufdd1"),
        ("", ""),
        (None, None),
    ],
)
def test_what_is_found_gives_place_to_what_it_was(text: str | None, left: str | None) -> None:
    assert clean(text, "other text", text) == [left, "other text", left]


def test_only_the_kinds_that_are_named_go() -> None:
    text = f"a@b.org {CARD}"
    assert clean(text, kinds=("emails",)) == [f"[e-mail] {CARD}"]
    assert clean(text, kinds=()) == [text]


FOUND = ("a@b.org", "+49 30 1234567", "(555) 123-4567", CARD, "5500000000000004", IBAN, KEY, PEM, "10.0.0.1")
BETWEEN = ("DE89370400440532013000", "1234 5678", "x", " ", "\n", ",", "-", "(", "é", "\ufdd0", "@", ".", "+1", "4111")
PIECES = st.sampled_from([*FOUND, *BETWEEN])
TEXTS = st.lists(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=20), min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(TEXTS)
def test_nothing_that_signals_count_is_left_and_nothing_else_changes(make: Any, texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    family = FAMILIES["instruction"]

    def counts(said: list[str | None]) -> pl.DataFrame:
        found = signals(make("instruction", [{"completion": text} for text in said]), family)
        return found.select(pl.col(f"completion_{kind}") for kind in KINDS)

    left = clean(*texts)
    after = counts(left)
    assert after.sum_horizontal().sum() == 0
    touched = counts(list(texts)).sum_horizontal() > 0
    for text, now, had in zip(texts, left, touched, strict=True):
        assert (now == text) or any(word in str(now) for word in PLACEHOLDERS.values())
        assert not had or now != text


def test_every_text_of_a_record_is_redacted_and_json_stays_json(make: Any) -> None:
    rows = [
        {
            "prompt": [("system", "a@b.org"), ("user", f"My card: {CARD}")],
            "reasoning": "a@b.org",
            "completion": "Call 555-123-4567",
            "answer": "10.0.0.1",
            "meta": '{"mail": "a@b.org"}',
            "tools": '{"card": 4111111111111111}',
        },
        {"prompt": "Why?", "meta": '{"n": 1}'},
    ]
    records = make("cot", rows)
    left = records.lazy().with_columns(redacted_columns(FAMILIES["cot"], KINDS)).collect()
    assert left.schema == records.schema
    first = left.row(0, named=True)
    assert [message["content"] for message in first["prompt"]] == ["[e-mail]", "My card: [card number]"]
    assert (first["reasoning"], first["answer"]) == ("[e-mail]", "[IP address]")
    assert first["completion"][0]["content"] == "Call [telephone number]"
    assert json.loads(first["meta"]) == {"mail": "[e-mail]"}
    assert first["tools"] is None, "it would be no JSON any more"
    assert left.row(1) == records.row(1)
    assert redacted_columns(FAMILIES["cot"], ()) == []
