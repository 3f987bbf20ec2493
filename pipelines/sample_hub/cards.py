"""README.md of each repository: its card's metadata as upstream states it, and what the sample is."""

from typing import Any, Final

import yaml

from pipelines.sample_hub.catalogue import SAMPLES

_ABOUT: Final = (
    "Part of Tamis's sample Hub. The files and columns are those of the data set of this name; the rows were written "
    "for the sample, and defects are planted in them. Nothing in here was taken from the data set itself."
)


def _split(name: str, path: str) -> dict[str, str]:
    return {"split": name, "path": path}


def _config(name: str, **splits: str) -> dict[str, Any]:
    return {"config_name": name, "data_files": [_split(split, path) for split, path in splits.items()]}


_TRAIN_TEST: Final = ("train", "test")
_CARDS: Final[dict[str, dict[str, Any]]] = {
    "tatsu-lab/alpaca": {
        "license": "cc-by-nc-4.0",
        "language": ["en"],
        "tags": ["instruction-finetuning"],
        "pretty_name": "Alpaca",
        "task_categories": ["text-generation"],
    },
    "databricks/databricks-dolly-15k": {
        "license": "cc-by-sa-3.0",
        "task_categories": ["question-answering", "summarization"],
        "language": ["en"],
        "size_categories": ["10K<n<100K"],
    },
    "OpenAssistant/oasst1": {
        "license": "apache-2.0",
        "language": ["en", "es", "ru", "de", "pt", "fr", "zh"],
        "tags": ["human-feedback"],
        "pretty_name": "OpenAssistant Conversations",
    },
    "Anthropic/hh-rlhf": {"license": "mit", "tags": ["human-feedback"]},
    "NovaSky-AI/Sky-T1_data_17k": {"license": "apache-2.0", "size_categories": ["10K<n<100K"]},
    "openai/gsm8k": {
        "license": ["mit"],
        "language": ["en"],
        "task_categories": ["text2text-generation"],
        "pretty_name": "Grade School Math 8K",
        "configs": [_config(name, **{s: f"{name}/{s}-*" for s in _TRAIN_TEST}) for name in ("main", "socratic")],
    },
    "Jiayi-Pan/Countdown-Tasks-3to4": {"configs": [_config("default", train="data/train-*")]},
    "HuggingFaceH4/MATH-500": {"task_categories": ["text-generation"], "language": ["en"]},
    "cais/mmlu": {
        "license": ["mit"],
        "language": ["en"],
        "task_categories": ["question-answering"],
        "configs": [_config("all", **{split: f"all/{split}-*" for split in ("test", "validation", "dev")})],
    },
    "openai/openai_humaneval": {
        "license": ["mit"],
        "language": ["en"],
        "task_categories": ["text2text-generation"],
        "configs": [_config("openai_humaneval", test="openai_humaneval/test-*") | {"default": True}],
    },
    "google/IFEval": {
        "license": "apache-2.0",
        "task_categories": ["text-generation"],
        "language": ["en"],
        "configs": [_config("default", train="ifeval_input_data.jsonl")],
    },
    "truthfulqa/truthful_qa": {
        "license": ["apache-2.0"],
        "language": ["en"],
        "task_categories": ["multiple-choice", "text-generation", "question-answering"],
        "configs": [_config(name, validation=f"{name}/validation-*") for name in ("generation", "multiple_choice")],
    },
}
_CARDS.update({sample.repo: dict(sample.card) for sample in SAMPLES})
REPOSITORIES: Final = tuple(_CARDS)


def card(repo: str) -> bytes:
    """README.md of a repository of the sample Hub."""
    head = yaml.safe_dump(_CARDS[repo], sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n\n# {repo}\n\n{_ABOUT}\n".encode()
