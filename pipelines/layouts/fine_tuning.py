"""Layouts of what a model is to say: conversations, prompts with answers, Alpaca's columns, tagged reasoning."""

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from pipelines.layouts.layout import ANY, Bound, Layout, Made, Role
from pipelines.layouts.messages import (
    offered,
    transcript,
    turns,
    unanswered,
    with_context,
    with_system,
)
from pipelines.layouts.tags import reasoned
from pipelines.layouts.talks import IMAGE, NO_TEXT, TALK, is_talk, talks

SYSTEM: Final = Role(
    "the system prompt",
    ("system", "system_prompt", "system_message", "sys_prompt", "system_instruction", "systemprompt"),
)
TOOLS: Final = Role(
    "definitions of tools, as a list or its JSON",
    ("tools", "functions", "available_tools", "tool_definitions", "function_definitions", "tool_list", "tools_json"),
    ANY,
)
TALKED: Final = Role(
    "the conversation",
    (
        "messages",
        "conversations",
        "conversation",
        "chat",
        "dialogue",
        "dialog",
        "turns",
        "conversation.messages",
        "conversations.messages",
        "chat.messages",
        "data",
        "chat_messages",
        "message_list",
        "items",
    ),
    ANY,
)
PROMPT: Final = Role(
    "what is asked: text, or messages",
    (
        "prompt",
        "question",
        "query",
        "instruction",
        "problem",
        "input",
        "user",
        "user_prompt",
        "human",
        "request",
        "user_query",
        "user_message",
        "instructions",
        "inputs",
        "task",
        "source_text",
        "messages",
        "conversations",
        "conversation",
    ),
    ANY,
)
ANSWER: Final = Role(
    "what is answered: text, or messages",
    (
        "completion",
        "response",
        "answer",
        "output",
        "answers",
        "responses",
        "outputs",
        "assistant",
        "reply",
        "model_response",
        "assistant_response",
        "generation",
        "gpt",
        "bot",
        "model_answer",
        "completions",
        "target",
        "solution",
        "target_text",
    ),
    ANY,
)
REASONING: Final = Role(
    "the chain of thought",
    (
        "reasoning",
        "reasoning_content",
        "thinking",
        "thought",
        "chain_of_thought",
        "cot",
        "rationale",
        "thinking_trajectory",
        "thoughts",
        "complex_cot",
        "think",
        "reasoning_trace",
    ),
)

NO_LIST: Final = "no messages in it"
_START: Final = "\n\nHuman:"


def conversation(frame: pl.DataFrame, *, speak: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """The talk that `speak` makes of the roles (`talk`, `offered`, `thought`, `wrong`) as the columns of a record.

    Adds `prompt`, `completion`, `reasoning` and `tools`, and drops what they were made of.
    """
    spoken = speak(frame).with_columns(talk=with_system(_unless_said(pl.col("system")), pl.col("talk")))
    last = pl.col("talk").list.last()
    cut = spoken.lazy().with_columns(last=last.struct.field("content")).collect()
    reasoning, said = reasoned(pl.col("last"))
    beside = pl.coalesce("thought", "reasoning") if "reasoning" in frame.columns else pl.col("thought")
    beside = pl.when(beside.str.strip_chars() != "").then(beside)
    answer = last.struct.with_fields(pl.col("said").alias("content"))
    return (
        cut.lazy()
        .with_columns(__within=reasoning, said=said)
        .with_columns(
            reasoning=pl.coalesce(beside, "__within"),
            prompt=pl.col("talk").list.head(pl.col("talk").list.len() - 1),
            completion=pl.concat_list(answer),
            tools=offered(pl.col("tools"), pl.col("offered")),
        )
        .drop("said", "last", "__within")
        .collect()
    )


def _unless_said(system: pl.Expr) -> pl.Expr:
    """The system prompt of a column, where the talk does not begin with one itself."""
    first = pl.col("talk").list.first().struct.field("role")
    return pl.when(first.ne_missing("system")).then(system)


NOT_KEPT: Final[Mapping[str, pl.Expr]] = {
    IMAGE: pl.col("wrong") == IMAGE,
    NO_TEXT: pl.col("wrong") == NO_TEXT,
}
SAID: Final = {name: pl.col(name) for name in ("prompt", "completion", "tools")}
THINKS: Final = pl.col("reasoning").str.strip_chars().fill_null("") != ""


def _made(speak: Callable[[pl.DataFrame], pl.DataFrame], *, always_cot: bool = False) -> Made:
    """Rows as records of cot where the reasoning is marked off, else of instruction; `always_cot`: of cot."""
    cot = {**SAID, "reasoning": pl.when(THINKS).then("reasoning")}
    families = (
        {"cot": cot} if always_cot else {"instruction": {**SAID, "when": ~THINKS}, "cot": {**cot, "when": THINKS}}
    )
    return Made(
        prepare=lambda frame: conversation(frame, speak=speak),
        reject={**NOT_KEPT, NO_LIST: pl.col("talk").is_null(), **unanswered(pl.col("talk"))},
        families=families,
    )


def from_messages(frame: pl.DataFrame) -> pl.DataFrame:
    """`talk` from the role `messages`."""
    made = talks(frame["messages"])
    return frame.with_columns(made["messages"].alias("talk"), made["offered"], made["thought"], made["wrong"])


def from_prompt(frame: pl.DataFrame) -> pl.DataFrame:
    """`talk` from the roles `prompt` (with `context` below it) and `completion`, each a text or messages."""
    asked, wrong = said_or_spoken(frame["prompt"], "user", frame["context"] if "context" in frame.columns else None)
    answered, also_wrong = said_or_spoken(frame["completion"], "assistant")
    thought = value_of_last(frame["completion"])
    before = talks(frame["history"])["messages"] if "history" in frame.columns else None
    parts = [asked, answered] if before is None else [before.fill_null([]), asked, answered]
    whole = pl.DataFrame([part.alias(str(number)) for number, part in enumerate(parts)])
    return frame.with_columns(
        talk=whole.select(pl.concat_list(pl.all())).to_series(),
        offered=pl.lit(None, dtype=pl.String),
        thought=thought,
        wrong=wrong.zip_with(wrong.is_not_null(), also_wrong),
    )


def value_of_last(texts: pl.Series) -> pl.Series:
    """What the last message of a text thought beside its content; null where the text is no messages."""
    talk = is_talk(texts)
    if not talk.any():
        return pl.Series([None] * texts.len(), dtype=pl.String)
    return talks(texts.to_frame("t").select(pl.when(talk).then("t")).to_series())["thought"]


def said_or_spoken(texts: pl.Series, who: str, context: pl.Series | None = None) -> tuple[pl.Series, pl.Series]:
    r"""Texts as messages, and why they cannot be kept as such: those that are JSON of messages, else one message.

    A prompt that begins with `\n\nHuman:` is taken for a transcript, without the opening of the answer at its end.
    """
    frame = pl.DataFrame([texts.alias("t")])
    said = pl.col("t")
    if context is not None:
        frame = frame.with_columns(context.alias("c"))
        said = with_context(pl.col("t"), pl.col("c"))
    alone: pl.Expr = pl.when(pl.col("t").is_not_null()).then(turns(**{who: said}))
    if who == "user":
        marked = transcript("t")
        opened = marked.list.last().struct.field("content") == ""
        marked = pl.when(opened).then(marked.list.head(marked.list.len() - 1)).otherwise(marked)
        alone = pl.when(pl.col("t").str.starts_with(_START)).then(marked).otherwise(alone)
    single = frame.select(alone.cast(TALK).alias("m")).to_series()
    talk = is_talk(texts)
    nothing = pl.Series([None] * texts.len(), dtype=pl.String)
    if not talk.any():
        return single, nothing
    spoken = talks(frame.select(pl.when(talk).then("t")).to_series())
    return single.zip_with(~talk, spoken["messages"]), spoken["wrong"]


MESSAGES: Final = Layout(
    "messages",
    "OpenAI messages: a list of role and content, with tools and their calls",
    {"messages": TALKED, "system": SYSTEM, "tools": TOOLS},
    (("messages",),),
    lambda bound: _made(from_messages),
)
SHAREGPT: Final = Layout(
    "sharegpt",
    "ShareGPT turns: a list of from and value",
    {"messages": TALKED, "system": SYSTEM, "tools": TOOLS},
    (("messages",),),
    lambda bound: _made(from_messages),
)
ALPACA: Final = Layout(
    "alpaca",
    "Alpaca columns: instruction, an input that may be empty, output",
    {
        "prompt": Role("the instruction", ("instruction", "instructions")),
        "context": Role("what the instruction is about", ("input", "context", "inputs")),
        "completion": Role("the answer", ("output", "response", "completion", "answer", "outputs", "target")),
        "history": Role("earlier exchanges", ("history",), ANY),
        "system": SYSTEM,
        "tools": TOOLS,
    },
    (("prompt", "completion"),),
    lambda bound: _made(from_prompt),
)
PROMPTED: Final = Layout(
    "prompt-completion",
    "a prompt and its completion, as texts or messages",
    {"prompt": PROMPT, "completion": ANSWER, "system": SYSTEM, "tools": TOOLS},
    (("prompt", "completion"),),
    lambda bound: _made(from_prompt),
)


def _reasoned(bound: Bound) -> Made:
    return _made(from_messages if "messages" in bound else from_prompt, always_cot=True)


TAGGED: Final = Layout(
    "reasoning",
    "an answer with its reasoning in tags, or in a column of its own",
    {
        "messages": TALKED,
        "prompt": PROMPT,
        "completion": ANSWER,
        "reasoning": REASONING,
        "system": SYSTEM,
        "tools": TOOLS,
    },
    (("messages",), ("prompt", "completion")),
    _reasoned,
)
