"""The worker of the server's background jobs, which look the engine up by its name.

python -m pipelines.argilla.engine.worker
"""

from argilla_server.cli.worker import worker
from argilla_server.jobs.queues import DEFAULT_QUEUE, HIGH_QUEUE

from pipelines.argilla.engine import engine  # noqa: F401  # it registers itself, in the processes that are spawned too
from pipelines.argilla.engine.orphan import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    worker(queues=[HIGH_QUEUE.name, DEFAULT_QUEUE.name], num_workers=1)
