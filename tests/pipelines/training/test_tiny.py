from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.errors import TamisError
from pipelines.training import tiny as module
from pipelines.training.tiny import tiny_base


def test_the_same_text_finds_the_same_base_again(
    corpus: Any, tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_build", lambda *_: pytest.fail("it was there"))
    again = tiny_base(
        tiny.parent, [path.parent.parent / path.parent.name / path.name for path in corpus.exports("raw")], 0
    )
    assert again == tiny
    built: list[Path] = []
    monkeypatch.setattr(module, "_build", lambda folder, *_: built.append(folder))
    others = [tiny_base(tmp_path, corpus.exports("default"), 0), tiny_base(tmp_path, corpus.exports("raw"), 1)]
    assert len({tiny.name, *(other.name for other in others)}) == 3
    assert all(other.is_dir() for other in others)


def test_a_base_is_made_of_the_exports_text_alone_and_of_a_part_at_most(
    corpus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = module._texts(corpus.exports("raw"), 0)
    said = {row.id: f"{row.own['prompt'][0]['content']}\n\n" for row in corpus.rows}
    for row in corpus.rows:
        found = [text for text in texts if text.startswith(said[row.id])]
        assert len(found) == (row.side == "train"), row.id
    monkeypatch.setattr(module, "_PLAN", module._Plan(text_bytes=2_000))
    few = module._texts(corpus.exports("raw"), 0)
    assert few == texts[: len(few)]
    assert 1_000 < sum(len(text.encode()) for text in few) <= 2_000 + 2 * len(few)
    sizes = sorted(len(text.encode()) for text in texts)
    monkeypatch.setattr(module, "_PLAN", module._Plan(text_bytes=sizes[0]))
    assert max(len(text.encode()) for text in module._texts(corpus.exports("raw"), 0)) <= sizes[0] + 2, "no longer one"
    monkeypatch.setattr(module, "_PLAN", module._Plan(text_bytes=1))
    assert [len(text.encode()) for text in module._texts(corpus.exports("raw"), 0)] == sizes[:1]


def test_a_base_that_failed_is_not_found_by_the_next(
    corpus: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path, *_: object) -> None:
        (folder / "config.json").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_build", fail)
    with pytest.raises(KeyboardInterrupt):
        tiny_base(tmp_path, corpus.exports("raw"), 0)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_base_has_learned_something(tiny: Path, corpus: Any) -> None:
    """A model that knows nothing has the loss of the vocabulary's size."""
    import math

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(tiny), AutoModelForCausalLM.from_pretrained(tiny)
    text = pl.read_parquet(corpus.exports("raw", "test")[0])["prompt"][0][0]["content"]
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    with torch.no_grad():
        assert float(model(input_ids=ids, labels=ids).loss) < 0.7 * math.log(len(tokenizer))


def test_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(TamisError, match="there is no text to make the tiny model from"):
        tiny_base(tmp_path, [], 0)
