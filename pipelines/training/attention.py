"""Attention over packed rows, each by itself, with the flash kernel that comes with PyTorch.

Without the package flash-attn, transformers masks the rows of a shard from each other, which costs the square of the
shard's length, in memory and in work; here each row costs the square of its own.
"""

from typing import Final

import torch
from torch.nn.attention.varlen import varlen_attn
from torch.utils.weak import WeakTensorKeyDictionary
from transformers import AttentionInterface, PretrainedConfig

PACKED: Final = "tamis_packed"
"""Its name in transformers."""

_PLAIN: Final = frozenset({"llama", "mistral", "qwen2", "qwen3"})
"""Model types whose attention is causal, of the whole row, and nothing else: no bias, no sinks, no caps."""

_starts_of_forward = WeakTensorKeyDictionary()
"""Where rows start and how long the longest is, by the position_ids that all layers of a forward pass share: finding
it out waits for the GPU."""


def fits(config: PretrainedConfig) -> bool:
    """Whether a model can attend so: not where attention is dropped out or looks back through a window only, nor where
    the kernel lacks the size of its heads."""
    text = config.get_text_config()
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return (
        torch.version.hip is None  # not tried on AMD's GPUs
        and text.model_type in _PLAIN
        and size % 8 == 0
        and size <= 256
        and getattr(text, "sliding_window", None) is None
        and not getattr(text, "attention_dropout", 0)
    )


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    position_ids: torch.Tensor,
    scaling: float | None = None,
    **rest: object,
) -> tuple[torch.Tensor, None]:
    """Called by transformers in each layer of a model.

    `query`: 1 x heads x tokens x dimensions; `key` and `value` with as many heads or a part of them. `position_ids`:
    1 x tokens, anew from 0 for each row. The result: 1 x tokens x heads x dimensions, in half precision.
    """
    half = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else value.dtype
    shared = query.shape[1] // key.shape[1]
    parts = (query, key.repeat_interleave(shared, dim=1), value.repeat_interleave(shared, dim=1))
    q, k, v = (part[0].transpose(0, 1).to(half) for part in parts)
    starts, longest = _starts(position_ids)
    attended = varlen_attn(q, k, v, starts, starts, longest, longest, scale=scaling, window_size=(-1, 0))
    assert isinstance(attended, torch.Tensor)  # a pair only where more is asked for
    return attended[None], None


def _starts(position_ids: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The first token of each row, and after them the number of tokens (int32); the length of the longest row."""
    found: tuple[torch.Tensor, int] | None = _starts_of_forward.get(position_ids)
    if found is None:
        first = (position_ids[0] == 0).nonzero()[:, 0]
        starts = torch.nn.functional.pad(first, (0, 1), value=position_ids.shape[1]).to(torch.int32)
        found = _starts_of_forward[position_ids] = starts, int(starts.diff().max())
    return found


AttentionInterface.register(PACKED, attend)
