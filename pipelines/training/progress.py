"""A line on stdout now and then: which step, the loss, how fast, how far."""

import time

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

_EVERY = 2.0
"""Seconds between two lines, at least."""


class Progress(TrainerCallback):  # type: ignore[misc]
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
        """Print the step just logged, if the last line is some time ago or the end is reached."""
        now = time.perf_counter()
        if not logs or "loss" not in logs or (now - self._printed < _EVERY and state.global_step < state.max_steps):
            return
        self._printed = now
        share = state.global_step / state.max_steps
        speed = self._tokens * share / (now - self._started)
        print(
            f"{self._name}: step {state.global_step:,} of {state.max_steps:,} ({share:.0%}), "
            f"loss {float(logs['loss']):.3f}, {speed:,.0f} tokens/s",
            flush=True,
        )
