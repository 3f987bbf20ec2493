"""A run's base: model and tokenizer, on the device that there is, refused early where training would go wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import TamisError
from pipelines.training.settings import Run

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_tokenizer(base: str) -> "PreTrainedTokenizerBase":
    """The tokenizer of a model's folder or Hub id. TamisError where there is none, or none with a chat template."""
    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(base)
    except (OSError, ValueError) as error:
        raise _missing(base, error) from error
    if tokenizer.chat_template is None:
        raise TamisError(
            "its tokenizer has no chat template, so there is no way to render prompts and answers",
            where=f"model {base}",
            cure="Name an instruction-tuned model (`Qwen/Qwen3-0.6B`, say), or give the tokenizer a template.",
        )
    return tokenizer


def load_model(base: str, run: Run) -> "PreTrainedModel":
    """The model of a folder or Hub id: in bfloat16 on a GPU that has it (float32 where all weights are trained).

    There it attends by flash-attn where that is installed, else by `attention.PACKED` where it can, else by a mask.
    TamisError where it is missing, or where packed rows would see each other.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils.import_utils import is_flash_attn_2_available

    from pipelines.training.attention import PACKED, fits

    half = has_bfloat16()
    # torch asks cuDNN first on Hopper and Blackwell; it plans anew for each length of a shard, and hardly two are
    # equally long (modelscope/FunASR#3704: a second for each on a B200).
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            base,
            dtype=torch.bfloat16 if half and run.method == "lora" else torch.float32,
            attn_implementation="flash_attention_2" if half and is_flash_attn_2_available() else "sdpa",
        )
    except (OSError, ValueError) as error:
        raise _missing(base, error) from error
    if half and model.config._attn_implementation == "sdpa" and fits(model.config):
        model.set_attn_implementation(PACKED)
    model.to("cuda" if torch.cuda.is_available() else "cpu")  # type: ignore[arg-type]
    refuse_leaks(model, base)
    return model


def has_bfloat16() -> bool:
    """Whether there is a GPU that computes in bfloat16 (NVIDIA's from Ampere on)."""
    import torch

    return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)


def refuse_leaks(model: "PreTrainedModel", base: str) -> None:
    """Raise TamisError if what a row is worth depends on the row packed before it.

    Attention masks follow the positions in most models of transformers, but not in all (recurrent layers,
    code of a model's own), and training on leaking rows looks healthy: .960 became .279 in a trial.
    """
    import torch

    length, vocabulary = 8, model.config.get_text_config().vocab_size
    row = torch.arange(length) % vocabulary
    before = [(row * 7 + shift) % vocabulary for shift in (1, 3)]
    with inference(model):
        first, second = (
            model(
                input_ids=torch.cat([other, row])[None].to(model.device),
                position_ids=torch.arange(length).repeat(2)[None].to(model.device),
                use_cache=False,
            ).logits[0, length:]
            for other in before
        )
    if not torch.allclose(first, second, rtol=1e-3, atol=1e-3):
        raise TamisError(
            "rows that are packed together see each other in this model, so its losses would be wrong",
            where=f"model {base}",
            cure="Name a model whose attention follows position_ids (Qwen3, Llama and Mistral models do).",
        )


@contextmanager
def inference(model: "PreTrainedModel") -> Iterator[None]:
    """In eval mode, without gradients, in bfloat16 where the GPU has it: flash attention takes nothing wider."""
    import torch

    model.eval()
    with torch.no_grad(), torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=has_bfloat16()):
        yield


def _missing(base: str, error: Exception) -> TamisError:
    if Path(base).is_dir():
        cure = "The folder must hold config, weights and tokenizer as the Hub has them."
    else:
        cure = f"Name a folder with a model, or fetch it once where the Hub can be reached: `hf download {base}`."
    return TamisError(f"cannot be loaded: {str(error).strip().splitlines()[0]}", where=f"model {base}", cure=cure)
