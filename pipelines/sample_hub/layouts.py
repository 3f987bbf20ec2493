"""The layouts of the sources: how their upstream rows say what they say."""

import re
from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from pipelines.sample_hub.layout import ASSISTANT, HUMAN, Layout, question
from pipelines.sample_hub.messages import OASST1
from pipelines.sample_hub.rows import Parts, Unit, columns

THOUGHT: Final = ("<|begin_of_thought|>", "<|end_of_thought|>")
SOLUTION: Final = ("<|begin_of_solution|>", "<|end_of_solution|>")
SYSTEM: Final = (
    "You explore a question at length before you answer it. Write down your thoughts first and then the solution, "
    "each between its own tags."
)
_PROMPT: Final = "Below is an instruction that describes a task"


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
    schema=columns(instruction=pl.String, input=pl.String, output=pl.String, text=pl.String),
    needed=("instruction", "output"),
    compared={"instruction": ("question", "context", "answer")},
    read=_alpaca_read,
    write=lambda unit, parts: _with_text(_alpaca_write(unit, parts)),
    blank=lambda _: ({"instruction": "", "input": "", "output": "", "text": ""},),
)

_dolly_read, _dolly_write = _one_row({"question": "instruction", "context": "context", "answer": "response"})
DOLLY: Final = Layout(
    source="dolly",
    schema=columns(instruction=pl.String, context=pl.String, response=pl.String, category=pl.String),
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
    schema=columns(chosen=pl.String, rejected=pl.String),
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
    schema=columns(system=pl.String, conversations=pl.List(pl.Struct({"from": pl.String, "value": pl.String}))),
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
    schema=columns(question=pl.String, answer=pl.String),
    needed=("question", "answer"),
    compared={"cot": ("question", "reasoning", "answer"), "grpo": ("question",)},
    read=_read_solution,
    write=_write_solution,
    blank=lambda _: ({"question": "", "answer": ""},),
)

COUNTDOWN: Final = Layout(
    source="countdown",
    schema=columns(target=pl.Int64, nums=pl.List(pl.Int64)),
    needed=("target", "nums"),
    compared={"grpo": ("target", "numbers")},
    read=lambda unit: {"target": str(unit[-1]["target"]), "numbers": " ".join(map(str, unit[-1]["nums"]))},
    write=lambda _, parts: (
        {"target": int(parts["target"]), "nums": [int(number) for number in parts["numbers"].split()]},
    ),
    blank=lambda _: ({"target": 0, "nums": []},),
)


LAYOUTS: Final = {layout.source: layout for layout in (ALPACA, DOLLY, OASST1, HH_RLHF, SKY_T1, GSM8K, COUNTDOWN)}
