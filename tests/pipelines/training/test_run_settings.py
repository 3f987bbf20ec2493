import pytest
from pydantic import ValidationError

from pipelines.training.settings import Run


def test_what_is_left_out_follows_model_and_method() -> None:
    tiny, large = Run(), Run(model="Qwen/Qwen3-0.6B")
    assert (tiny.model, tiny.rank, tiny.alpha, tiny.learning_rate) == ("tiny", 16, 32, 1e-2)
    assert (large.rank, large.learning_rate) == (16, 2e-4)
    assert large.tokens > tiny.tokens
    assert large.max_tokens > tiny.max_tokens
    full = Run(model="Qwen/Qwen3-0.6B", method="full")
    assert (full.rank, full.alpha, full.learning_rate) == (None, None, 2e-5)
    assert Run(tokens=5_000, learning_rate=0.1).model_dump() == tiny.model_dump() | {
        "tokens": 5_000,
        "learning_rate": 0.1,
    }


@pytest.mark.parametrize("said", [{}, {"method": "full"}, {"model": "Qwen/Qwen3-0.6B", "rank": 4}])
def test_a_run_survives_its_order_file(said: dict[str, object]) -> None:
    run = Run.model_validate(said)
    assert Run.model_validate_json(run.model_dump_json()) == run


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"method": "full", "rank": 8}, "rank and alpha belong to the method lora"),
        ({"rank": None}, "rank and alpha belong to the method lora, which needs both"),
        ({"batch_tokens": 100}, r"batch_tokens \(100\) is below max_tokens \(512\)"),
        ({"tokens": 100}, r"tokens \(100\) is below batch_tokens \(512\)"),
        ({"families": ["cot", "cot"]}, "names a family twice"),
        ({"families": ["grpo"]}, "'instruction' or 'cot'"),
        ({"model": 3}, "valid string"),
        ({"token": 3}, "Extra inputs"),
        ("tiny", "valid dictionary"),
    ],
)
def test_what_cannot_be_run_is_refused(said: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Run.model_validate(said)


def test_a_budget_is_taken_in_steps_of_at_least_a_batch() -> None:
    assert Run(tokens=1_023, batch_tokens=512).steps == 1
    assert Run(tokens=1_024, batch_tokens=512).steps == 2
