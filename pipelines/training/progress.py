"""A line on stdout now and then: which step, the loss, how fast, how long it still takes."""

import time
from typing import Final

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

_EVERY: Final = 5.0
"""Seconds between two lines, at least."""


class Progress(TrainerCallback):
    """Prints a run's progress; `tokens` are those that all its steps read together."""

    def __init__(self, name: str, tokens: int) -> None:
        self._name, self._tokens = name, tokens
        self._started = self._printed = time.perf_counter()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Start the clock."""
        self._started = self._printed = time.perf_counter()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: object,
    ) -> None:
        """Print the step just logged: the first, the last, and between them where the last line is some time ago."""
        now = time.perf_counter()
        ends = state.global_step in (1, state.max_steps)
        if not logs or "loss" not in logs or (now - self._printed < _EVERY and not ends):
            return
        self._printed = now
        share, took = state.global_step / state.max_steps, now - self._started
        left = f", {took / share - took:,.0f} s left" if share < 1 else ""
        print(
            f"{self._name}: step {state.global_step:,} of {state.max_steps:,}, loss {float(logs['loss']):.3f}, "
            f"{self._tokens * share / took:,.0f} tokens/s{left}",
            flush=True,
        )
