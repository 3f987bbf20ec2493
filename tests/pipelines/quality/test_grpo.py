def test_which_golds_parse(measure) -> None:
    golds = ["42", "-7", "3/4", r"\frac{3}{4}", "x^2+1", "(3, 4)", "1,250", r"\text{Tuesday}", "50%", "B"]
    assert measure("grpo", "gold_parses", [{"answer": gold} for gold in golds]) == [1] * len(golds)
    bad = ["", " ", "?", r"\frac{3}{4", "The answer depends upon what they meant by that"]
    assert measure("grpo", "gold_parses", [{"answer": gold} for gold in bad]) == [0] * len(bad)
    assert measure("grpo", "gold_parses", [{"answer": None}]) == [None]
    prose = {"answer": "whatever they meant by that sentence", "verifier": "exact"}
    assert measure("grpo", "gold_parses", [prose]) == [1]


def test_a_gold_that_the_prompt_gives_away(measure) -> None:
    rows = [
        {"prompt": "How many? The answer is 1,250.", "answer": "1250"},
        {"prompt": "How many? #### 7", "answer": "7"},
        {"prompt": "She has 7 apples. How many?", "answer": "7"},
        {"prompt": "The answer is 8, says Tom. Is he right?", "answer": "7"},
        {"prompt": "Is it x^3+3x^2+3x+1?", "answer": "x^3+3x^2+3x+1"},
        {"prompt": "How many?", "answer": None},
    ]
    assert measure("grpo", "gold_stated", rows) == [1, 1, 0, 0, 1, None]


def test_golds_that_can_be_guessed(measure) -> None:
    golds = ["Yes", "false", "B", "(c)", "7", "42", "I"]
    rows = [{"answer": gold} for gold in golds]
    assert measure("grpo", "gold_options", rows) == [2, 2, 5, 5, 10, None, None]


def test_proofs_and_parts(measure) -> None:
    asks = [
        "Prove that 2 is prime.",
        "Let n be odd. Show that n+1 is even.",
        "Their results show that it doubles. Why?",
    ]
    assert measure("grpo", "asks_for_proof", [{"prompt": text} for text in asks]) == [1, 1, 0]
    parts = ["Do this.\n(a) Find x.\n(b) Find y.", "Find x (a number)."]
    assert measure("grpo", "question_parts", [{"prompt": text} for text in parts]) == [2, 0]
