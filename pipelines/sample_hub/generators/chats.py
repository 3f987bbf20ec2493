"""The sets of instructions and conversations: bare lists of turns, OpenAI's messages, prompts with completions."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import polars as pl

from pipelines.sample_hub.content import conversational, load
from pipelines.sample_hub.generators.oasst1 import grown, reply
from pipelines.sample_hub.generators.samples import File, Numbers, Sample, config, conversation, messages
from pipelines.sample_hub.messages import OASST1
from pipelines.sample_hub.rows import columns

MESSAGES: Final = pl.List(pl.Struct({"content": pl.String, "role": pl.String}))
LIMA: Final = slice(0, 12)
OASST2: Final = slice(12, 22)
ULTRAFEEDBACK: Final = slice(22, 32)
BINARIZED: Final = slice(32, 44)
"""Which of the single questions are told by which set; the last two are in `sides`."""

_LONG_200K, _LONG, _TULU, _SMOLTALK = slice(0, 14), slice(14, 28), slice(0, 14), slice(14, 28)
"""Which subjects are told as conversations by the UltraChats, and as their first question by the mixtures."""

_WORDS: Final = (
    *("anvil", "barley", "cactus", "dagger", "ember", "falcon", "gravel", "hazel", "island", "jigsaw", "kettle"),
    *("lantern", "marble", "needle", "orchid", "pebble", "quartz", "ribbon", "saddle", "thimble", "umbrella", "velvet"),
    *("walnut", "yarrow", "zeppelin", "acorn", "bobbin", "candle", "drizzle", "engine", "feather", "garnet", "hammer"),
    *("iceberg", "jasmine", "kernel", "lobster", "magnet", "nutmeg", "otter", "parsley", "quill", "radish", "spindle"),
    *("turnip", "urchin", "violin", "whistle", "xylophone", "yoghurt", "zipper", "amber", "biscuit", "compass"),
)


def _sorted(words: Sequence[str]) -> str:
    return ", ".join(sorted(words))


_TASKS: Final[tuple[tuple[str, Callable[[Sequence[str]], str]], ...]] = (
    ("Put the following words into alphabetical order.", _sorted),
    ("Reverse this list.", lambda words: ", ".join(reversed(words))),
    ("Which of these words has the most letters?", lambda words: max(words, key=len)),
    ("Capitalise every item.", lambda words: ", ".join(word.capitalize() for word in words)),
    ("Name the initial letters, in the order given.", lambda words: " ".join(word[0] for word in words)),
    ("How many letters does each word have?", lambda words: ", ".join(f"{word} {len(word)}" for word in words)),
    ("Keep only what ends in a vowel or y.", lambda words: ", ".join(w for w in words if w[-1] in "aeiouy") or "none"),
    ("Turn the words into a Python list.", lambda words: str(list(words))),
    ("Join the items by hyphens.", "-".join),
    ("Number the entries, one a line.", lambda words: "\n".join(f"{n}. {word}" for n, word in enumerate(words, 1))),
    ("Pick the first and the last word when sorted.", lambda words: f"{min(words)} and {max(words)}"),
    ("Spell the shortest word letter by letter.", lambda words: "-".join(sorted(words, key=len)[0])),
)


def _ultrachat_200k(_: Numbers) -> list[File]:
    rows = [
        {"prompt": said[0], "prompt_id": hashlib.sha256(said[0].encode()).hexdigest(), "messages": messages(*said)}
        for said in map(conversation, conversational()[1][_LONG_200K])
    ]
    schema = columns(prompt=pl.String, prompt_id=pl.String, messages=MESSAGES)
    parts = {"train_sft": rows[:-2], "test_sft": rows[-2:]}
    return [
        File(f"data/{split}-00000-of-00001.parquet", pl.DataFrame(part, schema), split) for split, part in parts.items()
    ]


def _ultrachat(_: Numbers) -> list[File]:
    told = conversational()[1][_LONG]
    rows = [{"id": str(number), "data": list(conversation(subject))} for number, subject in enumerate(told)]
    schema = columns(id=pl.String, data=pl.List(pl.String))
    half = len(rows) // 2
    return [
        File(f"train_{number}.jsonl", pl.DataFrame(part, schema))
        for number, part in enumerate((rows[:half], rows[half:]))
    ]


def _self_instruct(generator: Numbers) -> list[File]:
    rows = []
    for task, answer in _TASKS:
        words = [_WORDS[place] for place in generator.choice(len(_WORDS), 9, replace=False)]
        prompt = f"{task}\n\nInput: {', '.join(words)}\n\nOutput:"
        rows.append({"prompt": prompt, "completion": f" {answer(words)}<|endoftext|>"})
    frame = pl.DataFrame(rows, columns(prompt=pl.String, completion=pl.String))
    return [File("self_instruct/train/0000.parquet", frame, config="self_instruct")]


def _lima(_: Numbers) -> list[File]:
    rows = [{"conversations": [q["ask"], q["say"]], "source": "stackexchange"} for q in load("questions")[LIMA]]
    return [File("train.jsonl", pl.DataFrame(rows, columns(conversations=pl.List(pl.String), source=pl.String)))]


def _tulu3(_: Numbers) -> list[File]:
    rows = [
        {
            "id": f"ai2-adapt-dev/sample_{number}",
            "messages": messages(subject.facets[2].ask, subject.facets[2].say),
            "source": "ai2-adapt-dev/no_robots_converted",
        }
        for number, subject in enumerate(conversational()[1][_TULU])
    ]
    frame = pl.DataFrame(rows, columns(id=pl.String, messages=MESSAGES, source=pl.String))
    return [File("data/train-00000-of-00001.parquet", frame)]


KWARGS: Final = pl.Struct(
    {
        "custom_instructions": pl.String,
        "enable_thinking": pl.Boolean,
        "python_tools": pl.List(pl.String),
        "xml_tools": pl.List(pl.String),
    }
)


def template_kwargs(*, thinks: bool) -> dict[str, Any]:
    """What SmolTalk 2's chat template gets."""
    return {"custom_instructions": "", "enable_thinking": thinks, "python_tools": [], "xml_tools": []}


SMOLTALK_SPLITS: Final = {
    "Mid": "Llama_Nemotron_Post_Training_Dataset_reasoning_r1",
    "SFT": "smoltalk_everyday_convs_reasoning_Qwen3_32B_think",
    "plain": "smoltalk_smollm3_everyday_conversations_no_think",
    "Preference": "llama_3.1_tulu_3_8b_preference_mixture_no_think",
}


def smoltalk2_file(rows: list[dict[str, Any]], kind: str) -> File:
    """A file of a split, which is named for its source."""
    folder, split = ("SFT" if kind == "plain" else kind), SMOLTALK_SPLITS[kind]
    beside: dict[str, Any] = {"chat_template_kwargs": KWARGS, "source": pl.String}
    sides = columns(chosen=MESSAGES, rejected=MESSAGES, prompt=pl.String, **beside)
    frame = pl.DataFrame(rows, sides if kind == "Preference" else columns(messages=MESSAGES, **beside))
    return File(f"{folder}/{split}-00000-of-00001.parquet", frame, split, folder)


def smoltalk2_talks() -> list[File]:
    """Answers that think first, in both configs that have some, and answers that do not."""
    thinking = [
        _talk(f.ask, f"<think>\n{_thought(subject.name, f.poor)}\n</think>\n\n{f.say}", thinks=True)
        for subject in conversational()[0]
        for f in subject.facets[2:3]
    ]
    plain = [
        _talk(subject.facets[2].ask, subject.facets[2].say, thinks=False) for subject in conversational()[1][_SMOLTALK]
    ]
    return [
        smoltalk2_file(thinking[:6], "SFT"),
        smoltalk2_file(thinking[6:], "Mid"),
        smoltalk2_file(plain, "plain"),
    ]


def _talk(ask: str, say: str, *, thinks: bool) -> dict[str, Any]:
    kwargs = template_kwargs(thinks=thinks)
    return {"messages": messages(ask, say), "chat_template_kwargs": kwargs, "source": "smoltalk"}


def _thought(subject: str, poor: str) -> str:
    return f"This is about {subject}. A lazy reply would be: {poor} Better to explain it and to say what follows."


def _oasst2(generator: Numbers) -> list[File]:
    trees = []
    for number, told in enumerate(load("questions")[OASST2]):
        tree = grown(generator, "en", told["ask"], told["say"], second=told["poor"])
        trees.append([*tree, reply(generator, tree[1], "prompter", "Thank you!")] if number % 4 == 0 else tree)
    parts = {"train": trees[:-1], "validation": trees[-1:]}
    return [
        File(
            f"data/{split}-00000-of-00001.parquet", pl.DataFrame([row for t in part for row in t], OASST1.schema), split
        )
        for split, part in parts.items()
    ]


_DATA: Final = {split: f"data/{split}-*" for split in ("train", "validation", "train_sft", "test_sft")}

SAMPLES: Final = (
    Sample("lima", "GAIR/lima", {"license": "other"}, _lima),
    Sample(
        "oasst2",
        "OpenAssistant/oasst2",
        {
            "license": "apache-2.0",
            "language": ["en", "es", "ru", "de", "pt", "fr", "zh"],
            "configs": [config({split: _DATA[split] for split in ("train", "validation")})],
        },
        _oasst2,
    ),
    Sample(
        "self_instruct", "yizhongw/self_instruct", {"license": "apache-2.0"}, _self_instruct, "refs/convert/parquet"
    ),
    Sample(
        "tulu3_sft",
        "allenai/tulu-3-sft-mixture",
        {"license": "odc-by", "configs": [config({"train": _DATA["train"]})]},
        _tulu3,
    ),
    Sample("ultrachat", "openbmb/UltraChat", {"license": "mit", "language": ["en"]}, _ultrachat),
    Sample(
        "ultrachat_200k",
        "HuggingFaceH4/ultrachat_200k",
        {
            "license": "mit",
            "language": ["en"],
            "configs": [config({split: _DATA[split] for split in ("train_sft", "test_sft")})],
        },
        _ultrachat_200k,
    ),
)
