import unicodedata

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipelines.quality.characters import characters

# Joiners, soft hyphens, direction marks: invisible, and rightly there.
ALLOWED = {0xAD, 0x61C, *range(0x200C, 0x2010)}
# Below U+2FFF the tables of Python and polars agree on what is assigned, whatever their versions of Unicode.
letters = st.characters(max_codepoint=0x2FFF, exclude_categories=["Cs", "Cn"])


def count(text: str) -> dict[str, int]:
    return characters(pl.Series([text])).row(0, named=True)


def reference(text: str) -> dict[str, int]:
    """The same counts, one character at a time."""
    words = letters = digits = marks = hidden = spaces = 0
    inside = False
    for char in text:
        category = unicodedata.category(char)
        if char.isspace() and not 0x1C <= ord(char) <= 0x1F:
            spaces, inside = spaces + 1, False
        elif category[0] == "L":
            name = unicodedata.name(char, "")
            alone = name.startswith(("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "KANGXI"))
            words += alone or not inside
            letters, inside = letters + 1, not alone
        elif category[0] == "N":
            words += not inside
            digits, inside = digits + 1, True
        elif category[0] == "M":
            marks += 1
        elif category[0] == "C" and ord(char) not in ALLOWED:
            hidden, inside = hidden + 1, False
        else:
            inside = False
    return {
        "chars": len(text),
        "visible": len(text) - spaces - hidden,
        "words": words,
        "word_chars": letters + digits + marks,
        "letters": letters,
        "digits": digits,
        "non_printing": hidden,
    }


@given(st.text(alphabet=letters))
def test_counts_are_those_of_a_loop_over_the_characters(text: str) -> None:
    counted = count(text)
    expected = reference(text)
    assert {name: counted[name] for name in expected} == expected
    assert counted["visible"] == counted["word_chars"] + counted["symbols"]


@given(st.lists(st.text()))
def test_a_text_is_counted_alike_in_any_company(texts: list[str]) -> None:
    together = characters(pl.Series(texts, dtype=pl.String)).rows()
    assert together == [characters(pl.Series([text])).row(0) for text in texts]


def test_a_null_has_no_counts_and_a_slice_is_counted_from_its_start() -> None:
    texts = pl.Series(["zero", None, "two words"])[1:]
    assert characters(texts)["words"].to_list() == [None, 2]


def test_scripts_without_spaces_count_each_character_as_a_word() -> None:
    assert count("你好 world")["words"] == 3
    assert count("สวัสดี")["words"] >= 4
    assert count("한국어 문장")["words"] == 2


def test_letters_of_the_script_that_has_most() -> None:
    assert count("mostly Latin, и немного")["main_script"] == 11
    assert count("漢字とかな and")["main_script"] == 5


def test_text_that_was_decoded_as_windows_1252_is_found() -> None:
    for right in ("café", "naïve", "“quoted”", "it’s", "日本語", "Привет", "🙂"):
        wrong = right.encode().decode("cp1252", errors="ignore")
        assert count(right)["mojibake"] == 0, right
        if "?" not in wrong and right not in ("日本語", "Привет"):
            assert count(wrong)["mojibake"] >= 1, wrong
    assert count("lost \ufffd here")["mojibake"] == 1


def test_honest_accents_are_no_mojibake() -> None:
    honest = "CAFÉ» « café » “Ä” Ñ… São «Å» à la carte, “NÃO”, ÇA VA – ÊTRE"
    assert count(honest + " l’été « l’après-midi » NÃO»")["mojibake"] == 0


def test_joiners_and_direction_marks_belong_to_text() -> None:
    assert count("👨\u200d👩\u200d👧 می\u200cخواهم co\u00adop \u200fשלום")["non_printing"] == 0
    assert count("a\x00b\u200bc\ufeffd\ue000e\x7f")["non_printing"] == 5
    assert count("tab\tline\nreturn\r")["non_printing"] == 0


def test_what_cannot_be_seen_is_not_visible() -> None:
    assert count(" \n\t\u200b\ufeff\u3000\xa0")["visible"] == 0
