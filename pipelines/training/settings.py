"""What a training run is: the part that stands in a recipe, and the order that the child process gets."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

TINY = "tiny"
"""The model that needs no download: made from a config, with a tokenizer trained on the corpus."""

_LEARNING_RATES = {
    (True, "lora"): 1e-2,
    (True, "full"): 3e-3,
    (False, "lora"): 2e-4,
    (False, "full"): 2e-5,
}
"""By (tiny, method). The tiny model's were found by trying; 2e-4 is LoRA's own (Hu et al. 2021, table 11), 2e-5 TRL's."""

_Positive = Annotated[int, Field(gt=0)]


class Run(BaseModel):
    """One training run of a recipe, as it stands under `training:`.

    Runs whose losses are compared must agree in everything: `tokens` loss-bearing tokens in equally many
    steps, from the same base. `batch_tokens` may not be below `max_tokens`, so that no single row fills a
    step, and every run takes exactly `steps` of them.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    families: Annotated[list[Literal["instruction", "cot"]], Field(min_length=1)] = ["instruction", "cot"]
    """Whose exports are trained on."""
    model: Annotated[str, Field(min_length=1)] = TINY
    """`tiny`, an id of the Hub such as `Qwen/Qwen3-0.6B`, or a folder with a model."""
    method: Literal["lora", "full"] = "lora"
    rank: _Positive = 16
    """Of the LoRA matrices, on every linear layer but the head."""
    alpha: _Positive = 32
    """LoRA's updates are scaled by alpha / rank."""
    tokens: _Positive = 100_000
    """Tokens that carry loss, all steps together; rows repeat in epochs until they are reached."""
    max_tokens: _Positive = 1024
    """Longest row, prompt and completion. Longer ones are left out and counted, never truncated."""
    batch_tokens: _Positive = 2048
    """Tokens that carry loss in one step, about."""
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    """Peak of a schedule that warms up over 3 % of the steps and falls linearly. None: by model and method."""
    test_rows: _Positive = 2000
    """Rows of the test set that losses are measured on, at most: the same for every run of a test set."""
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(set(self.families)) < len(self.families):
            raise ValueError("families names a family twice")
        if self.batch_tokens < self.max_tokens:
            raise ValueError(f"batch_tokens ({self.batch_tokens}) is below max_tokens ({self.max_tokens})")
        if self.tokens < self.batch_tokens:
            raise ValueError(f"tokens ({self.tokens}) is below batch_tokens ({self.batch_tokens})")
        if self.method == "full" and self.model_fields_set & {"rank", "alpha"}:
            raise ValueError("rank and alpha belong to the method lora")
        return self

    @property
    def steps(self) -> int:
        """Optimizer steps: the budget in parts of at least `batch_tokens`."""
        return self.tokens // self.batch_tokens

    @property
    def peak(self) -> float:
        """The learning rate in use: the one given, else the default of model and method."""
        return self.learning_rate or _LEARNING_RATES[self.model == TINY, self.method]


class Order(BaseModel):
    """What the child process is told, as a JSON file: `python -m pipelines.training.sft ORDER.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """Of the run, `<recipe>.<run>`: stands in progress lines and in the report."""
    run: Run
    exports: list[Path]
    """Train-side parquet files of the run's families; `pipelines.exports.ids_of` says where their ids lie."""
    test: Path | None = None
    """Parquet file with `id`, `family`, `prompt`, `completion`, `kept`; None: nothing is evaluated."""
    base_exports: list[Path] = []
    """For the tiny model: train-side exports of all recipes that are compared, of which it is made."""
    bases: Path | None = None
    """For the tiny model: folder that keeps tiny models between runs."""
    out: Path
    """Folder that the run writes; what was there is replaced when it succeeds, and kept when it fails."""
