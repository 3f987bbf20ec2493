import pytest

U, A = "user", "assistant"


def prompts(measure, signal, texts):
    return measure("instruction", signal, [{"prompt": text} for text in texts])


def answers(measure, signal, texts):
    return measure("instruction", f"completion_{signal}", [{"completion": text} for text in texts])


def test_an_answer_that_is_a_stand_in(measure) -> None:
    junk = ["<nooutput>", "N/A", "<No Output>", "No output.", "none", "<noinput>", "TBD", "[Your answer here]", "null"]
    assert answers(measure, "placeholder", junk) == [1] * len(junk)
    good = ["No.", "Nothing is known.", "None of them is.", "The output is empty", "0", "", "No input was lost at sea."]
    assert answers(measure, "placeholder", good) == [0] * len(good)


def test_an_input_that_is_a_stand_in(measure) -> None:
    junk = [
        "Name five oceans.\n\n<no input>",
        "Tell a joke\n\nNoinput",
        "Explain\n\nNo input required.",
        "Sum\nInput: N/A",
        "Describe the link between pollution and health.\n\nNone",
    ]
    assert prompts(measure, "placeholder_input", junk) == [1] * len(junk)
    good = [
        "How many are there?\nmany\nnone",
        "What does N/A mean?",
        "Translate:\n\nno input was given to him today",
        "Hi",
    ]
    assert prompts(measure, "placeholder_input", good) == [0] * len(good)


@pytest.mark.parametrize(
    "turn",
    [
        "Based on the photo above: name three tools.",
        "The screenshot that I uploaded shows it. What is an estuary?",
        "Describe the scene.\n\n[Insert Photo Here]",
        "Who is this?\n\n(Link to photo)",
        "Edit the sound.\n\n<audio file>",
        "Identify the flag.\n\n(Flag image)",
        "Describe it.\n\n![alt](https://i.imgur.com/1.png)",
        "Caption this: https://example.com/cat.jpg",
        "Summarize the article.\n\nhttps://www.example.com/2021/news",
        "Rate these sites:\n\n- www.example.com\n- www.example2.com",
        "Summarise the attached document.",
    ],
)
def test_what_is_asked_about_is_not_there(measure, turn: str) -> None:
    assert prompts(measure, "missing_attachment", [turn]) == [1]


@pytest.mark.parametrize(
    "turn",
    [
        "Shorten this URL.\n\nhttps://www.example.com/a/b/c",
        "Extract the domain:\n\nhttps://www.example.com",
        "Write a caption for a picture of a cat.",
        "Identify the figure of speech in the sentence.",
        "Fix the HTML:\n\n<video src='a'>",
        "Answer from the text.\n\nThe battle was fought in 480 BC.\n\nFrom: https://en.wikipedia.org/wiki/Battle",
        "What is [x] in f[x]?",
    ],
)
def test_nothing_is_missing(measure, turn: str) -> None:
    assert prompts(measure, "missing_attachment", [turn]) == [0]


def test_an_answer_that_is_the_question(measure) -> None:
    rows = [
        {"prompt": "Name ten novels.", "completion": " Name ten\nnovels. "},
        {"prompt": "Name ten novels.", "completion": "Name ten novels. Here they are"},
        {"prompt": "shout: hello", "completion": "SHOUT: HELLO"},
    ]
    assert measure("instruction", "echoed_chars", rows) == [16, 0, 0]


def test_an_answer_that_is_the_given_passage(measure) -> None:
    rows = [
        {"prompt": "Who was she?\n\nA long passage.\nOf two lines.", "completion": "A long passage.\nOf two lines."},
        {"prompt": "Who was she?\n\nA passage.", "completion": "A queen."},
        {"prompt": "A passage.", "completion": "A passage."},
    ]
    assert measure("instruction", "repeated_input_chars", rows) == [29, 0, 0]


def test_turns(measure) -> None:
    good = [("system", "Be kind."), (U, "Hi"), (A, "Hello"), (U, "Why?")]
    rows = [{"prompt": good}, {"prompt": [(U, "Hi"), (U, "Anyone?")]}, {"prompt": [(U, "Hi"), (A, " "), (U, "Why?")]}]
    assert measure("instruction", "prompt_turns", rows) == [3, 2, 3]
    assert measure("instruction", "same_role_turns", rows) == [0, 1, 0]
    assert measure("instruction", "empty_turns", rows) == [0, 0, 1]


def test_a_side_with_one_speaker_twice(measure) -> None:
    rows = [
        {"chosen": [(A, "One."), (A, "Two.")], "rejected": "No."},
        {"chosen": "Yes.", "rejected": [(A, "One."), (A, "Two."), (A, "Three.")]},
        {"chosen": "Yes.", "rejected": "No."},
        {"prompt": [(U, "Hi"), (A, "Hello")], "chosen": "Yes.", "rejected": "No."},
    ]
    assert measure("preference", "same_role_turns", rows) == [1, 2, 0, 1]


def test_another_task_in_the_answer(measure) -> None:
    ran_on = ["It is blue.\n\n16. Instruction: Is 11 divisible by 2?\n16. Output:\nYes", "Ok.\n### Instruction:\nNext"]
    assert answers(measure, "next_tasks", ran_on) == [1, 1]
    assert answers(measure, "next_tasks", ["1. Instructions matter.", "Instruction: sit."]) == [0, 0]


def test_tokens_of_templates(measure) -> None:
    assert answers(measure, "chat_tokens", ["Hi<|im_end|>", "[INST] x [/INST]", "[1] <b>"]) == [1, 2, 0]


def test_refusals(measure) -> None:
    refused = [
        "I'm sorry, but I can't help with that.",
        "Sorry, the task involves audio output. Due to the unreliable model, we cannot complete this task.",
        "As an AI language model, I am unable to see pictures.",
        "抱歉，我无法回答这个问题。",
    ]
    assert answers(measure, "refusal", refused) == [1] * len(refused)
    helped = [
        "I'm sorry to hear that. Here is what you can do.",
        '"I can\'t believe it!" she said.',
        "Unfortunately, it rained.",
        "I couldn't help but tilt my head.",
    ]
    assert answers(measure, "refusal", helped) == [0] * len(helped)


def test_a_model_that_says_what_it_is(measure) -> None:
    says = [
        "As an AI language model, I think so.",
        "I am ChatGPT.",
        "I was trained by OpenAI.",
        "作为一个语言模型，我没有感情。",
    ]
    assert answers(measure, "model_identity", says) == [1] * len(says)
    tells = ["ChatGPT was trained by OpenAI.", "I am a teacher.", "GPT-4 is a language model.", "AI is everywhere."]
    assert answers(measure, "model_identity", tells) == [0] * len(tells)
    cutoffs = ["As of my last update in 2021, no.", "My knowledge cutoff is 2023.", "The cutoff is 5 pm."]
    assert answers(measure, "knowledge_cutoff", cutoffs) == [1, 1, 0]
