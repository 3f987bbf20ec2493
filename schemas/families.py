"""The four families: what a record is.

Columns that every family has stand here once; a family declares only its own, and which of them are
the parts that stages iterate over. A description on each field travels with the Arrow schema.
"""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

VERSION: Final = 1
"""Of the families' schemas. It goes up with every change of a column; the lake stores it with each table."""


def column(name: str, type_: pa.DataType, description: str, *, nullable: bool = True) -> pa.Field:
    """An Arrow field that carries its own description."""
    return pa.field(name, type_, nullable=nullable, metadata={"description": description})


MESSAGE: Final = pa.struct(
    [
        column("role", pa.string(), "system, user, assistant or tool", nullable=False),
        column("content", pa.string(), "text of the message; may be empty, never null", nullable=False),
        column("tool_calls", pa.string(), "the calls that an assistant makes, as JSON; else null"),
        column("tool_call_id", pa.string(), "which call a tool's message answers; else null"),
        column("name", pa.string(), "the tool's name; else null"),
    ]
)
MESSAGES: Final = pa.list_(MESSAGE)

ORIGIN: Final = pa.struct(
    [
        column("config", pa.string(), "config of the repository"),
        column("split", pa.string(), "split of the config", nullable=False),
        column("file", pa.string(), "path of the file in the repository", nullable=False),
        column("row", pa.int64(), "row in that file, from 0", nullable=False),
    ]
)

SHARED: Final = (
    column("id", pa.string(), "<source>/<family>/<key>: what people type", nullable=False),
    column("source", pa.string(), "name of the source", nullable=False),
    column("revision", pa.string(), "commit of the Hub that the row was read at", nullable=False),
    column("origin", ORIGIN, "where upstream has the row", nullable=False),
    column("content_hash", pa.binary(), "16 bytes of blake3 over the canonical encoding", nullable=False),
    column("prompt_hash", pa.binary(), "16 bytes over the prompt without its system messages", nullable=False),
    column("match_hash", pa.binary(), "16 bytes over the compared parts, form, space and case folded", nullable=False),
    column("group", pa.string(), "what upstream says belongs together; null where it says nothing"),
    column("license", pa.string(), "SPDX id or the Hub's tag; null where none is stated"),
    column("language", pa.string(), "BCP 47; null where the source does not say"),
    column("prompt", MESSAGES, "the messages that are answered", nullable=False),
    column("tools", pa.string(), "tool definitions as JSON; null where there are none"),
    column("template_kwargs", pa.string(), "arguments of the chat template as JSON; null where there are none"),
    column("meta", pa.string(), "upstream's columns worth keeping, as JSON; null where there are none"),
)


@dataclass(frozen=True)
class Family:
    """One family of records.

    `own`: its columns beside the shared ones. `parts`: the columns that hold text, in reading order.
    `answers`: the parts among them that a model is trained to say. `compared`: the parts that decide
    whether two records are near-duplicates.
    """

    name: str
    own: tuple[pa.Field, ...]
    parts: tuple[str, ...]
    compared: tuple[str, ...]
    trains: str

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of a record: the shared columns, then the family's own."""
        return pa.schema(
            [*SHARED, *self.own], metadata={"family": self.name, "version": str(VERSION), "trains": self.trains}
        )

    @property
    def answers(self) -> tuple[str, ...]:
        """The parts that are not the prompt."""
        return tuple(part for part in self.parts if part != "prompt")


_ANSWER = column("answer", pa.string(), "gold answer; null where there is none")

INSTRUCTION: Final = Family(
    name="instruction",
    own=(column("completion", MESSAGES, "exactly one message of the assistant", nullable=False),),
    parts=("prompt", "completion"),
    compared=("prompt", "completion"),
    trains="supervised fine-tuning, distillation",
)
PREFERENCE: Final = Family(
    name="preference",
    own=(
        column("chosen", MESSAGES, "messages after the common prompt, on the side that won", nullable=False),
        column("rejected", MESSAGES, "messages after the common prompt, on the side that lost", nullable=False),
        column("chosen_score", pa.float64(), "upstream's score of the chosen side"),
        column("rejected_score", pa.float64(), "upstream's score of the rejected side"),
    ),
    parts=("prompt", "chosen", "rejected"),
    compared=("prompt", "chosen", "rejected"),
    trains="reward models, DPO; unpaired KTO",
)
COT: Final = Family(
    name="cot",
    own=(
        column("reasoning", pa.string(), "the chain of thought; null where it is not marked off"),
        column("completion", MESSAGES, "one message of the assistant, without the reasoning", nullable=False),
        _ANSWER,
    ),
    parts=("prompt", "reasoning", "completion"),
    compared=("prompt", "reasoning", "completion"),
    trains="supervised fine-tuning on reasoning, distillation",
)
GRPO: Final = Family(
    name="grpo",
    own=(
        _ANSWER,
        column("verifier", pa.string(), "how an answer is checked", nullable=False),
        column("verifier_args", pa.string(), "arguments of the verifier (tests, numbers) as JSON; else null"),
    ),
    parts=("prompt",),
    compared=("prompt",),
    trains="GRPO, RLOO",
)

FAMILIES: Final[dict[str, Family]] = {f.name: f for f in (INSTRUCTION, PREFERENCE, COT, GRPO)}
