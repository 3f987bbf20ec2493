"""A tiny Qwen3 that needs no download: config, tokenizer and a first training, all from text at hand."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from pipelines.errors import TamisError
from pipelines.lots import by_lot
from pipelines.training.folder import appearing
from pipelines.training.rows import offered, read

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TEMPLATE: Final = """\
{%- if tools -%}
{{- '<|im_start|>system\\n<tools>\\n' -}}
{%- for tool in tools -%}
{{- tool | tojson + '\\n' -}}
{%- endfor -%}
{{- '</tools><|im_end|>\\n' -}}
{%- endif -%}
{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\\n' -}}
{%- if message['role'] == 'assistant' -%}
{% generation %}{{- message['content'] -}}
{%- for call in message['tool_calls'] or [] -%}
{{- '\\n' if message['content'] or not loop.first else '' -}}
{{- '<tool_call>\\n' + {'name': call['function']['name'], 'arguments': call['function']['arguments']} | tojson -}}
{{- '\\n</tool_call>' -}}
{%- endfor -%}
{{- '<|im_end|>' -}}{% endgeneration %}
{{- '\\n' -}}
{%- else -%}
{{- message['content'] + '<|im_end|>\\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- endif -%}"""
"""ChatML with Hermes' tags for tools, as Qwen's models have it, with the marks that TRL's `assistant_only_loss` needs.
Definitions come without words around them: the model could not follow any, and its rows are short."""

_PAD, _START, _END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"


@dataclass(frozen=True)
class _Plan:
    """All that shapes the model beside text and seed: a change of it makes another."""

    version: int = 2
    """Of the code below and the template: goes up when it builds something else from the same numbers."""
    vocabulary: int = 1024
    text_bytes: int = 1_000_000
    steps: int = 100
    rows: int = 8
    row_tokens: int = 64
    learning_rate: float = 1e-2
    initial: float = 0.05
    hidden: int = 128
    layers: int = 1
    heads: int = 4
    positions: int = 32_768


_PLAN: Final = _Plan()


def tiny_base(folder: Path, exports: Sequence[Path], seed: int) -> Path:
    """Folder of a tiny Qwen3 made from the text of exports: built at the first call, found again by its content after.

    A byte-level BPE tokenizer is trained on rows drawn by lot (a MB of them at most), and the model takes some
    hundred full steps on them as plain text, since LoRA on a random base barely learns. All runs that are compared
    share the base, so the exports must be ones that all of them may train on, never the test side's. TamisError
    where there is no text.
    """
    texts = _texts(exports, seed)
    if not texts:
        raise TamisError("there is no text to make the tiny model from", where="training", cure="Export rows first.")
    digest = hashlib.sha256(json.dumps([asdict(_PLAN), seed, texts]).encode())
    base = folder / f"tiny-{digest.hexdigest()[:16]}"
    if not base.is_dir():
        with appearing(base) as partial:
            _build(partial, texts, seed)
    return base


def _texts(exports: Sequence[Path], seed: int) -> list[str]:
    """Rows drawn by lot, at most `text_bytes` of them, or the shortest where all are longer: a row's messages, a blank
    line apart, after the definitions of its tools; arguments of calls follow the message that calls."""
    if not exports:
        return []
    drawn = by_lot(offered(exports), f"tiny {seed}").with_row_index("place")
    fitting = drawn.filter(pl.col("bytes") <= _PLAN.text_bytes)
    few = fitting.filter(pl.col("bytes").cum_sum() <= _PLAN.text_bytes)
    if few.is_empty():
        few = drawn.sort("bytes", "place").head(1)
    parts = [here.select("place").hstack(rows.select(text=_text(rows))) for here, rows in read(exports, few)]
    return pl.concat(parts).sort("place")["text"].to_list() if parts else []


def _text(rows: pl.DataFrame) -> pl.Expr:
    said = pl.element().struct.field("content")
    if "tools" not in rows.columns:
        return pl.concat_list(pl.col("prompt", "completion").list.eval(said)).list.join("\n\n")
    arguments = pl.element().struct.field("function").struct.field("arguments")
    called = pl.element().struct.field("tool_calls").list.eval(arguments)
    with_calls = pl.concat_list(said, called.fill_null([])).list.join("\n", ignore_nulls=True)
    offered = pl.concat_list("tools").list.drop_nulls()
    return pl.concat_list(offered, pl.col("prompt", "completion").list.eval(with_calls)).list.join("\n\n")


def _build(folder: Path, texts: list[str], seed: int) -> None:
    """Write tokenizer and trained model into `folder`, in the Hub's layout. On one CPU thread, so that it repeats."""
    import torch
    from transformers import GenerationConfig, Qwen3Config, Qwen3ForCausalLM

    tokenizer = _tokenizer(texts)
    ids = tokenizer([text + _END for text in texts], return_attention_mask=False, verbose=False)["input_ids"]
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


def _tokenizer(texts: list[str]) -> "PreTrainedTokenizerBase":
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
    tokenizer.train_from_iterator(texts, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=_END, pad_token=_PAD, model_max_length=_PLAN.positions
    )
    wrapped.chat_template = _TEMPLATE
    return wrapped
