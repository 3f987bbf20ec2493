import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import TamisError
from pipelines.training.loading import load_model, load_tokenizer, refuse_leaks
from pipelines.training.settings import Run


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    for load in (load_tokenizer, lambda base: load_model(base, Run(model=base))):
        with pytest.raises(TamisError, match=rf"model {tmp_path}: cannot be loaded: .*The folder must hold config"):
            load(str(tmp_path))


def test_a_tokenizer_without_a_chat_template_is_refused(tiny: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny, base)
    (base / "chat_template.jinja").unlink()
    with pytest.raises(TamisError, match=r"no chat template.*Name an instruction-tuned model"):
        load_tokenizer(str(base))


def test_a_model_whose_packed_rows_see_each_other_is_refused(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = load_model(str(tiny), Run())
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda position_ids, **rest: forward(**rest))
    with pytest.raises(TamisError, match=r"packed together see each other in this model.*Qwen3"):
        refuse_leaks(model, "leaky")
