"""Conversations as JSON texts, in whichever of the forms in use: told apart row by row.

A list of messages (`role`/`content`, `from`/`value` and their like), of exchanges (`{"human": ..., "assistant": ...}`
or `["asked", "answered"]`), or of texts in turn. Plain messages are decoded at once; what calls tools, thinks, or has
its content in parts is taken apart message by message.
"""

from typing import Final

import polars as pl

from pipelines.layouts.detected import ROLES as SPOKEN
from pipelines.layouts.json_lists import canonical, elements, first_value, value
from pipelines.layouts.messages import role
from schemas.vocabulary import ROLES

SPEAKERS: Final = ("role", "from", "speaker", "sender", "author", "roles")
SAID: Final = ("content", "value", "text", "message", "utterance", "contents")
ASKED: Final = ("user", "human", "User", "Human", "prompt", "question", "instruction", "query", "input")
ANSWERED: Final = ("assistant", "bot", "gpt", "Assistant", "AI", "ai", "model", "response", "answer", "output")
CALLS: Final = ("tool_calls", "function_calls", "function_call")
OFFERED: Final = ("functions", "tools")
THOUGHT: Final = ("reasoning_content", "reasoning", "thinking", "thought")

_RARE: Final = (*CALLS, *OFFERED, *THOUGHT, "tool_call_id", "call_id", "name", *ASKED[:4], *ANSWERED[:6])
CALLING: Final = ("function_call", "tool_call", "function-call", "tool-call", "action")
_ANSWERING: Final = ("function_response", "tool_response", "function-response", "tool_result", "ipython", "tools")
_MORE: Final = {
    **dict.fromkeys(CALLING, "assistant"),
    **dict.fromkeys(_ANSWERING, "tool"),
    "developer": "system",
    "instruction": "user",
    "customer": "user",
    "client": "user",
    "response": "assistant",
    "agent": "assistant",
    "claude": "assistant",
    "gpt-4": "assistant",
    "gpt4": "assistant",
    **{name: name for name in ROLES},
}
_MESSAGE: Final = pl.Struct(dict.fromkeys(("role", "content", "tool_calls", "tool_call_id", "name"), pl.String))
TALK: Final = pl.List(_MESSAGE)
_PLAIN: Final = pl.List(pl.Struct(dict.fromkeys(("role", "content", "from", "value"), pl.String)))
_NOTHING: Final = ("", "null", "[]", "{}", "None")
IMAGE: Final = "a message holds an image"
NO_TEXT: Final = "a message holds what is not text"
IMAGES: Final = ("image", "image_url", "input_image")
TEXTS: Final = ("text", "input_text", "output_text")
_ENTRY: Final[dict[str, pl.DataType]] = {
    "messages": TALK,
    "offered": pl.String(),
    "thought": pl.String(),
    "wrong": pl.String(),
}
"""What `talks` gives."""


def talks(texts: pl.Series) -> pl.DataFrame:
    """Conversations of JSON texts, row by row: `messages`, `offered`, `thought`, `wrong`.

    `messages` is null for what is no conversation. `offered`: the tools that a message defines, as JSON; `thought`:
    what the last message thought where that stands beside its content (of earlier ones it is put before the content,
    in `<think>` tags). `wrong`: why the messages cannot be kept as text; null where they can.
    """
    slow = (_has_key(texts, _RARE) | _has_content_in_parts(texts)) & texts.is_not_null()
    quick = _decoded(texts, ~slow)
    if quick is None:
        slow = texts.is_not_null()
        quick = pl.Series([None] * texts.len(), dtype=TALK)
    else:
        slow |= texts.is_not_null() & quick.is_null()
    done = pl.DataFrame({name: quick if name == "messages" else [None] * texts.len() for name in _ENTRY}, schema=_ENTRY)
    if not slow.any():
        return done
    apart = _apart(texts.filter(slow))
    places = pl.select(pl.when(slow).then(slow.cast(pl.UInt32).cum_sum() - 1)).to_series()
    careful = apart.select(pl.all().gather(places))
    return pl.DataFrame([done[name].zip_with(~slow, careful[name]) for name in _ENTRY])


def _has_key(texts: pl.Series, keys: tuple[str, ...]) -> pl.Series:
    """Whether one of the keys may stand in a text of JSON: a search that costs next to nothing."""
    written = [f'"{key}"{space}:' for key in keys for space in ("", " ")]
    return pl.select(
        pl.any_horizontal(pl.lit(texts.str.contains(said, literal=True).fill_null(value=False)) for said in written)
    ).to_series()


def _has_content_in_parts(texts: pl.Series) -> pl.Series:
    return texts.str.contains(r'"(?:content|value)"\s*:\s*[\[{]').fill_null(value=False)


def is_talk(texts: pl.Series) -> pl.Series:
    """Whether a text is JSON that begins as a message or a list of them does: what is no such thing is plain text."""
    keys = "|".join((*SPEAKERS, *SAID))
    begins = texts.str.contains(rf'^\s*(?:\[\s*)?\{{\s*"(?:{keys}|{"|".join(_RARE)}|id|type|weight)"\s*:')
    speaks = texts.str.contains(rf'"(?:{"|".join(SPEAKERS)})"\s*:\s*"')
    likely = (begins & speaks).fill_null(value=False)
    if not likely.any():
        return likely
    return likely & canonical(texts.to_frame("t").select(pl.when(likely).then("t")).to_series()).is_not_null()


def _decoded(texts: pl.Series, where: pl.Series) -> pl.Series | None:
    """Plain messages of the texts that `where` names; null for the others, and where a message lacks its role or text.

    None where one of the texts is something else, which the decoder does not survive.
    """
    chosen = texts.to_frame("t").select(pl.when(where & texts.str.contains(r"^\s*\[")).then("t")).to_series()
    if chosen.null_count() == chosen.len():
        return pl.Series([None] * texts.len(), dtype=TALK)
    try:
        decoded = chosen.str.json_decode(_PLAIN)
    except pl.exceptions.ComputeError:
        return None
    turn = pl.element().struct
    nothing = pl.lit(None, dtype=pl.String)
    message = pl.struct(
        role=_role(pl.coalesce(turn.field("role"), turn.field("from"))),
        content=pl.coalesce(turn.field("content"), turn.field("value")),
        tool_calls=nothing,
        tool_call_id=nothing,
        name=nothing,
    )
    spoken = decoded.to_frame("d").select(pl.col("d").list.eval(message)).to_series()
    lacking = pl.element().struct.field("role").is_null() | pl.element().struct.field("content").is_null()
    calls = pl.concat_list(pl.col("d").list.eval(pl.element().struct.field("from").is_in(CALLING)))
    frame = pl.DataFrame([spoken.alias("s"), decoded.alias("d")])
    return frame.select(
        pl.when(~pl.col("s").list.eval(lacking).list.any() & ~calls.list.any().fill_null(value=False)).then("s")
    ).to_series()


def _role(name: pl.Expr) -> pl.Expr:
    return role(name.str.strip_chars()).replace(SPOKEN | _MORE)


def _apart(texts: pl.Series) -> pl.DataFrame:
    """`talks`, message by message."""
    rows = pl.DataFrame({"row": pl.int_range(texts.len(), eager=True), "element": elements(texts)})
    listed = rows.with_columns(is_list=pl.col("element").is_not_null())
    flat = (
        rows.filter(pl.col("element").list.len() > 0)
        .explode("element")
        .with_columns(place=pl.int_range(pl.len()).over("row"))
    )
    made = _messages(flat)
    thinks = pl.col("thought").is_not_null() & (pl.col("thought") != "")
    is_last = pl.int_range(pl.len()).over("row") == pl.len().over("row") - 1
    told = pl.format("<think>\n{}\n</think>\n\n{}", "thought", pl.col("content").fill_null(""))
    grouped = (
        made.with_columns(is_last=is_last)
        .with_columns(
            content=pl.when(thinks & ~pl.col("is_last")).then(told).otherwise("content"),
            thought=pl.when(thinks & pl.col("is_last")).then("thought"),
        )
        .group_by("row", maintain_order=True)
        .agg(
            messages=pl.struct("role", "content", "tool_calls", "tool_call_id", "name"),
            offered=pl.col("offered").drop_nulls().first(),
            thought=pl.col("thought").last(),
            wrong=pl.col("wrong").drop_nulls().first(),
        )
    )
    empty = pl.lit([], dtype=TALK)
    joined = listed.select("row", "is_list").join(grouped, on="row", how="left", maintain_order="left")
    no_message = pl.col("is_list") & pl.col("messages").is_null()
    return joined.select(
        pl.when(no_message).then(empty).otherwise("messages").cast(TALK).alias("messages"),
        "offered",
        "thought",
        "wrong",
    )


def _messages(flat: pl.DataFrame) -> pl.DataFrame:
    """The messages of elements (`row`, `element`, `place`), in order: one each, or the two of an exchange."""
    element = flat["element"]
    objects = element.to_frame("e").select(pl.when(pl.col("e").str.starts_with("{")).then("e")).to_series()
    speaker = first_value(objects, SPEAKERS)
    lone = objects.to_frame("e").select(pl.when(speaker.is_null()).then("e")).to_series()
    single = _spoken(flat, objects, speaker)
    if speaker.null_count() == 0:
        return single
    two = elements(element.to_frame("e").select(pl.when(pl.col("e").str.starts_with("[")).then("e")).to_series())
    asked, answered = first_value(lone, ASKED), first_value(lone, ANSWERED)
    bare = element.to_frame("e").select(pl.when(pl.col("e").str.starts_with('"')).then("e")).to_series()
    frame = flat.select("row", "place").with_columns(
        asked=_or(asked, _text(two.list.get(0, null_on_oob=True))),
        answered=_or(answered, _text(two.list.get(1, null_on_oob=True))),
        said=_text(bare),
        is_message=speaker.is_not_null(),
    )
    nothing = pl.lit(None, dtype=pl.String)

    def spoken(who: pl.Expr, said: pl.Expr, turn: int) -> pl.Expr:
        return pl.struct(
            turn=pl.lit(turn), role=who, content=said, tool_calls=nothing, tool_call_id=nothing, name=nothing
        )

    in_turn = pl.when(pl.col("place") % 2 == 0).then(pl.lit("user")).otherwise(pl.lit("assistant"))
    exchange = pl.concat_list(
        spoken(pl.lit("user"), pl.col("asked"), 0), spoken(pl.lit("assistant"), pl.col("answered"), 1)
    )
    is_exchange = pl.col("asked").is_not_null() | pl.col("answered").is_not_null()
    others = (
        frame.filter(~pl.col("is_message"))
        .select(
            "row",
            "place",
            both=pl.when(is_exchange).then(exchange).otherwise(pl.concat_list(spoken(in_turn, pl.col("said"), 0))),
        )
        .explode("both")
        .unnest("both")
        .with_columns(offered=nothing, thought=nothing, wrong=nothing)
    )
    columns = ["row", "place", "turn", *_FLAT]
    whole = single.with_columns(turn=pl.lit(0)).filter(frame["is_message"]).select(columns)
    return pl.concat([whole, others.select(columns)]).sort("row", "place", "turn", maintain_order=True)


_FLAT: Final = ("role", "content", "tool_calls", "tool_call_id", "name", "offered", "thought", "wrong")


def _or(one: pl.Series, other: pl.Series) -> pl.Series:
    return one.zip_with(one.is_not_null(), other)


def _text(scalars: pl.Series) -> pl.Series:
    """The texts that stand as JSON strings; null for all else."""
    return (
        scalars.to_frame("t")
        .select(pl.when(pl.col("t").str.starts_with('"')).then(pl.col("t").str.json_path_match("$")))
        .to_series()
    )


def _spoken(flat: pl.DataFrame, objects: pl.Series, speaker: pl.Series) -> pl.DataFrame:
    """Elements that are messages, with what they say, call, answer, offer and think."""
    said, wrong = _said(objects, speaker)
    calls, name = first_value(objects, CALLS), value(objects, "name")
    lower = pl.col("speaker").str.to_lowercase()
    is_call = lower.is_in(CALLING) & pl.col("said").str.contains(r"^\s*[\[{]")
    frame = flat.select("row", "place").with_columns(
        speaker=speaker,
        said=said,
        wrong=wrong,
        calls=calls,
        tool_call_id=first_value(objects, ("tool_call_id", "call_id")),
        name=name,
        offered=first_value(objects, OFFERED),
        thought=first_value(objects, THOUGHT),
    )
    raw = frame.select(called=pl.when(is_call).then("said").otherwise(_something("calls"))).to_series()
    is_json = canonical(raw).is_not_null()
    called = pl.when(pl.lit(is_json)).then(_listed(pl.col("called"))).otherwise(_quoted(pl.col("called")))
    return (
        frame.with_columns(raw)
        .with_columns(called=called)
        .select(
            "row",
            "place",
            role=_role(pl.col("speaker")),
            content=pl.when(is_call)
            .then(pl.lit(""))
            .when(pl.col("said").is_null() & (pl.col("called").is_not_null() | pl.col("thought").is_not_null()))
            .then(pl.lit(""))
            .otherwise("said"),
            tool_calls="called",
            tool_call_id="tool_call_id",
            name="name",
            offered=_something("offered"),
            thought="thought",
            wrong="wrong",
        )
    )


def _listed(calls: pl.Expr) -> pl.Expr:
    """Calls as a list, as OpenAI has them: the one of an object in it, and one without its type given that."""
    bare = ~calls.str.contains('"function"', literal=True)
    one = (
        pl.when(bare)
        .then(pl.concat_str(pl.lit('[{"type":"function","function":'), calls, pl.lit("}]")))
        .otherwise(pl.concat_str(pl.lit("["), calls, pl.lit("]")))
    )
    return pl.when(calls.str.contains(r"^\s*\{")).then(one).otherwise(calls)


def _quoted(call: pl.Expr) -> pl.Expr:
    """A call that is written as code, as JSON of a list of that text."""
    quoted = pl.struct(x=call).struct.json_encode().str.strip_prefix('{"x":').str.strip_suffix("}")
    return pl.when(call.is_not_null()).then(pl.concat_str(pl.lit("["), quoted, pl.lit("]")))


def _something(column: str) -> pl.Expr:
    return pl.when(~pl.col(column).str.strip_chars().is_in(_NOTHING)).then(column)


def _said(objects: pl.Series, speaker: pl.Series) -> tuple[pl.Series, pl.Series]:
    """What each message says, and why it cannot be kept as text. Texts of parts stand below one another."""
    said = first_value(objects, SAID)
    keys = "|".join(SAID)
    nested = objects.str.contains(rf'"(?:{keys})":[\[{{]').fill_null(value=False)
    nested &= said.str.contains(r"^[\[{]").fill_null(value=False)
    nothing = pl.Series([None] * said.len(), dtype=pl.String)
    if not nested.any():
        return said, nothing
    listed = pl.DataFrame({"row": nested.arg_true(), "part": elements(said.filter(nested))})
    parts = listed.explode("part", empty_as_null=True)
    part = parts["part"]
    inside = part.to_frame("p").select(pl.when(pl.col("p").str.starts_with("{")).then("p")).to_series()
    kind, text = value(inside, "type"), _or(first_value(inside, ("text", "content")), _text(part))
    judged = parts.select("row").with_columns(kind=kind, text=text, nothing=part.is_null())
    is_image = pl.col("kind").is_in(IMAGES)
    no_text = ~pl.col("nothing") & (~pl.col("kind").is_in(TEXTS) | pl.col("text").is_null()).fill_null(
        pl.col("text").is_null()
    )
    whole = judged.group_by("row", maintain_order=True).agg(
        text=pl.col("text").drop_nulls().str.join("\n"), image=is_image.any(), other=no_text.any()
    )
    # What a tool answers is kept as the JSON that it is, unless it comes in parts of text.
    tool = speaker.gather(whole["row"]).to_frame("s").select(_role(pl.col("s")) == "tool").to_series()
    raw = said.gather(whole["row"])
    keeps = tool.fill_null(value=False) & whole["other"]
    text = whole["text"].zip_with(~keeps, raw)
    why = whole.select(pl.when("image").then(pl.lit(IMAGE)).when("other").then(pl.lit(NO_TEXT))).to_series()
    why = why.zip_with(~keeps, pl.Series([None], dtype=pl.String))
    return said.scatter(whole["row"], text), nothing.scatter(whole["row"], why)
