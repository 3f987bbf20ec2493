"""What is exported goes into TRL's trainers as it is: no column is renamed, mapped or dropped."""

from pathlib import Path
from typing import Any

import pytest
from corpora import Row, lake_state, messages, published

from pipelines.exports import COLUMNS, export
from pipelines.lake import Lake
from pipelines.recipe import Recipe
from pipelines.workspace import Workspace

ON_CPU: dict[str, Any] = {
    "use_cpu": True,
    "bf16": False,
    "activation_checkpointing": False,
    "max_steps": 1,
    "per_device_train_batch_size": 2,
    "save_strategy": "no",
    "report_to": "none",
    "disable_tqdm": True,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports of a few rows of each family on each side, with a system prompt, several turns, and no gold answer."""
    workspace = Workspace(tmp_path_factory.mktemp("exported"), "sample")
    rows = []
    for side in ("train", "validation", "test"):
        for n in range(4):
            prompt = messages(("system", "Count."), ("user", "One?"), ("assistant", "Two."), ("user", f"And {n}?"))
            answer, other = messages(("assistant", f"{n + 1}.")), messages(("assistant", "I know nothing."))
            own = {
                "instruction": {"prompt": prompt, "completion": answer},
                "preference": {"prompt": prompt, "chosen": answer, "rejected": other},
                "cot": {"prompt": prompt, "reasoning": f"After {n}.", "completion": answer, "answer": f"{n + 1}"},
                "grpo": {"prompt": prompt, "verifier": "math", "answer": f"{n + 1}" if n else None},
            }
            rows += [Row(f"a/{family}/{side}.{n}", own[family], side) for family in COLUMNS]
    lake = Lake(workspace.lake)
    export(workspace, published(lake_state(lake, rows), rows), Recipe(sources={"a": None}))
    return workspace.exports / "default"


def loaded(folder: Path, family: str, cache: Path) -> Any:
    from datasets import load_dataset

    return load_dataset(str(folder / family), cache_dir=str(cache))


@pytest.mark.parametrize("family", COLUMNS)
def test_a_familys_folder_is_a_data_set_with_its_three_splits(folder: Path, family: str, tmp_path: Path) -> None:
    found = loaded(folder, family, tmp_path)
    assert {name: split.num_rows for name, split in found.items()} == {"train": 4, "validation": 4, "test": 4}
    assert found["train"].column_names == COLUMNS[family].names
    assert found["test"][0]["prompt"][0] == {"role": "system", "content": "Count."}


@pytest.mark.parametrize("family", ["instruction", "cot"])
def test_sft_takes_the_export(folder: Path, tiny: Path, family: str, tmp_path: Path) -> None:
    from trl import SFTConfig, SFTTrainer

    splits = loaded(folder, family, tmp_path)
    arguments = SFTConfig(output_dir=str(tmp_path), **ON_CPU)
    trainer = SFTTrainer(str(tiny), arguments, train_dataset=splits["train"], eval_dataset=splits["test"])
    assert trainer.train().training_loss > 0
    assert trainer.evaluate()["eval_loss"] > 0


def test_dpo_takes_the_export(folder: Path, tiny: Path, tmp_path: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    splits = loaded(folder, "preference", tmp_path)
    trainer = DPOTrainer(str(tiny), args=DPOConfig(output_dir=str(tmp_path), **ON_CPU), train_dataset=splits["train"])
    assert trainer.train().training_loss == pytest.approx(0.693, abs=0.001)


def test_a_reward_model_takes_the_export(folder: Path, tiny: Path, tmp_path: Path) -> None:
    from trl import RewardConfig, RewardTrainer

    splits = loaded(folder, "preference", tmp_path)
    arguments = RewardConfig(output_dir=str(tmp_path), **ON_CPU)
    trainer = RewardTrainer(str(tiny), args=arguments, train_dataset=splits["train"])
    assert trainer.train().training_loss > 0


def test_grpo_takes_the_export_and_hands_the_solution_to_the_reward(folder: Path, tiny: Path, tmp_path: Path) -> None:
    from trl import GRPOConfig, GRPOTrainer

    seen: list[str | None] = []

    def reward(completions: list[Any], solution: list[str | None], **kwargs: Any) -> list[float]:
        seen.extend(solution)
        return [float(n) for n, _ in enumerate(completions)]

    splits = loaded(folder, "grpo", tmp_path)
    arguments = GRPOConfig(output_dir=str(tmp_path), num_generations=2, max_completion_length=8, **ON_CPU)
    trainer = GRPOTrainer(str(tiny), reward_funcs=reward, args=arguments, train_dataset=splits["train"])
    trainer.train()
    assert set(seen) <= {"2", "3", "4", None}
    assert len(seen) == 2
