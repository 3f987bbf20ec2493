"""A training run in a process of its own: `python -m pipelines.training ORDER.json`.

Started so by Dagster, through Pipes, or by hand. It writes the order's folder `out`, which appears when all is done.
"""

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

from dagster_pipes import PipesContext, PipesEnvVarParamsLoader, open_dagster_pipes

# Nothing that imports torch or a library of the Hub: these read the environment, which is set below, at import.
from pipelines.errors import TamisError
from pipelines.training.settings import TINY, Order, Run
from pipelines.workspace import users_hub

if TYPE_CHECKING:
    from pipelines.training.report import Report

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def main(path: str) -> int:
    """Carry out the order in the file; returns the exit code.

    A user's error is one line on stderr. Dagster, where it listens, is told of it in a message, and the exit code
    is 0, since Pipes drops the messages of a process that fails.
    """
    for number in _SIGNALS:
        signal.signal(number, _stop)
    if not PipesEnvVarParamsLoader().is_dagster_pipes_process():
        return _carried_out(path, None)
    with open_dagster_pipes() as pipes:
        return _carried_out(path, pipes)


def _carried_out(path: str, pipes: PipesContext | None) -> int:
    started = time.perf_counter()
    try:
        order = Order.model_validate_json(Path(path).read_bytes())
        _prepare_environment(order.run)
        from pipelines.training.sft import train

        report = train(order)
    except TamisError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        if pipes is None:
            return 1
        pipes.report_custom_message({"what": error.what, "where": error.where, "cure": error.cure})
        return 0
    if pipes is not None:
        _tell(pipes, order, report, time.perf_counter() - started)
    return 0


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """Unwind, so that nothing half-written stays; what comes after the first signal is not listened to."""
    for later in _SIGNALS:
        signal.signal(later, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _prepare_environment(run: Run) -> None:
    """Set what torch and the Hub's libraries read when they are imported; what else is set already stays."""
    _set(users_hub())
    one = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    _set({"CUDA_VISIBLE_DEVICES": one})  # TRL refuses rows that are packed on several GPUs in one process
    wanted = {
        "TOKENIZERS_PARALLELISM": "true",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "DO_NOT_TRACK": "1",
        "TRANSFORMERS_VERBOSITY": "error",
    }
    if not run.hub_model:
        wanted |= {"HF_HUB_OFFLINE": "1"}
    if run.model == TINY:
        wanted |= {"OMP_NUM_THREADS": "1"}  # two threads on two busy cores were 12 times slower
    _set({name: os.environ.get(name, value) for name, value in wanted.items()})


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _tell(pipes: PipesContext, order: Order, report: "Report", seconds: float) -> None:
    """Hand the numbers to Dagster. `tokens` is always among them: the parent requires it as a sign of life."""
    numbers: dict[str, float | None] = {
        "tokens": report.tokens,
        "tokens_read": report.tokens_read,
        "tokens_per_second": report.tokens_per_second,
        "steps": report.steps,
        "epochs": report.epochs,
        "rows": report.rows.used,
        "rows_too_long": report.rows.too_long,
        "rows_unfit": report.rows.unfit,
        "rows_no_tools": report.rows.no_tools,
        "training_loss_first": report.first_loss,
        "training_loss_last": report.last_loss,
        "trainable_parameters": report.trainable_parameters,
        "gpu_memory_bytes": report.gpu_memory,
        "seconds": seconds,
        **{f"seconds_{name}": took for name, took in report.seconds.items()},
    }
    if report.evaluation is not None:
        numbers |= {
            "test_loss": report.evaluation.all.loss,
            "test_loss_kept": report.evaluation.kept.loss,
            "test_loss_base": report.evaluation.base.loss,
            "test_rows": report.evaluation.all.rows,
            "test_rows_too_long": report.evaluation.too_long,
            "test_rows_no_tools": report.evaluation.no_tools,
        }
    metadata = {name: number for name, number in numbers.items() if number is not None}
    folder = {"raw_value": str(order.out), "type": "path"}
    pipes.report_asset_materialization({**metadata, "base": report.base, "device": report.device, "folder": folder})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
