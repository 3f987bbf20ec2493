"""What an annotator reads before the first record: how to decide, and examples. Markdown, shown by Argilla."""

from collections.abc import Mapping
from typing import Final

from schemas.vocabulary import DEFECTS

_EXAMPLES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "instruction": (
        ("*Name three fruits.* / *Apple, pear and plum.*", "**Keep**. Short is no defect."),
        ("*Summarise the attached report.* / *The report says that ...*", "**Drop**, *lacks what it speaks of*."),
        ("*How many days has May?* / *May has 30 days.*", "**Fix**, *wrong answer*; write: May has 31 days."),
        ("*Write a story about a fox.* / *Once upon a time there was a fox who*", "**Drop**, *cut off*."),
    ),
    "preference": (
        ("*What is 2 + 2?* / left *4* / right *5*", "**Keep**, and **Left** is better."),
        ("Both sides decline in other words", "**Drop**, *sides too alike*; **Neither** is better."),
        ("Left is right but curt, right is polite and wrong", "**Keep**, and **Left** is better: truth comes first."),
    ),
    "cot": (
        ("The steps follow, the answer is the gold one", "**Keep**, however long it is."),
        ("A sum is wrong, the answer is right by luck", "**Drop**, *wrong reasoning*."),
        ("The reasoning is right, the answer has a slip of the pen", "**Fix**; write the answer."),
        ("It stops before the answer", "**Drop**, *cut off*."),
    ),
    "grpo": (
        ("*What is 7 x 8?*, gold *56*", "**Keep**."),
        ("*What is 7 x 8?*, gold *54*", "**Fix**, *wrong gold*; write: 56."),
        (
            "*Show that primes never end.*, gold *true*",
            "**Drop**, *wrong gold*: nothing can be checked.",
        ),
        ("*Is 7 prime? (yes or no)*", "**Drop**, *guessable or given away*."),
    ),
}

_ABOUT: Final = {
    "instruction": "A model is trained to give the **answer** to the **prompt**.",
    "preference": "A model is trained to tell the better of two answers from the worse.",
    "cot": "A model is trained to write the **reasoning** and then the **answer**. Unfold the reasoning to read it.",
    "grpo": "A model practises on the **prompt**; what it says is checked against the **gold answer** by a program.",
}


def guidelines(family: str, questions: Mapping[str, str]) -> str:
    """The guidelines of a family. `questions`: title of each question by its name."""
    examples = "\n".join(f"| {record} | {said} |" for record, said in _EXAMPLES[family])
    kinds = "\n".join(f"- **{kind}**: {meaning}" for kind, meaning in DEFECTS.items())
    return f"""{_ABOUT[family]}

**{questions["decision"]}** Only this question must be answered.

- **Keep**: fit to learn from as it is. Judge the record, not the topic: dull is fit, wrong is not.
- **Fix**: fit once it is corrected. Write the correction into *{questions["correction"]}*; without one nothing changes.
- **Drop**: not fit, and not worth correcting.

*Why you are asked* names what spoke against the record. It may be mistaken: that is what you are asked about. Your
*Keep* overrules exactly what is named there. Some records name nothing: they are drawn at random, as a control.

A suggestion is what the rules would say. Discard a record that you cannot judge; nothing happens to it.

## Examples

| record | verdict |
| --- | --- |
{examples}

## What can be wrong

{kinds}
"""
