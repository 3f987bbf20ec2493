"""Signals of conversations: broken turns, stand-ins, what is asked for and not there, refusals, whose voice it is."""

import polars as pl

from pipelines.quality.signal import ANSWERS, SAID, Part, of_part, of_record, where, yes
from schemas.families import FAMILIES, Family

_ALL = tuple(FAMILIES)
_HEAD = 400
"""Characters from the start in which a refusal is looked for."""

_EMPTY_WORDS = (
    r"no[ _-]?(?:in|out)put(?: (?:is )?(?:required|needed|necessary|provided|given|available))?|n/a|n\.a\.|tbd|todo"
    r"|not applicable|(?:your|insert|enter|put|add)(?: your)? (?:answer|response|text|input|output)(?: goes)? here"
    r"|placeholder|lorem ipsum|[<\[({]\s*(?:none|null|nil|nan|empty|blank)\s*[>\])}]"
)
_PLACEHOLDER = (
    rf"(?i)^\W*(?:(?:input|output|answer|response)\s*:\s*)?(?:{_EMPTY_WORDS}|none|null|nan)\W*$"
    r"|^\s*(?:\.{2,}|…+|-{2,}|_{2,}|\?{2,}|[–—])\s*$"
)
_PLACEHOLDER_LINE = (
    rf"(?i)(?:^|\n)[^\w\n]*(?:(?:input|context)[ \t]*:[ \t]*)?(?:{_EMPTY_WORDS})\W*$"
    r"|\n[ \t]*\n(?:none|null|nan)\.?\s*$"  # a paragraph of its own: as a line it may be the last of several choices
)

_THING = (
    r"(?:image|picture|photo|photograph|painting|screenshot|video|audio|sound|clip|file|attachment|link|url|pdf|document"
    r"|article|webpage|web page|website|spreadsheet|chart|graph|diagram|map|drawing|illustration|cartoon|recording)"
)
_SEEN_OR_HEARD = r"(?:image|picture|photo|photograph|painting|screenshot|video|audio|clip|recording)"
_BROUGHT = r"(?:uploaded|attached|sent|shared|posted|provided|included|enclosed)"
_MISSING = "|".join(
    [
        # [Image], (link to photo), <video clip>, {attached file}: a stand-in for the thing.
        rf"(?:^|\n|: ?|\. )[\[(<{{] ?(?:[\w' -]{{0,30}} )?{_THING}s?(?:[ :][^\])>}}\n=]{{0,60}})? ?[\])>}}]"
        r"[.\s]*(?:$|\n)",
        # A picture or recording by its address.
        r"https?://\S+\.(?:jpe?g|png|gif|bmp|webp|svg|mp3|mp4|wav|avi|mov)\b",
        r"!\[[^\]\n]*\]\([^)\n]+\)",
        r"\b(?:see|in|from|at|look at|open|using|describe|analy[sz]e) the (?:attached|enclosed|linked)\b",
        rf"\b(?:the|this|an?) attached {_THING}",
        rf"\b(?:the|this|these|that|my) {_SEEN_OR_HEARD}s? (?:above|below)\b",
        rf"\b(?:the|this|that|my) {_THING}s? (?:that |which )?(?:i|we)(?:['’]ve| have)?(?: just)? {_BROUGHT}\b",
    ]
)
# One line and then nothing but addresses: what the answer should have read; unless the task is about addresses.
_LONE_URL = r"(?i)^\s*[^\n]*(?:\n\W*(?:[\w ]{1,20}: *)?(?:https?://|www\.)\S+\s*)+$"
_ABOUT_URLS = (
    r"(?i)\b(?:urls?|uris?|links?|domains?|hostname|protocol|shorten|parse|regex|html|query string|address|format)\b"
)

_CANNOT = r"(?:can(?:no|['’])?t|can not|could(?:n['’]t| not)|unable|not able|won['’]t|will not|am not going)"
_REFUSES = r"(?i)can ?no|can['’]?t|could ?n|unable|not able|won['’]?t|will not|not going|抱歉|对不起|我无法|我不能"
"""What each refusal has in it."""
_REFUSAL = "|".join(
    [
        r"(?i)\b(?:sorry|i['’]m afraid|i am afraid|apologi[sz]e|unfortunately)\b[^.!?\n]{0,60}\b(?:i|we|model)\b"
        rf"[^.!?\n]{{0,20}}\b{_CANNOT}",
        rf"\b(?:i|we) {_CANNOT}(?: to)? (?:help you|help with|assist|provide|comply|fulfil|do that)",
        rf"\b(?:i|we) {_CANNOT}(?: to)? (?:answer|complete) (?:that|this|your)",
        rf"\bas an? (?:ai|artificial|large|language)\b[^.!?\n]{{0,80}}\b{_CANNOT}",
        r"\b(?:cannot|can['’]t|unable to) (?:complete|perform|do|fulfil) (?:this|the|that|your) (?:task|request)",
        r"(?:抱歉|对不起)[^。\n]{0,30}(?:无法|不能)|我(?:无法|不能)(?:提供|回答|帮助|协助|满足)",
    ]
)
_MODEL = (
    r"(?:ai|artificial intelligence|(?:large |ai )?language model|chat ?gpt|gpt-?[345]|open ?assistant|qwen|deepseek"
    r"|chatbot)"
)
_IDENTITY = "|".join(
    [
        r"(?i)\bas an? (?:ai\b|artificial intelligence|(?:large |ai )?language model|virtual assistant|chatbot)",
        rf"\bi(?:['’]m| am)(?: just| only)?(?: an?)? {_MODEL}\b",
        r"\bi (?:was|am|have been) (?:trained|developed|created|made|built) by \w+",
        r"作为(?:一个|一名|一款|一位)?(?:大型)?(?:人工智能|ai|语言模型)",
        r"我(?:只)?是(?:一个|一名|一款|一位)?(?:大型|由)?(?:人工智能|ai|语言模型|chatgpt|open ?assistant|openai)",
    ]
)
_TOKENS = (
    r"<\|(?:im_start|im_end|endoftext|eot_id|start_header_id|end_header_id|user|assistant|system|end)\|>"
    r"|\[/?INST\]|<</?SYS>>"
)
_NEXT_TASK = r"(?:^|\n)(?:#{2,3} ?(?:Instruction|Response):|#{0,3} ?\d{1,2}\. ?Instruction:)"
_CUTOFF = "|".join(
    [
        r"(?i)\b(?:knowledge|training)(?: data)? cut-?off",
        r"\bas of my (?:last|latest|knowledge|training|most recent)\b",
        r"\bmy (?:knowledge|training(?: data)?) (?:only )?(?:ends|ended|goes|extends|stops|was last updated)\b",
        r"(?:截至|截止)(?:到)?(?:我|20\d\d)[^。\n]{0,20}(?:知识|训练)|我的知识(?:库)?截",
    ]
)


@of_part(unit="0 or 1", parts=ANSWERS)
def placeholder(part: Part) -> pl.Expr:
    """Whether the answer is nothing but a stand-in for one: `<nooutput>`, `N/A`, `None`, `Your answer here`, `...`."""
    return yes(part.text.str.contains(_PLACEHOLDER))


@of_record(unit="0 or 1", families=_ALL)
def placeholder_input(family: Family) -> pl.Expr:
    """Whether the last line of the last turn is a stand-in for an input: `<noinput>`, `N/A`, `No input required.`"""
    return yes(pl.col("last_turn").str.contains(_PLACEHOLDER_LINE))


@of_record(unit="0 or 1", families=_ALL, source="after AlpacaDataCleaned's classes of defects")
def missing_attachment(family: Family) -> pl.Expr:
    """Whether the last turn asks about an image, recording or page that a model of text cannot see.

    A stand-in (`[Image]`), the address of a picture or recording, `the attached file`, `the photo above`, `the file
    that I uploaded`, or one line with nothing but addresses after it, where that line does not speak of addresses.
    """
    turn = pl.col("last_turn")
    without_address = turn.str.replace_all(r"(?:https?://|www\.)\S+", "")
    lone = turn.str.contains(_LONE_URL) & ~without_address.str.contains(_ABOUT_URLS)
    return yes(turn.str.contains(f"(?i){_MISSING}") | lone)


@of_record(unit="characters", families=("instruction", "preference", "cot"))
def echoed_chars(family: Family) -> pl.Expr:
    """Characters of the last turn if the answer (the chosen one of a pair) is that turn and nothing else, white space
    aside; else 0."""
    return _echoed(family, _folded("last_turn").str.len_chars())


@of_record(unit="words", families=("instruction", "preference", "cot"))
def echoed_words(family: Family) -> pl.Expr:
    """The same in words: of scripts that put no space between them, in characters."""
    return _echoed(family, pl.col(f"{_answer(family)}.words"))


@of_record(unit="characters", families=("instruction", "cot"))
def repeated_input_chars(family: Family) -> pl.Expr:
    """Characters of the last turn's last paragraph if the answer is that and nothing else; else 0.

    Often right (nothing was to be corrected), often lazy: a whole passage where a question about it was asked.
    """
    paragraph = pl.col("last_turn").str.extract(r"(?s)\n\s*\n(.+?)\s*$")
    same = paragraph.str.strip_chars() == pl.col("completion").str.strip_chars()
    return pl.when(same).then(paragraph.str.len_chars()).otherwise(0).cast(pl.Int64)


@of_record(unit="turns", families=_ALL)
def prompt_turns(family: Family) -> pl.Expr:
    """Messages of the prompt, system messages aside."""
    return _roles("prompt").list.eval(pl.element() != "system").list.sum().cast(pl.Int64)


@of_record(unit="turns", families=_ALL)
def empty_turns(family: Family) -> pl.Expr:
    """Messages of the prompt without a visible character, calls of tools aside."""
    message = pl.element().struct
    empty = ~message.field("content").str.contains(r"\S") & message.field("tool_calls").is_null()
    return pl.col("prompt_messages").list.eval(empty).list.sum().cast(pl.Int64)


@of_record(unit="turns", families=("instruction", "preference", "cot"))
def same_role_turns(family: Family) -> pl.Expr:
    """Messages of user or assistant whose speaker spoke just before; of a pair, the side that has more."""
    sides = [part for part in ANSWERS if part in family.parts]
    return pl.max_horizontal(
        _repeats(pl.col("prompt_messages").list.concat(pl.col(f"{side}_messages"))) for side in sides
    )


@of_part(unit="count", parts=SAID)
def chat_tokens(part: Part) -> pl.Expr:
    """Tokens of chat templates (`<|im_start|>`, `[INST]`, `<|endoftext|>`)."""
    return part.text.str.count_matches(_TOKENS).cast(pl.Int64)


@of_part(unit="count", parts=SAID, source="AlpacaDataCleaned: merged instructions")
def next_tasks(part: Part) -> pl.Expr:
    """Headings of another task in the answer (`12. Instruction:`, `### Instruction:`): it ran on after its end."""
    return part.text.str.count_matches(_NEXT_TASK).cast(pl.Int64)


@of_part(unit="0 or 1", parts=ANSWERS)
def refusal(part: Part) -> pl.Expr:
    """Whether the answer begins by saying that it will not or cannot do what is asked. English and Chinese."""
    head = part.text.str.head(_HEAD)
    return where(head.str.contains(_REFUSES), head, lambda text: yes(text.str.contains(_REFUSAL)))


@of_part(unit="0 or 1", parts=ANSWERS)
def model_identity(part: Part) -> pl.Expr:
    """Whether the answer speaks as a model (`As an AI language model`, `I am ChatGPT`). English and Chinese."""
    return yes(part.text.str.contains(_IDENTITY))


@of_part(unit="0 or 1", parts=ANSWERS)
def knowledge_cutoff(part: Part) -> pl.Expr:
    """Whether the answer speaks of the day on which its knowledge ends. English and Chinese."""
    return yes(part.text.str.contains(_CUTOFF))


def _answer(family: Family) -> str:
    return "chosen" if "chosen" in family.parts else "completion"


def _echoed(family: Family, size: pl.Expr) -> pl.Expr:
    same = _folded("last_turn") == _folded(_answer(family))
    return pl.when(same).then(size).otherwise(0).cast(pl.Int64)


def _folded(column: str) -> pl.Expr:
    return pl.col(column).str.replace_all(r"\s+", " ").str.strip_chars()


def _roles(part: str) -> pl.Expr:
    return pl.col(f"{part}_messages").list.eval(pl.element().struct.field("role"))


def _repeats(messages: pl.Expr) -> pl.Expr:
    role = pl.element().struct.field("role")
    again = (role == role.shift(1)) & role.is_in(["user", "assistant"])
    return messages.list.eval(again).list.sum().cast(pl.Int64)
