def test_tags_that_are_left(measure) -> None:
    rows = [
        {"completion": "<|begin_of_thought|> Hm. <|end_of_thought|> Yes."},
        {"completion": "Thinking done.</think> Yes."},
        {"completion": "Yes, I think so."},
    ]
    assert measure("cot", "completion_reasoning_tags", rows) == [2, 1, 0]
    assert measure("cot", "reasoning_reasoning_tags", [{"reasoning": None}, {"reasoning": "<think>"}]) == [None, 1]


def test_whether_reasoning_is_marked_off(measure) -> None:
    assert measure("cot", "reasoning_marked", [{"reasoning": None}, {"reasoning": ""}]) == [0, 1]


def test_boxed_answers(measure) -> None:
    rows = [
        {"reasoning": r"so \boxed{\frac{1}{2}}", "completion": r"\[\boxed{ \frac{1}{2} }\]"},
        {"reasoning": r"first \boxed{3}, no, \boxed{4}", "completion": r"\boxed{3}"},
        {"reasoning": "so 4", "completion": r"\boxed{4}"},
    ]
    assert measure("cot", "boxed_differs", rows) == [0, 1, None]


def test_the_boxed_number_is_what_the_reasoning_ends_at(measure) -> None:
    long = "and so on " * 60
    rows = [
        {"reasoning": long + "so it is 1,204.", "completion": r"\boxed{1204}"},
        {"reasoning": "it is 1204. " + long, "completion": r"\boxed{1204}"},
        {"reasoning": "the angle is 45 degrees", "completion": r"\boxed{45^\circ}"},
        {"reasoning": long, "completion": r"\boxed{x+1}"},
        {"reasoning": None, "completion": r"\boxed{4}"},
    ]
    assert measure("cot", "boxed_in_tail", rows) == [1, 0, 1, None, None]


def test_the_gold_stands_in_the_last_line(measure) -> None:
    rows = [
        {"reasoning": "2+2 = 4\nShe has 4 apples.", "answer": "4"},
        {"reasoning": "2+2 = 4\nShe has 5 apples.", "answer": "4"},
        {"reasoning": "It costs $0.25 each", "answer": "25"},
        {"reasoning": "They pay 80 000 + 20 000 = $100 000.", "answer": "100000"},
        {"reasoning": "It holds 12 200-kilobyte videos", "answer": "12"},
        {"reasoning": "So 1,250 pages", "answer": "1250"},
        {"reasoning": "x < 0, so it is -7", "answer": "-7"},
        {"reasoning": "It is Tuesday", "answer": "Tuesday"},
        {"reasoning": None, "answer": "4"},
    ]
    assert measure("cot", "gold_in_last_line", rows) == [1, 0, 1, 1, 1, 1, 1, None, None]


def test_equations_of_the_reasoning(measure) -> None:
    rows = [{"reasoning": "3*4 = 12 and 12 + 1 = 14"}, {"reasoning": None}]
    assert measure("cot", "equations", rows) == [2, None]
    assert measure("cot", "wrong_equations", rows) == [1, None]
