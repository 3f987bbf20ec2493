import polars as pl
from pydantic import BaseModel


class Rule(BaseModel):
    name: str
    sources: list[str] | None = None
    except_sources: list[str] | None = None


def hits(s, rules, family):
    return pl.LazyFrame(
        schema={
            "id": pl.String,
            "order": pl.Int64,
            "rule": pl.String,
            "value": pl.Float64,
            "threshold": pl.Float64,
            "action": pl.String,
        }
    )
