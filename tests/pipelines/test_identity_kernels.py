"""The kernels of the hashes against their definition, written in plain Python."""

import re
import unicodedata

import polars as pl
import polars_hash as plh
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.identity import fold, with_hashes
from pipelines.kernels.composing import in_nfc
from pipelines.kernels.encoding import Texts
from schemas.families import COT, FAMILIES, MESSAGES, Family

MESSAGE = pl.Struct(dict.fromkeys(("role", "content", "tool_calls", "tool_call_id", "name"), pl.String))
BESIDE = ("tools", "answer", "verifier", "verifier_args")
SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""Unicode's White_Space; Python's own holds the separators \x1c to \x1f too."""

ODD = [*SPACE, *"\x00\x1c\x1e`aAzZé`", "```", "e\u0301", "\u0301", "\u212b", "\u1100\u1161", "\uac00\u11a8", "Σ", "ΑΣ"]
ODD += [
    "İ",
    "ẞ",
    "Ⱥ",
    "\u212a",
    "Ａ",
    "Ё",
    "漢",
    "\u09c7\u09be",
    "\U0002f800",
    "\U00010400",
    "\U000e0041",
    "\u0378",
    "ǅ",
]
letters = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
texts = st.lists(letters, max_size=8).map("".join)
some = st.none() | texts
roles = st.sampled_from(["system", "user", "assistant", "systems", None])
messages = st.fixed_dictionaries(
    {"role": roles, "content": some, "tool_calls": some, "tool_call_id": some, "name": some}
)
talks = st.none() | st.lists(messages, max_size=3)


def nfc(text: str | None) -> str | None:
    return None if text is None else unicodedata.normalize("NFC", text)


def lowered(text: str) -> str:
    """Lower case outside fences; of the library, since Python's Unicode may be of another version."""
    pieces = text.split("```")
    outside = pl.Series(pieces[::2], dtype=pl.String).str.to_lowercase()
    return "```".join(outside[n // 2] if n % 2 == 0 else piece for n, piece in enumerate(pieces))


def folded(text: str) -> str:
    return re.sub(f"[{SPACE}]+", " ", lowered(text)).strip(" ")


def encoded(text: str | None) -> bytes:
    return b"-" if text is None else b"%d:%s" % (len(text.encode()), text.encode())


def encoded_talk(talk, *, system: bool = True) -> bytes:
    if talk is None:
        return b"-"
    said = [m for m in talk if system or m["role"] not in ("system", None)]
    fields = [encoded(nfc(m[f]) if f == "content" else m[f]) for m in said for f in MESSAGE.to_schema()]
    return b"%d[" % len(said) + b"".join(fields)


def part_text(part) -> str:
    if isinstance(part, list):
        spoken = [m["content"] for m in part if m["role"] not in ("system", None) and m["content"] is not None]
        part = "\n\n".join(nfc(t) or "" for t in spoken)
    return (nfc(part) or "").strip(SPACE)


def digest(data: bytes) -> bytes:
    frame = pl.DataFrame({"text": [data]}, schema={"text": pl.Binary}).select(pl.col("text").cast(pl.String))
    return bytes.fromhex(frame.select(plh.col("text").chash.blake3()).item())[:16]


def hashed(family: Family) -> dict[str, bool]:
    """The columns that the content hash reads, and whether each holds messages."""
    names = [*family.parts, *(name for name in BESIDE if name in family.schema.names)]
    return {name: family.schema.field(name).type == MESSAGES for name in names}


def expected(row: dict, family: Family) -> tuple[bytes, bytes, bytes]:
    content = f"{family.name};".encode()
    for name, is_talk in hashed(family).items():
        value = row[name]
        content += encoded_talk(value) if is_talk else encoded(nfc(value) if name in family.parts else value)
    match = folded("\x1e".join(part_text(row[part]) for part in family.compared))
    return digest(content), digest(encoded_talk(row["prompt"], system=False)), digest(match.encode())


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_the_hashes_are_those_of_their_definition(family: Family, data: st.DataObject) -> None:
    columns = hashed(family)
    row = st.fixed_dictionaries({name: talks if is_talk else some for name, is_talk in columns.items()})
    rows = data.draw(st.lists(row, min_size=1, max_size=4))
    types = {name: pl.List(MESSAGE) if is_talk else pl.String for name, is_talk in columns.items()}
    frame = pl.DataFrame(rows, schema=types)
    found = with_hashes(frame, family)
    assert found.select("content_hash", "prompt_hash", "match_hash").rows() == [expected(row, family) for row in rows]
    assert with_hashes(frame[1:], family).equals(found[1:])


@settings(deadline=None, max_examples=150)
@given(given_=st.lists(some, max_size=6))
@example(given_=["``` A ``` B ``` C", "````A", "`` `A", "ΑΣ ΑΣΑ Σ", " \u2028 ", None, ""])
def test_folding_is_that_of_its_definition(given_: list[str | None]) -> None:
    found = fold(pl.Series(given_, dtype=pl.String)).to_list()
    assert found == [None if text is None else folded(text) for text in given_]


def test_every_character_is_composed_and_folded_as_by_the_library() -> None:
    """Alone, behind a letter and before a mark that composes with many."""
    characters = pl.Series(
        [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000 and not 0x30000 < code < 0xE0000]
    )
    for before, behind in (("", ""), ("a", "\u0301"), ("\u1100", "\u1161")):
        made = before + characters + behind
        composed = in_nfc(Texts.of(made))
        assert isinstance(composed, Texts)
        assert composed.series().equals(made.str.normalize("NFC"))
    plain = characters.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    assert fold(characters).equals(plain)


def test_a_null_reasoning_is_not_an_empty_one() -> None:
    talk = [{"role": "user", "content": "q", "tool_calls": None, "tool_call_id": None, "name": None}]
    rows = [
        {"prompt": talk, "reasoning": r, "completion": talk, "tools": None, "answer": None} for r in (None, "", None)
    ]
    types = dict.fromkeys(rows[0], pl.String) | {"prompt": pl.List(MESSAGE), "completion": pl.List(MESSAGE)}
    hashes = with_hashes(pl.DataFrame(rows, schema=types), COT)["content_hash"].to_list()
    assert hashes[0] == hashes[2] != hashes[1]
