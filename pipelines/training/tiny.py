"""A tiny Qwen3 that needs no download: config, tokenizer and a first training, all from text at hand."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from pipelines.errors import TamisError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TEMPLATE: Final = """\
{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\\n' -}}
{%- if message['role'] == 'assistant' -%}
{% generation %}{{- message['content'] + '<|im_end|>' -}}{% endgeneration %}
{{- '\\n' -}}
{%- else -%}
{{- message['content'] + '<|im_end|>\\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- endif -%}"""
"""ChatML, as Qwen's models have it, with the marks that TRL's `assistant_only_loss` needs."""

_PAD, _START, _END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"


@dataclass(frozen=True)
class _Plan:
    """All that shapes the model beside text and seed: a change of it makes another."""

    version: int = 1
    """Of the code below: goes up when it builds something else from the same numbers."""
    vocabulary: int = 2048
    text_bytes: int = 2_000_000
    steps: int = 400
    rows: int = 8
    row_tokens: int = 64
    learning_rate: float = 1e-2
    initial: float = 0.05
    hidden: int = 64
    layers: int = 1
    heads: int = 4
    positions: int = 32_768


_PLAN: Final = _Plan()


def plain_texts(exports: Sequence[Path]) -> pl.Series:
    """The distinct texts of exports with `prompt` and `completion`: contents of a row's messages, a blank line apart.

    Sorted, so that they do not depend on the order of files and rows.
    """
    content = pl.element().struct.field("content")
    text = pl.concat_list(pl.col("prompt", "completion").list.eval(content)).list.join("\n\n")
    texts = [pl.scan_parquet(path).select(text=text) for path in exports]
    return pl.concat(texts).unique().collect()["text"].sort()


def tiny_base(folder: Path, texts: Iterable[str], seed: int) -> Path:
    """Folder of a tiny Qwen3 made from `texts`: built at the first call, found again by its content after.

    A byte-level BPE tokenizer is trained on the texts (a random part of them, some MB at most), the model
    takes some hundred full steps on them as plain text, since LoRA on a random base barely learns. All runs
    that are compared share the base, so the texts must be ones that all of them may train on.
    """
    sample = _sample(list(texts), seed)
    if not sample:
        raise TamisError("there is no text to make the tiny model from.", where="training", cure="Export rows first.")
    name = _name(sample, seed)
    base = folder / name
    if base.is_dir():
        return base
    folder.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder))
    try:
        _build(partial, sample, seed)
        try:
            partial.rename(base)
        except OSError:
            if not base.is_dir():  # else another process was faster, and built the same
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return base


def _sample(texts: list[str], seed: int) -> list[str]:
    """A random part of the texts of at most `text_bytes` bytes, at least one text."""
    if not texts:
        return []
    series = pl.Series(texts)[np.random.default_rng(seed).permutation(len(texts))]
    fits = series.str.len_bytes().cum_sum() <= _PLAN.text_bytes
    return series.head(max(int(fits.sum()), 1)).to_list()


def _name(sample: list[str], seed: int) -> str:
    digest = hashlib.sha256(json.dumps([asdict(_PLAN), seed, sample]).encode("utf-8", "surrogatepass"))
    return f"tiny-{digest.hexdigest()[:16]}"


def _build(folder: Path, sample: list[str], seed: int) -> None:
    """Write tokenizer and trained model into `folder`, in the Hub's layout. On one CPU thread, so that it repeats."""
    import torch
    from transformers import GenerationConfig, Qwen3Config, Qwen3ForCausalLM

    tokenizer = _tokenizer(sample)
    ids = tokenizer([text + _END for text in sample], return_attention_mask=False, verbose=False)["input_ids"]
    stream = pl.Series(ids, dtype=pl.List(pl.Int64)).explode().to_numpy()
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=_PLAN.hidden,
        intermediate_size=3 * _PLAN.hidden,
        num_hidden_layers=_PLAN.layers,
        num_attention_heads=_PLAN.heads,
        num_key_value_heads=_PLAN.heads // 2,
        head_dim=_PLAN.hidden // _PLAN.heads,
        max_position_embeddings=_PLAN.positions,
        tie_word_embeddings=True,
        initializer_range=_PLAN.initial,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        torch.manual_seed(seed)
        model = Qwen3ForCausalLM(config)
        optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95))
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, _PLAN.learning_rate, total_steps=_PLAN.steps, pct_start=0.1
        )
        random = np.random.default_rng(seed)
        window = np.arange(min(_PLAN.row_tokens, len(stream)))
        for _ in range(_PLAN.steps):
            starts = random.integers(0, len(stream) - len(window) + 1, _PLAN.rows)
            rows = torch.from_numpy(stream[starts[:, None] + window])
            loss = model(input_ids=rows, labels=rows, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    finally:
        torch.set_num_threads(threads)
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer(sample: list[str]) -> "PreTrainedTokenizerBase":
    """A byte-level BPE tokenizer of the texts, with the marks and the template of ChatML."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_PLAN.vocabulary,
        special_tokens=[_PAD, _START, _END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sample, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=_END, pad_token=_PAD, model_max_length=_PLAN.positions
    )
    wrapped.chat_template = _TEMPLATE
    return wrapped
