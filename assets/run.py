"""`make run`: the whole graph in one process, with progress, and what came of it at the end.

python -m assets.run [--hub sample|online|FOLDER] [--sources a,b] [--limit N] [--no-review]
"""

import argparse
import os
import sys

from assets import interruption
from pipelines import workspace as places
from pipelines.errors import TamisError
from pipelines.opening import served
from pipelines.workspace import SAMPLE


def main(arguments: list[str] | None = None) -> int:
    """Run the graph; the exit code is 0, 1 where a source failed or a gate or check of severity ERROR did not hold."""
    options = _options(arguments)
    interruption.listen()
    try:
        opened = places.workspace(options.hub)
        with served(opened):
            places.remember(opened)
            # Only now, since the Hub's libraries freeze their endpoint when they are imported.
            from assets.graph import Graph

            return Graph(opened, options.sources, options.limit, review=options.review).run()
    except TamisError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; what was committed before stands, nothing else is visible", file=sys.stderr)
        return 130


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make run", description="Run the whole graph: from the Hub to a trained model."
    )
    parser.add_argument("--hub", default=SAMPLE, help="sample, online, or a folder laid out as repositories")
    parser.add_argument("--sources", type=lambda text: text.split(","), help="refresh these sources only")
    parser.add_argument("--limit", type=int, help="upstream rows to read of each source")
    parser.add_argument("--no-review", dest="review", action="store_false", help="leave Argilla alone")
    options = parser.parse_args(arguments)
    if options.limit is not None and options.limit < 1:
        parser.error("LIMIT is a number of rows, 1 or more")
    return options


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
