"""What a training run is: the part that stands in a recipe, and the order that the child process gets."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

TINY: Final = "tiny"
"""The model that needs no download: made from a config, with a tokenizer trained on the corpus."""

_BUDGETS: Final[dict[bool, dict[str, int]]] = {
    True: {"tokens": 30_000, "max_tokens": 512, "batch_tokens": 512, "test_rows": 300},
    False: {"tokens": 2_000_000, "max_tokens": 4_096, "batch_tokens": 16_384, "test_rows": 2_000},
}
"""By whether the model is the tiny one: that one's take some 10 CPU-seconds, the others' minutes on a GPU."""

_LEARNING_RATES: Final = {
    (True, False): 1e-2,
    (True, True): 3e-3,
    (False, False): 2e-4,
    (False, True): 2e-5,
}
"""By (tiny, all weights). The tiny model's were found by trying; 2e-4 is LoRA's own (Hu et al. 2021, arXiv:2106.09685,
table 11), 2e-5 TRL's."""

_LORA: Final = {"rank": 16, "alpha": 32}

_Positive = Annotated[int, Field(gt=0)]


class Run(BaseModel):
    """One training run of a recipe, as it stands under `training:`. What is left out follows the model and the method.

    Runs whose losses are compared must agree in everything: `tokens` loss-bearing tokens in equally many
    steps, from the same base. `batch_tokens` may not be below `max_tokens`, so that no single row fills a
    step, and every run takes exactly `steps` of them.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    families: Annotated[list[Literal["instruction", "cot"]], Field(min_length=1)] = ["instruction", "cot"]
    """Whose exports are trained on, those of rows with tools among them."""
    model: Annotated[str, Field(min_length=1)] = TINY
    """`tiny`, an id of the Hub such as `Qwen/Qwen3-0.6B`, or a folder with a model."""
    method: Literal["lora", "full"] = "lora"
    rank: _Positive | None = None
    """Of the LoRA matrices, on every linear layer but the head: 16 if left out. None where all weights are trained."""
    alpha: _Positive | None = None
    """LoRA's updates are scaled by alpha / rank: 32 if left out. None where all weights are trained."""
    tokens: _Positive
    """Tokens that carry loss, all steps together; rows repeat in epochs until they are reached."""
    max_tokens: _Positive
    """Longest row, prompt and completion. Longer ones are left out and counted, never truncated."""
    batch_tokens: _Positive
    """Tokens that carry loss in one step, about."""
    learning_rate: Annotated[float, Field(gt=0)]
    """Peak of a schedule that warms up over 3 % of the steps and falls linearly."""
    test_rows: _Positive
    """Rows of the test set that losses are measured on, at most: the same for every run of a test set."""
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, said: object) -> object:
        if not isinstance(said, dict):
            return said
        tiny, full = said.get("model", TINY) == TINY, said.get("method") == "full"
        adapter = {} if full else _LORA
        return _BUDGETS[tiny] | adapter | {"learning_rate": _LEARNING_RATES[tiny, full]} | said

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(set(self.families)) < len(self.families):
            raise ValueError("families names a family twice")
        if self.batch_tokens < self.max_tokens:
            raise ValueError(f"batch_tokens ({self.batch_tokens}) is below max_tokens ({self.max_tokens})")
        if self.tokens < self.batch_tokens:
            raise ValueError(f"tokens ({self.tokens}) is below batch_tokens ({self.batch_tokens})")
        if (self.rank is None, self.alpha is None) != (self.method == "full",) * 2:
            raise ValueError("rank and alpha belong to the method lora, which needs both")
        return self

    @property
    def steps(self) -> int:
        """Optimizer steps: the budget in parts of at least `batch_tokens`."""
        return self.tokens // self.batch_tokens

    @property
    def hub_model(self) -> bool:
        """Whether the model is one of the Hub's, rather than the tiny one or a folder."""
        return self.model != TINY and not Path(self.model).is_dir()


class Order(BaseModel):
    """What the child process is told, as a JSON file: `python -m pipelines.training ORDER.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """Of the run, `<recipe>.<run>`: stands in progress lines and in the report."""
    run: Run
    exports: list[Path]
    """Train-side parquet files of the run's families, of rows without tools and with; `pipelines.exports.ids_of` says
    where their ids lie."""
    test: Path
    """Parquet file with `id`, `family`, `prompt`, `completion`, `tools`, `kept` (`evaluation_rows`)."""
    base_exports: list[Path]
    """For the tiny model: the train-side exports of which it is made, the same for all runs that are compared."""
    bases: Path
    """For the tiny model: folder that keeps tiny models between runs."""
    out: Path
    """Folder that the run writes; what was there is replaced when it succeeds, and kept when it fails."""
