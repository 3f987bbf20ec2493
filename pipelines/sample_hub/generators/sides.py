"""The sets of pairs and of rated answers."""

import hashlib
from typing import Any, Final

import polars as pl

from pipelines.sample_hub.content import Facet, load, subjects
from pipelines.sample_hub.generators.chats import (
    BINARIZED,
    MESSAGES,
    SMOLTALK_SPLITS,
    ULTRAFEEDBACK,
    smoltalk2_file,
    smoltalk2_talks,
    template_kwargs,
)
from pipelines.sample_hub.generators.samples import File, Numbers, Sample, config, messages, sentences
from pipelines.sample_hub.rows import columns

_WEBGPT, _TULU = slice(0, 14), slice(14, 28)
_HELPSTEER, _SMOLTALK = slice(0, 14), slice(14, 28)
"""Which subjects' first facets are compared in the first two sets, and whose second ones in the others."""

_ASPECTS: Final = ("helpfulness", "honesty", "instruction_following", "truthfulness")
_MODELS: Final = ("alpaca-7b", "llama-2-13b-chat", "wizardlm-7b", "gpt-4")


def _weaker(facet: Facet) -> str:
    """An answer that leaves out how it comes about: the last sentence alone."""
    return sentences(facet.say)[-1]


def _cai_harmless(_: Numbers) -> list[File]:
    """Answers to the prompts of HH's dialogues, and pairs about its red-team attempts, as upstream overlaps with it."""
    talks = [_revised(messages(*t["turns"], t["chosen"]), t["rejected"], t["chosen"]) for t in load("harmless")]
    pairs = [_revised(messages(*t["turns"]), t["poor"], t["turns"][-1]) for t in load("red_team")]
    schema = columns(
        **{f"{name}_{part}": pl.String for name in ("init", "critic", "revision") for part in ("prompt", "response")},
        prompt=pl.String,
        messages=MESSAGES,
        chosen=MESSAGES,
        rejected=MESSAGES,
    )
    parts = {"train_sft": talks[:-1], "test_sft": talks[-1:], "train_prefs": pairs[:-1], "test_prefs": pairs[-1:]}
    return [
        File(f"data/{split}-00000-of-00001.parquet", pl.DataFrame(rows, schema), split) for split, rows in parts.items()
    ]


def _revised(talk: list[dict[str, str]], first: str, revised: str) -> dict[str, Any]:
    asked = talk[0]["content"]
    return {
        "prompt": asked.strip(),
        "init_prompt": asked,
        "init_response": first,
        "critic_prompt": "Say where the answer is harmful, unfair or unkind.",
        "critic_response": "It goes along with something that could hurt another person.",
        "revision_prompt": "Rewrite it without what was criticised.",
        "revision_response": revised,
        "messages": talk,
        "chosen": talk,
        "rejected": [*talk[:-1], {"content": first, "role": "assistant"}],
    }


def _ultrafeedback(generator: Numbers) -> list[File]:
    """Four answers a prompt: a good one, its beginning, its end, and a poor one. The item about truth is left out."""
    rows = [_rated(told, generator) for told in load("questions")[ULTRAFEEDBACK]]
    schema = columns(
        source=pl.String,
        instruction=pl.String,
        models=pl.List(pl.String),
        completions=pl.List(_COMPLETION),
        correct_answers=pl.List(pl.String),
        incorrect_answers=pl.List(pl.String),
    )
    parts = {"evol_instruct": rows[:5], "sharegpt": rows[5:]}
    return [
        File(f"{name}.jsonl", pl.DataFrame([{**row, "source": name} for row in part], schema))
        for name, part in parts.items()
    ]


_NOTE: Final[dict[str, Any]] = {"Rating": pl.String, "Rationale": pl.String}
_TYPED: Final[dict[str, Any]] = {**_NOTE, "Rationale For Rating": pl.String, "Type": pl.List(pl.String)}
_COMPLETION: Final = pl.Struct(
    {
        "annotations": pl.Struct(
            {aspect: pl.Struct(_TYPED if aspect in ("helpfulness", "truthfulness") else _NOTE) for aspect in _ASPECTS}
        ),
        "custom_system_prompt": pl.String,
        "model": pl.String,
        "principle": pl.String,
        "response": pl.String,
        "critique": pl.String,
        "fine-grained_score": pl.Float64,
        "overall_score": pl.Float64,
    }
)


def _rated(told: dict[str, str], generator: Numbers) -> dict[str, Any]:
    parts = sentences(told["say"])
    ranked = ((told["say"], 5), (parts[0], 4), (parts[-1], 3), (told["poor"], 1))
    order = [int(place) for place in generator.permutation(4)]
    return {
        "instruction": told["ask"],
        "models": [_MODELS[place] for place in order],
        "completions": [_completion(_MODELS[place], *ranked[place]) for place in order],
        "correct_answers": ["None"],
        "incorrect_answers": ["None"],
    }


def _completion(model: str, response: str, rating: int) -> dict[str, Any]:
    note = {
        "Rating": str(rating),
        "Rationale": "It was read against the question.",
        "Rationale For Rating": "See above.",
    }
    ratings = {aspect: {**note, "Type": ["None"]} for aspect in _ASPECTS}
    ratings["honesty"]["Rating"] = "N/A" if rating == 3 else str(rating)
    return {
        "annotations": ratings,
        "custom_system_prompt": "Answer as well as you can.",
        "model": model,
        "principle": "helpfulness",
        "response": response,
        "critique": "More detail would not hurt.",
        "fine-grained_score": float(rating),
        "overall_score": 2.0 * rating,
    }


def _binarized(_: Numbers) -> list[File]:
    rows = []
    for told in load("questions")[BINARIZED]:
        asked = {"prompt": told["ask"], "prompt_id": hashlib.sha256(told["ask"].encode()).hexdigest()}
        chosen, rejected = (messages(told["ask"], told[side]) for side in ("say", "poor"))
        scores = {"score_chosen": 8.5, "score_rejected": 4.0}
        rows.append({**asked, "chosen": chosen, "rejected": rejected, "messages": chosen, **scores})
    schema = columns(
        prompt=pl.String,
        prompt_id=pl.String,
        chosen=MESSAGES,
        rejected=MESSAGES,
        messages=MESSAGES,
        score_chosen=pl.Float64,
        score_rejected=pl.Float64,
    )
    parts = {"train_prefs": rows[:-2], "train_sft": rows[:-2], "test_prefs": rows[-2:], "test_sft": rows[-2:]}
    return [
        File(f"data/{split}-00000-of-00001.parquet", pl.DataFrame(part, schema), split) for split, part in parts.items()
    ]


def _webgpt(generator: Numbers) -> list[File]:
    rows = []
    for number, subject in enumerate(subjects()[_WEBGPT]):
        facet, first_won = subject.facets[0], bool(generator.integers(2))
        sides = (facet.say, _weaker(facet)) if first_won else (_weaker(facet), facet.say)
        score = 0.5 if first_won else -0.5
        rows.append(
            {
                "question": {"dataset": "eli5", "full_text": facet.ask, "id": f"sample{number}"},
                **{f"quotes_{s}": {"title": [subject.name], "extract": [sides[s]]} for s in (0, 1)},
                **{f"answer_{s}": f"{sides[s]} [1]" for s in (0, 1)},
                **{f"tokens_{s}": {"prefix": [number, s], "completion": [number + 1]} for s in (0, 1)},
                "score_0": score,
                "score_1": -score,
            }
        )
    quotes = pl.Struct({"title": pl.List(pl.String), "extract": pl.List(pl.String)})
    tokens = pl.Struct({"prefix": pl.List(pl.Int32), "completion": pl.List(pl.Int32)})
    types: dict[str, Any] = {
        "question": pl.Struct({"dataset": pl.String, "full_text": pl.String, "id": pl.String}),
        **{
            f"{name}_{side}": type_
            for side in (0, 1)
            for name, type_ in (("quotes", quotes), ("answer", pl.String), ("tokens", tokens), ("score", pl.Float64))
        },
    }
    return [File("default/train/0000.parquet", pl.DataFrame(rows, pl.Schema(types)))]


def _tulu3(_: Numbers) -> list[File]:
    rows = []
    for number, subject in enumerate(subjects()[_TULU]):
        facet = subject.facets[0]
        chosen, rejected = (messages(facet.ask, said) for said in (facet.say, _weaker(facet)))
        rows.append(
            {
                "id": f"ai2-adapt-dev/sample_pairs_{number}",
                "prompt": facet.ask,
                "chosen": chosen,
                "rejected": rejected,
                "source": "ai2-adapt-dev/ultrafeedback_cleaned_olmo2_7b",
            }
        )
    schema = columns(id=pl.String, prompt=pl.String, chosen=MESSAGES, rejected=MESSAGES, source=pl.String)
    return [File("data/train-00000-of-00001.parquet", pl.DataFrame(rows, schema))]


def _smoltalk2(_: Numbers) -> list[File]:
    pairs = []
    for subject in subjects()[_SMOLTALK]:
        facet = subject.facets[1]
        chosen, rejected = (messages(facet.ask, said) for said in (facet.say, _weaker(facet)))
        told = {"chosen": chosen, "rejected": rejected, "prompt": facet.ask, "source": "tulu_3"}
        pairs.append({**told, "chat_template_kwargs": template_kwargs(thinks=False)})
    return [*smoltalk2_talks(), smoltalk2_file(pairs, "Preference")]


def _helpsteer3(generator: Numbers) -> list[File]:
    rows = []
    for subject in subjects()[_HELPSTEER]:
        facet, first_won = subject.facets[1], bool(generator.integers(2))
        sides = (facet.say, _weaker(facet)) if first_won else (_weaker(facet), facet.say)
        preference = -2 if first_won else 2
        note = {"score": preference, "reasoning": "One says how it comes about.", "feedback1": "", "feedback2": ""}
        rows.append(
            {
                "domain": "general",
                "language": "english",
                "context": [{"role": "user", "content": facet.ask}],
                "response1": sides[0],
                "response2": sides[1],
                "overall_preference": preference,
                "individual_preference": [note],
            }
        )
    note_type = pl.Struct({"score": pl.Int64, "reasoning": pl.String, "feedback1": pl.String, "feedback2": pl.String})
    schema = columns(
        domain=pl.String,
        language=pl.String,
        context=pl.List(pl.Struct({"role": pl.String, "content": pl.String})),
        response1=pl.String,
        response2=pl.String,
        overall_preference=pl.Int64,
        individual_preference=pl.List(note_type),
    )
    parts = {"train": rows[:-2], "validation": rows[-2:]}
    return [
        File(f"preference/{split}.jsonl.gz", pl.DataFrame(part, schema), split, "preference")
        for split, part in parts.items()
    ]


def _data(*splits: str) -> dict[str, str]:
    return {split: f"data/{split}-*" for split in splits}


def _smoltalk2_configs() -> list[dict[str, Any]]:
    told = {"Mid": ("Mid",), "SFT": ("SFT", "plain"), "Preference": ("Preference",)}
    return [
        config({SMOLTALK_SPLITS[kind]: f"{name}/{SMOLTALK_SPLITS[kind]}-*" for kind in kinds}, name)
        for name, kinds in told.items()
    ]


SAMPLES: Final = (
    Sample(
        "cai_harmless",
        "HuggingFaceH4/cai-conversation-harmless",
        {
            "license": "apache-2.0",
            "language": ["en"],
            "configs": [config(_data("train_sft", "train_prefs", "test_sft", "test_prefs"))],
        },
        _cai_harmless,
    ),
    Sample(
        "helpsteer3",
        "nvidia/HelpSteer3",
        {
            "license": "cc-by-4.0",
            "configs": [
                config({split: f"preference/{split}.jsonl.gz" for split in ("train", "validation")}, "preference")
            ],
        },
        _helpsteer3,
    ),
    Sample("smoltalk2", "HuggingFaceTB/smoltalk2", {"configs": _smoltalk2_configs()}, _smoltalk2),
    Sample(
        "tulu3_preference",
        "allenai/llama-3.1-tulu-3-8b-preference-mixture",
        {"license": "odc-by", "configs": [config(_data("train"))]},
        _tulu3,
    ),
    Sample("ultrafeedback", "openbmb/UltraFeedback", {"license": "mit", "language": ["en"]}, _ultrafeedback),
    Sample(
        "ultrafeedback_binarized",
        "HuggingFaceH4/ultrafeedback_binarized",
        {
            "license": "mit",
            "language": ["en"],
            "configs": [config(_data("train_prefs", "train_sft", "test_prefs", "test_sft"))],
        },
        _binarized,
    ),
    Sample("webgpt", "openai/webgpt_comparisons", {}, _webgpt, "refs/convert/parquet"),
)
