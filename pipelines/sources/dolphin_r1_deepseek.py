"""The DeepSeek part of Dolphin-R1 as whole conversations (mlabonne, 2025).

The reasoning stands inside the assistant's turn, in `<|begin_of_thought|>` tags with the bare solution after them;
answers without tags are kept as they are. The rows are those of Dolphin-R1, laid out anew.
"""

from pipelines.layouts.messages import MESSAGES, answered, messages, unanswered
from pipelines.sources.source import Read, Source

said = messages("messages")

SOURCE = Source(
    repo="mlabonne/dolphin-r1-deepseek",
    license="apache-2.0",
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"messages": MESSAGES},
            reject=unanswered(said),
            families={"cot": answered(said)},
        ),
    ),
)
