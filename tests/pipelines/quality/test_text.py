import pytest


def values(measure, signal, texts):
    return measure("instruction", f"completion_{signal}", [{"completion": text} for text in texts])


def test_lengths_and_shares(measure) -> None:
    texts = ["Hello, wörld 42!", "", "1234", "?!"]
    assert values(measure, "chars", texts) == [16, 0, 4, 2]
    assert values(measure, "words", texts) == [3, 0, 1, 0]
    assert values(measure, "mean_word_chars", texts) == [4, 0, 4, 0]
    assert values(measure, "letter_share", texts) == [pytest.approx(10 / 14), 0, 0, 0]
    assert values(measure, "digit_share", texts) == [pytest.approx(2 / 14), 0, 1, 0]
    assert values(measure, "symbol_share", texts) == [pytest.approx(2 / 14), 0, 0, 1]


def test_repeats_as_shares(measure) -> None:
    text = "one two three\none two three\nfour"
    assert values(measure, "repeated_line_share", [text]) == [pytest.approx(13 / len(text))]
    assert values(measure, "distinct_word_share", [text]) == [pytest.approx(4 / 7)]
    assert values(measure, "repeated_5gram_share", ["a b c d e f a b c d e"]) == [pytest.approx(5 / 11)]
    assert values(measure, "repeated_paragraph_share", ["x\n\nx"]) == [pytest.approx(1 / 4)]
    assert values(measure, "loop_words", ["la " * 60]) == [58]


def test_script_mixing(measure) -> None:
    assert values(measure, "minor_script_share", ["all Latin", "漢字かな", "ab де", "12"]) == [0, 0, 0.5, 0]


def test_addresses_and_remains_of_html(measure) -> None:
    assert values(measure, "urls", ["see https://a.org and www.b.org", "w.w.w"]) == [2, 0]
    texts = ["<p class='x'>a &amp; b</p><br/>", "x < y and y > z", "<think>no</think>", "List<String>"]
    assert values(measure, "html_remains", texts) == [4, 0, 0, 0]


def test_a_fence_that_is_not_closed(measure) -> None:
    assert values(measure, "fence_open", ["```py\n1\n```", "```py\n1", "none"]) == [0, 1, 0]


def test_how_a_text_ends(measure) -> None:
    closed = ["Done.", "好的。", "He said “yes.”", r"\[x = 2\]", "$42$", "**bold**", "```\ncode\n```"]
    assert values(measure, "ends_open", closed) == [0] * len(closed)
    opened = ["and then", "x = ", "we have 12", "first,", "然后"]
    assert values(measure, "ends_open", opened) == [1] * len(opened)


def test_a_text_that_stops_midway(measure) -> None:
    cut = [
        "That is a good question. It depends on the situation and",
        "Apples, which are red, and pears, which are green,",
    ]
    assert values(measure, "ends_midway", cut) == [1, 1]
    whole = [
        "Dear Sir,\nI am writing to you.\n\nWith heartfelt gratitude,",
        "an app that helps people find others to connect with",
        "The notes are B A G G A B G A",
        "the",
        "It ends in a full stop, and that is that.",
    ]
    assert values(measure, "ends_midway", whole) == [0] * len(whole)


def test_null_reasoning_has_no_text_signals(measure) -> None:
    rows = [{"reasoning": None}, {"reasoning": ""}]
    assert measure("cot", "reasoning_chars", rows) == [None, 0]
    assert measure("cot", "reasoning_ends_open", rows) == [None, 0]


def test_system_messages_are_not_measured(measure) -> None:
    prompt = [("system", "Be kind and long-winded."), ("user", "Hi")]
    assert measure("instruction", "prompt_chars", [{"prompt": prompt}]) == [2]
