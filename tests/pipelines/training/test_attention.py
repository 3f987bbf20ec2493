"""The flash kernel runs on a GPU only (test_cuda.py); here its place is taken by one row after the other."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.training.loading import load_model
from pipelines.training.settings import Run


def row_by_row(query: Any, key: Any, value: Any, starts: Any, *_: Any, scale: float, window_size: Any) -> Any:
    import torch

    assert window_size == (-1, 0), "causal"
    parts = []
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        row = [part[start:end].transpose(0, 1) for part in (query, key, value)]
        attended = torch.nn.functional.scaled_dot_product_attention(*row, is_causal=True, scale=scale)
        parts.append(attended.transpose(0, 1))
    return torch.cat(parts)


@pytest.mark.parametrize("lengths", [[7], [5, 1, 9], [1, 1, 20]])
def test_it_is_what_transformers_does_with_a_mask(
    tiny: Path, lengths: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from pipelines.training import attention

    model = load_model(str(tiny), Run())
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    ids = (torch.arange(sum(lengths))[None] * 37) % model.config.vocab_size
    taken: list[int] = []

    def kernel(*arguments: Any, **options: Any) -> Any:
        taken.append(arguments[5])
        return row_by_row(*arguments, **options)

    monkeypatch.setattr(attention, "varlen_attn", kernel)
    with torch.no_grad():
        masked = model(input_ids=ids, position_ids=positions, use_cache=False).logits
        model.set_attn_implementation(attention.PACKED)
        packed = model(input_ids=ids, position_ids=positions, use_cache=False).logits
    assert torch.allclose(packed, masked, atol=1e-5)
    assert taken == [max(lengths)] * model.config.num_hidden_layers


def test_only_models_with_plain_attention_get_it() -> None:
    from transformers import Gemma3TextConfig, LlamaConfig, MistralConfig, Qwen3Config

    from pipelines.training.attention import fits

    assert fits(Qwen3Config())
    assert fits(LlamaConfig())
    assert not fits(LlamaConfig(attention_dropout=0.1))
    assert not fits(LlamaConfig(hidden_size=100, num_attention_heads=5))
    assert not fits(MistralConfig(sliding_window=4096))
    assert not fits(Gemma3TextConfig())


def test_a_cpu_keeps_to_the_mask(tiny: Path) -> None:
    assert load_model(str(tiny), Run()).config._attn_implementation == "sdpa"
