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
            "its tokenizer has no chat template, so there is no way to render prompts and answers.",
            where=f"model {base}",
            cure="Name an instruction-tuned model (`Qwen/Qwen3-0.6B`, say), or give the tokenizer a template.",
        )
    return tokenizer


def load_model(base: str, run: Run) -> "PreTrainedModel":
    """The model of a folder or Hub id: in bfloat16 on a GPU (float32 where all weights are trained), else float32.

    TamisError where it is missing, or where packed rows would see each other.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import is_flash_attn_2_available

    gpu = torch.cuda.is_available()
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            base,
            dtype=torch.bfloat16 if gpu and run.method == "lora" else torch.float32,
            attn_implementation="flash_attention_2" if gpu and is_flash_attn_2_available() else "sdpa",
        )
    except (OSError, ValueError) as error:
        raise _missing(base, error) from error
    model.to("cuda" if gpu else "cpu")  # type: ignore[arg-type]
    refuse_leaks(model, base)
    return model


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
            "rows that are packed together see each other in this model, so its losses would be wrong.",
            where=f"model {base}",
            cure="Name a model whose attention follows position_ids (Qwen3, Llama and Mistral models do).",
        )


@contextmanager
def inference(model: "PreTrainedModel") -> Iterator[None]:
    """Without gradients, and on a GPU in bfloat16 whatever the weights are: flash attention takes nothing wider."""
    import torch

    gpu = model.device.type == "cuda"
    with torch.no_grad(), torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=gpu):
        yield


def _missing(base: str, error: Exception) -> TamisError:
    return TamisError(
        f"cannot be loaded: {str(error).strip().splitlines()[0]}",
        where=f"model {base}",
        cure=f"Name a folder with a model, or fetch it once where the Hub can be reached: `hf download {base}`."
        if not Path(base).is_dir()
        else "The folder must hold config, weights and tokenizer as the Hub has them.",
    )
