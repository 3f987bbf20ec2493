"""What a training run says about itself when it is done: `report.json` in its folder."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from pipelines.training.settings import Run
from pipelines.training.table import Summary

REPORT, LOSSES, LEFT_OUT, MODEL = "report.json", "losses.parquet", "left_out.parquet", "model"
"""Names in a run's folder: the report, the test rows' losses, the rows not trained on, the model or adapter."""


class Loss(BaseModel):
    """Mean loss per completion token, in nats, over `rows` rows with `tokens` such tokens; None without rows."""

    loss: float | None
    tokens: int
    rows: int


class Evaluation(BaseModel):
    """Losses on the test set: on all of it, and on the part that the curated recipe keeps."""

    all: Loss
    kept: Loss
    base: Loss
    """Of the base before training, on all of it."""
    too_long: int
    unfit: int
    not_taken: int
    """Rows of the test set beyond `Run.test_rows`."""


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
    seconds: dict[str, float]
    device: str
    versions: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The report of the run that wrote `folder`."""
        return cls.model_validate_json((folder / REPORT).read_bytes())

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
