from dataclasses import dataclass


@dataclass(frozen=True)
class SourceStatus:
    word: str
    message: str


@dataclass(frozen=True)
class RunOutcome:
    statuses: object
    recipes: object
    comparisons: object
    failures: object
    planted: object
    seconds: float
