"""`python -m bench [NAME] [--data FOLDER]`: one benchmark, or all of them."""

import argparse
import sys
from pathlib import Path

from bench import (
    argilla,
    curate,
    decontaminate,
    dedup,
    golds,
    growth,
    normalise,
    planted,
    precision,
    push,
    signals,
    training,
    verify,
)
from bench.machine import machine
from bench.peers import beside

BENCHMARKS = {
    "normalise": normalise.run,
    "curate": curate.run,
    "dedup": dedup.run,
    "peers": beside.run,
    "golds": golds.run,
    "decontaminate": decontaminate.run,
    "verify": verify.run,
    "signals": signals.run,
    "planted": planted.run,
    "precision": precision.run,
    "argilla": argilla.run,
    "push": push.run,
    "growth": growth.run,
    "training": training.run,
}
ONLY_BY_NAME = ("growth", "training")


def main() -> int:
    """Run what was asked for; 2 for a name that is not there."""
    parser = argparse.ArgumentParser(prog="make bench", description="Benchmarks of Tamis.")
    parser.add_argument("name", nargs="?", help=f"one of: {', '.join(BENCHMARKS)}; all, where it is left out")
    parser.add_argument("--data", type=Path, help="a folder laid out as repositories of the Hub")
    options = parser.parse_args()
    if options.name and options.name not in BENCHMARKS:
        print(f"error: there is no benchmark {options.name!r}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    print(machine())
    for name in [options.name] if options.name else [name for name in BENCHMARKS if name not in ONLY_BY_NAME]:
        print(f"\n## {name}\n")
        print(BENCHMARKS[name](options.data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
