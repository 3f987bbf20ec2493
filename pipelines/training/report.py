"""What a training run says about itself when it is done: `report.json` in its folder."""

from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from pipelines.training.settings import Run
from pipelines.training.table import Summary

REPORT: Final = "report.json"
LOSSES: Final = "losses.parquet"
"""`id`, `family`, `kept`, `tokens`, `nll` of each test row."""
ROWS: Final = "rows.parquet"
"""`id`, `n_tokens`, `n_loss_tokens`, `reason` of each row looked at; the reason is null where it was trained on."""
MODEL: Final = "model"
"""Folder of the adapter, or of the whole model; with the tokenizer."""


class Loss(BaseModel):
    """Mean loss per completion token, in nats, over `rows` rows with `tokens` such tokens; None without rows."""

    loss: float | None
    tokens: int
    rows: int


class Evaluation(BaseModel):
    """Losses on the test set: on all of it, and on the part that the run's own recipe keeps."""

    all: Loss
    kept: Loss
    base: Loss
    """Of the base before training, on all of it."""
    too_long: int
    unfit: int
    no_tools: int = 0
    """Rows with tools that the chat template knows nothing of. Reports of earlier versions do not say it."""


class Report(BaseModel):
    """A finished run. Times in seconds, losses in nats per loss-bearing token."""

    model_config = ConfigDict(protected_namespaces=())

    name: str
    run: Run
    base: str
    """What was trained: the tiny model's name (it holds a digest of its text), or the model and its commit."""
    rows: Summary
    steps: int
    tokens: int
    """Loss-bearing tokens trained on: the run's budget, exactly."""
    tokens_read: int
    """Prompts among them."""
    epochs: float
    trainable_parameters: int
    parameters: int
    losses: list[float]
    """Of each step, on the rows that it trains on."""
    evaluation: Evaluation | None
    """None where the test set has no row that fits."""
    seconds: dict[str, float]
    device: str
    gpu_memory: int | None = None
    """Bytes that tensors held on the GPU at most, evaluation and training alike; None on a CPU."""
    versions: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The report of the run that wrote `folder`."""
        return cls.model_validate_json((folder / REPORT).read_bytes())

    @property
    def tokens_per_second(self) -> float:
        """Tokens read per second of training, from making the trainer to the last step."""
        return self.tokens_read / self.seconds["training"]

    @property
    def first_loss(self) -> float:
        """Mean of the first tenth of the steps."""
        part = self.losses[: max(len(self.losses) // 10, 1)]
        return sum(part) / len(part)

    @property
    def last_loss(self) -> float:
        """Mean of the last tenth of the steps."""
        part = self.losses[-max(len(self.losses) // 10, 1) :]
        return sum(part) / len(part)
