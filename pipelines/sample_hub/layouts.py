"""How each source's upstream rows say what they say: the accessors through which defects are planted in any rows."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipelines.sample_hub.rows import Parts, Row, Rows, Unit

HUMAN: Final = "\n\nHuman: "
ASSISTANT: Final = "\n\nAssistant: "
THOUGHT: Final = ("<|begin_of_thought|>", "<|end_of_thought|>")
SOLUTION: Final = ("<|begin_of_solution|>", "<|end_of_solution|>")
SYSTEM: Final = (
    "You explore a question at length before you answer it. Write down your thoughts first and then the solution, "
    "each between its own tags."
)
_PROMPT: Final = "Below is an instruction that describes a task"


@dataclass(frozen=True)
class Layout:
    """One source's rows. `read` gives the parts of an example, `write` the example with other parts.

    `blank` is an example without text, made with the random numbers given. `needed`: the columns that an
    example cannot do without, the answer last. `compared`: the parts that decide about duplicates, by family.
    `identity`: the columns that a copy has of its own.
    """

    source: str
    schema: pl.Schema
    needed: tuple[str, ...]
    compared: Mapping[str, tuple[str, ...]]
    read: Callable[[Unit], Parts]
    write: Callable[[Unit, Parts], Unit]
    blank: Callable[[np.random.Generator], Unit]
    identity: tuple[str, ...] = ()

    def new(self, parts: Parts, generator: np.random.Generator) -> Unit:
        """An example that says this and stands for itself."""
        return self.write(self.blank(generator), parts)

    def copied(self, unit: Unit, parts: Parts, generator: np.random.Generator) -> Unit:
        """Another example that is like `unit` but says this."""
        fresh = zip(unit, self.blank(generator), strict=True)
        return self.write(tuple({**row, **{name: new[name] for name in self.identity}} for row, new in fresh), parts)

    def unit(self, rows: Rows, position: int) -> Unit:
        """The example that the row at `position` yields."""
        row = rows[position]
        if "parent_id" not in self.schema or row["parent_id"] is None:
            return (row,)
        parent = rows.frame.filter(pl.col("message_id") == row["parent_id"])
        return (*parent.head(1).iter_rows(named=True), row)

    def text(self, parts: Parts, family: str) -> str:
        """The text that duplicates are judged by, but for white space."""
        said = "\n\n".join(parts[name] for name in self.compared[family] if parts.get(name))
        return re.sub(r"<<[^>]*>>", "", said.replace(HUMAN, "\n\n").replace(ASSISTANT, "\n\n"))


def question(parts: Parts) -> str:
    """The question with its context, as one text."""
    return "\n\n".join(parts[name] for name in ("question", "context") if parts.get(name))


def _one_row(columns: Mapping[str, str]) -> tuple[Callable[[Unit], Parts], Callable[[Unit, Parts], Unit]]:
    """Accessors of rows that hold each part in a column of its own."""

    def read(unit: Unit) -> Parts:
        return {part: unit[-1][column] or "" for part, column in columns.items()}

    def write(unit: Unit, parts: Parts) -> Unit:
        return ({**unit[-1], **{column: parts.get(part, "") for part, column in columns.items()}},)

    return read, write


def _with_text(unit: Unit) -> Unit:
    """Alpaca's `text` says the row once more as a training prompt."""
    row = unit[-1]
    with_input = ", paired with an input that provides further context" if row["input"] else ""
    given = f"\n\n### Input:\n{row['input']}" if row["input"] else ""
    text = (
        f"{_PROMPT}{with_input}. Write a response that appropriately completes the request.\n\n"
        f"### Instruction:\n{row['instruction']}{given}\n\n### Response:\n{row['output']}"
    )
    return ({**row, "text": text},)


_alpaca_read, _alpaca_write = _one_row({"question": "instruction", "context": "input", "answer": "output"})
ALPACA: Final = Layout(
    source="alpaca",
    schema=pl.Schema({name: pl.String for name in ("instruction", "input", "output", "text")}),
    needed=("instruction", "output"),
    compared={"instruction": ("question", "context", "answer")},
    read=_alpaca_read,
    write=lambda unit, parts: _with_text(_alpaca_write(unit, parts)),
    blank=lambda _: ({"instruction": "", "input": "", "output": "", "text": ""},),
)

_dolly_read, _dolly_write = _one_row({"question": "instruction", "context": "context", "answer": "response"})
DOLLY: Final = Layout(
    source="dolly",
    schema=pl.Schema({name: pl.String for name in ("instruction", "context", "response", "category")}),
    needed=("instruction", "response"),
    compared={"instruction": ("question", "context", "answer")},
    read=_dolly_read,
    write=_dolly_write,
    blank=lambda _: ({"instruction": "", "context": "", "response": "", "category": "open_qa"},),
)


def _read_pair(unit: Unit) -> Parts:
    """The turns that both sides share, without the first marker, and what each side says after them."""
    chosen, rejected = (_turns(unit[-1][side]) for side in ("chosen", "rejected"))
    most = min(len(chosen), len(rejected)) - 1
    shared = next((at for at in range(most) if chosen[at] != rejected[at]), most)
    return {
        "question": "".join(chosen[:shared]).removeprefix(HUMAN),
        "answer": "".join(chosen[shared:]).removeprefix(ASSISTANT),
        "rejected": "".join(rejected[shared:]).removeprefix(ASSISTANT),
    }


def _turns(transcript: str) -> list[str]:
    return re.split(r"(?=\n\n(?:Human|Assistant): )", transcript)[1:]


def _write_pair(unit: Unit, parts: Parts) -> Unit:
    lead = HUMAN + question(parts) + ASSISTANT
    return ({**unit[-1], "chosen": lead + parts["answer"], "rejected": lead + parts["rejected"]},)


HH_RLHF: Final = Layout(
    source="hh_rlhf",
    schema=pl.Schema({"chosen": pl.String, "rejected": pl.String}),
    needed=("chosen", "rejected"),
    compared={"preference": ("question", "answer", "rejected")},
    read=_read_pair,
    write=_write_pair,
    blank=lambda _: ({"chosen": "", "rejected": ""},),
)


def _read_tagged(unit: Unit) -> Parts:
    asked, said = (turn["value"] for turn in (unit[-1]["conversations"][0], unit[-1]["conversations"][-1]))
    before, _, after = said.partition(THOUGHT[1])
    return {
        "question": asked,
        "reasoning": before.replace(THOUGHT[0], "").strip(),
        "answer": after.replace(SOLUTION[0], "").replace(SOLUTION[1], "").strip(),
    }


def _write_tagged(unit: Unit, parts: Parts) -> Unit:
    said = "\n\n".join((THOUGHT[0], parts["reasoning"], THOUGHT[1], SOLUTION[0], parts["answer"], SOLUTION[1]))
    turns = [{"from": "user", "value": question(parts)}, {"from": "assistant", "value": said}]
    return ({**unit[-1], "conversations": turns},)


SKY_T1: Final = Layout(
    source="sky_t1",
    schema=pl.Schema(
        {"system": pl.String, "conversations": pl.List(pl.Struct({"from": pl.String, "value": pl.String}))}
    ),
    needed=("conversations",),
    compared={"cot": ("question", "reasoning", "answer")},
    read=_read_tagged,
    write=_write_tagged,
    blank=lambda _: ({"system": SYSTEM, "conversations": []},),
)


def _read_solution(unit: Unit) -> Parts:
    reasoning, _, gold = unit[-1]["answer"].rpartition("####")
    return {"question": unit[-1]["question"], "reasoning": reasoning.strip(), "answer": gold.strip()}


def _write_solution(unit: Unit, parts: Parts) -> Unit:
    answer = f"{parts['reasoning']}\n#### {parts['answer']}"
    return ({**unit[-1], "question": question(parts), "answer": answer},)


GSM8K: Final = Layout(
    source="gsm8k",
    schema=pl.Schema({"question": pl.String, "answer": pl.String}),
    needed=("question", "answer"),
    compared={"cot": ("question", "reasoning", "answer"), "grpo": ("question",)},
    read=_read_solution,
    write=_write_solution,
    blank=lambda _: ({"question": "", "answer": ""},),
)

COUNTDOWN: Final = Layout(
    source="countdown",
    schema=pl.Schema({"target": pl.Int64, "nums": pl.List(pl.Int64)}),
    needed=("target", "nums"),
    compared={"grpo": ("target", "numbers")},
    read=lambda unit: {"target": str(unit[-1]["target"]), "numbers": " ".join(map(str, unit[-1]["nums"]))},
    write=lambda _, parts: (
        {"target": int(parts["target"]), "nums": [int(number) for number in parts["numbers"].split()]},
    ),
    blank=lambda _: ({"target": 0, "nums": []},),
)


_DETOXIFY: Final = (
    "toxicity",
    "severe_toxicity",
    "obscene",
    "identity_attack",
    "insult",
    "threat",
    "sexual_explicit",
)
_LABELS: Final = ("spam", "lang_mismatch", "pii", "not_appropriate", "hate_speech", "sexual_content", "quality")


def _messages(generator: np.random.Generator) -> Unit:
    """A question and its only answer, with what upstream knows of them beside the text."""
    asked = blank_message(generator)
    tree = {"message_tree_id": asked["message_id"]}
    answer = {**blank_message(generator), **tree, "parent_id": asked["message_id"], "role": "assistant"}
    return {**asked, **tree}, answer


def blank_message(generator: np.random.Generator) -> Row:
    """One message of OASST without text and tree, by `prompter`, in English, with ids and ratings drawn at random."""
    toxicity = {
        name: float(value) for name, value in zip(_DETOXIFY, generator.uniform(0, 0.01, 7).round(6), strict=True)
    }
    ratings = [*np.zeros(6), *generator.uniform(0.5, 1, 1).round(3)]
    return {
        "message_id": str(uuid.UUID(bytes=generator.bytes(16), version=4)),
        "parent_id": None,
        "user_id": str(uuid.UUID(bytes=generator.bytes(16), version=4)),
        "created_date": f"2023-03-{generator.integers(1, 28):02}T{generator.integers(24):02}:15:32.481937+00:00",
        "text": "",
        "role": "prompter",
        "lang": "en",
        "review_count": 3,
        "review_result": True,
        "deleted": False,
        "rank": None,
        "synthetic": False,
        "model_name": None,
        "detoxify": toxicity,
        "message_tree_id": None,
        "tree_state": "ready_for_export",
        "emojis": {"name": ["+1"], "count": [int(generator.integers(1, 5))]},
        "labels": {"name": list(_LABELS), "value": [float(value) for value in ratings], "count": [3] * len(_LABELS)},
    }


OASST1: Final = Layout(
    source="oasst1",
    schema=pl.Schema(
        {
            **{
                name: pl.String
                for name in ("message_id", "parent_id", "user_id", "created_date", "text", "role", "lang")
            },
            "review_count": pl.Int32,
            "review_result": pl.Boolean,
            "deleted": pl.Boolean,
            "rank": pl.Int32,
            "synthetic": pl.Boolean,
            "model_name": pl.String,
            "detoxify": pl.Struct({name: pl.Float64 for name in _DETOXIFY}),
            "message_tree_id": pl.String,
            "tree_state": pl.String,
            "emojis": pl.Struct({"name": pl.List(pl.String), "count": pl.List(pl.Int32)}),
            "labels": pl.Struct({"name": pl.List(pl.String), "value": pl.List(pl.Float64), "count": pl.List(pl.Int32)}),
        }
    ),
    needed=("text",),
    compared={"instruction": ("question", "context", "answer")},
    read=lambda unit: {"question": unit[0]["text"], "answer": unit[-1]["text"]},
    write=lambda unit, parts: (
        *({**row, "text": question(parts)} for row in unit[:-1]),
        {**unit[-1], "text": parts["answer"]},
    ),
    blank=_messages,
    identity=("message_id", "parent_id", "message_tree_id", "user_id", "created_date"),
)

LAYOUTS: Final = {layout.source: layout for layout in (ALPACA, DOLLY, OASST1, HH_RLHF, SKY_T1, GSM8K, COUNTDOWN)}
