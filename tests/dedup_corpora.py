"""Corpora that were made to be hard on whoever removes duplicates."""

import random
from dataclasses import dataclass

import polars as pl

VOCABULARY = [f"{a}{b}" for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "ist", "ong")]


@dataclass(frozen=True)
class Shape:
    """How many clusters, rows of each, words of a row, and words that are changed from one row to the next."""

    clusters: int
    rows: int
    words: int
    changed: int


def sentence(rng: random.Random, words: int) -> list[str]:
    return [rng.choice(VOCABULARY) for _ in range(words)]


def chains(rng: random.Random, shape: Shape) -> list[str]:
    """Clusters in which each row is an edit of the one before it: near to its neighbours, far from the first."""
    texts = []
    for _ in range(shape.clusters):
        words = sentence(rng, shape.words)
        for _ in range(shape.rows):
            texts.append(" ".join(words))
            for _ in range(shape.changed):
                words[rng.randrange(len(words))] = rng.choice(VOCABULARY)
    return texts


def corpus(seed: int, *, crowd: int = 40, copies: int = 3) -> list[str]:
    """Chains, stars, a template that many rows fill in, copies, short texts and empty ones, shuffled."""
    rng = random.Random(seed)
    texts = chains(rng, Shape(clusters=6, rows=8, words=40, changed=1))
    texts += chains(rng, Shape(clusters=3, rows=6, words=25, changed=2))
    template = sentence(rng, 45)
    for _ in range(crowd):
        filled = list(template)
        for place in (5, 20, 40)[: rng.randrange(1, 4)]:
            filled[place] = rng.choice(VOCABULARY)
        texts.append(" ".join(filled))
    texts += rng.choices(texts, k=copies * 5)
    texts += [" ".join(sentence(rng, 60)) for _ in range(20)]
    texts += ["", "", "ba", "ba", "Ba ", "ba be", "bi bo bu ba"]
    rng.shuffle(texts)
    return texts


def frame(texts: list[str], seed: int, *, golds: int = 0, groups: int = 0, arguments: int = 0) -> pl.DataFrame:
    """Records of such texts, of the family grpo: some have a gold (one of `golds`), a group, other arguments."""
    rng = random.Random(seed)

    def drawn(kinds: int, name: str) -> list[str | None]:
        return [f"{name}{rng.randrange(kinds)}" if kinds and rng.random() < 0.7 else None for _ in texts]

    return pl.DataFrame(
        {
            "text": texts,
            "answer": pl.Series(drawn(golds, "g"), dtype=pl.String),
            "group": pl.Series(drawn(groups, "t"), dtype=pl.String),
            "verifier_args": pl.Series(drawn(arguments, "a"), dtype=pl.String),
        }
    )
