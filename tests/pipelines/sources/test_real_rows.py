"""The real rows of the sources that have some at hand, against counts made with nothing of ours."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from pipelines.normalise import Place, batches, normalise
from pipelines.reading import read
from pipelines.sources import sources
from schemas.families import FAMILIES
from schemas.validator import validate

Rows = list[dict[str, object]]


def parquet(folder: Path, glob: str) -> Iterator[tuple[Path, Rows]]:
    for path in sorted(folder.glob(glob)):
        yield path, pq.read_table(path).to_pylist()


def lines(folder: Path, glob: str) -> Iterator[tuple[Path, Rows]]:
    for path in sorted(folder.glob(glob)):
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
        yield path, [json.loads(line) for line in text.split("\n") if line]


def array(folder: Path, glob: str) -> Iterator[tuple[Path, Rows]]:
    for path in folder.glob(glob):
        yield path, json.loads(path.read_text(encoding="utf-8"))


FILES: dict[str, tuple[Callable[[Path, str], Iterator[tuple[Path, Rows]]], str, dict[str, int]]] = {
    "alpaca": (parquet, "data/*.parquet", {"rows": 20_276, "instruction": 20_276}),
    "dolly": (lines, "*.jsonl", {"rows": 2_996, "instruction": 2_996}),
    "oasst1": (parquet, "data/*.parquet", {"rows": 4_771}),
    "hh_rlhf": (lines, "harmless-base/*.jsonl.gz", {"rows": 2_312, "preference": 2_312}),
    "sky_t1": (array, "*.json", {"rows": 280, "cot": 280}),
    "gsm8k": (parquet, "main/train-*.parquet", {"rows": 7_473, "cot": 7_473, "grpo": 7_473}),
    "countdown": (parquet, "data/*.parquet", {"rows": 8_001, "grpo": 8_001}),
    "deepscaler": (array, "*.json", {"rows": 8_449, "cot": 975, "grpo": 8_445}),
    "simplerl_zoo": (parquet, "*/train.parquet", {"rows": 8_523, "grpo": 8_519}),
    "medical_o1": (array, "*.json", {"rows": 198, "cot": 198}),
    "lima": (lines, "train.jsonl", {"rows": 1_029, "instruction": 1_029}),
    "code_alpaca": (array, "*.json", {"rows": 2_017, "instruction": 2_017}),
}


def text(record: dict[str, object], part: str) -> str:
    return "\n".join(m["content"] for m in record[part])  # type: ignore[attr-defined]


def check_instruction(upstream: dict[str, object], record: dict[str, object]) -> None:
    given = upstream.get("input", upstream.get("context"))
    assert text(record, "prompt") == "\n\n".join(str(t) for t in (upstream["instruction"], given) if str(t).strip())
    assert text(record, "completion") == upstream.get("output", upstream.get("response"))


def check_lima(upstream: dict[str, object], record: dict[str, object]) -> None:
    turns = [m for part in ("prompt", "completion") for m in record[part]]  # type: ignore[attr-defined]
    assert [m["content"] for m in turns] == upstream["conversations"]
    assert [m["role"] for m in turns] == ["user", "assistant"] * (len(turns) // 2)


def check_hh(upstream: dict[str, object], record: dict[str, object]) -> None:
    for side in ("chosen", "rejected"):
        turns = re.split(r"\n\n(Human|Assistant):", str(upstream[side]))
        said = [(m["role"], m["content"]) for part in ("prompt", side) for m in record[part]]  # type: ignore[attr-defined]
        roles = {"Human": "user", "Assistant": "assistant"}
        assert said == [(roles[who], what.strip()) for who, what in zip(turns[1::2], turns[2::2], strict=True)]
    assert record["chosen"] and record["rejected"]
    if len(record["chosen"]) > 1 and len(record["rejected"]) > 1:  # type: ignore[arg-type]
        assert record["chosen"][0] != record["rejected"][0]  # type: ignore[index]


def check_sky(upstream: dict[str, object], record: dict[str, object]) -> None:
    answer = upstream["conversations"][-1]["value"]  # type: ignore[index]
    whole = re.fullmatch(
        r"<\|begin_of_thought\|>(.*)<\|end_of_thought\|>\s*<\|begin_of_solution\|>(.*)<\|end_of_solution\|>\s*",
        answer,
        re.DOTALL,
    )
    if record["reasoning"] is None:
        assert text(record, "completion") == answer
        assert whole is None or answer.count("<|") != 4
    else:
        assert whole is not None
        assert (record["reasoning"], text(record, "completion")) == (whole[1].strip(), whole[2].strip())


def check_gsm8k(upstream: dict[str, object], record: dict[str, object]) -> None:
    solution, gold = str(upstream["answer"]).split("####")
    assert record["answer"] == gold.strip().replace(",", "").replace("$", "")
    float(str(record["answer"]))
    if "reasoning" in record:
        assert record["reasoning"] == re.sub(r"<<.*?>>", "", solution).strip()


def check_countdown(upstream: dict[str, object], record: dict[str, object]) -> None:
    assert json.loads(str(record["verifier_args"])) == {"numbers": upstream["nums"], "target": upstream["target"]}
    numbers = [int(n) for n in re.findall(r"\d+", text(record, "prompt"))]
    assert numbers == [upstream["target"], *upstream["nums"]]  # type: ignore[misc]


def plain(gold: str) -> str:
    """A gold without what stands around or between the digits of a number."""
    bare = gold.strip()
    number = bare.replace("\\$ ", "").replace("\\$", "").replace(",\\!", ",").replace("{,}", ",")
    return number.replace(",", "") if re.fullmatch(r"[-+]?\d{1,3}((,\d{3})+|\d*)(\.\d+)?", number) else bare


def check_deepscaler(upstream: dict[str, object], record: dict[str, object]) -> None:
    assert text(record, "prompt") == upstream["problem"]
    assert record["answer"] == (plain(str(upstream["answer"])) if upstream["answer"] else None)
    if "reasoning" in record:
        whole, kept = str(upstream["solution"]), str(record["reasoning"])
        assert whole.startswith(kept)
        assert not whole[len(kept) :] or re.match(r"\s+[~-]", whole[len(kept) :])
        assert len(whole) - len(kept) < 100
        assert text(record, "completion") == record["answer"]


def check_zoo(upstream: dict[str, object], record: dict[str, object]) -> None:
    system, asked = record["prompt"]  # type: ignore[misc]
    assert (system["role"], system["content"]) == ("system", "You are a helpful assistant.")
    assert (asked["role"], asked["content"]) == ("user", upstream["question"])
    assert (record["answer"], record["verifier"]) == (plain(str(upstream["gt_answer"])), "math")


def check_medical(upstream: dict[str, object], record: dict[str, object]) -> None:
    said = (text(record, "prompt"), record["reasoning"], text(record, "completion"))
    assert said == (upstream["Question"], upstream["Complex_CoT"], upstream["Response"])


CHECKS = {
    "deepscaler": check_deepscaler,
    "simplerl_zoo": check_zoo,
    "medical_o1": check_medical,
    "alpaca": check_instruction,
    "dolly": check_instruction,
    "lima": check_lima,
    "code_alpaca": check_instruction,
    "hh_rlhf": check_hh,
    "sky_t1": check_sky,
    "gsm8k": check_gsm8k,
    "countdown": check_countdown,
}


@pytest.mark.parametrize("name", FILES)
def test_real_rows_become_what_their_layout_says(real_hub: Path, name: str) -> None:
    source = sources()[name]
    reader, glob, expected = FILES[name]
    declared = source.reads[0]
    counts = {"rows": 0}
    for path, upstream in reader(real_hub / source.repo, glob):
        place = Place(name, "0" * 40, "c", "train", path.name, 0, source.license, source.language)
        frames = (b.rows for b in read(path, columns=declared.columns, any_of=declared.any_of, batch_bytes=1 << 20))
        accounted = 0
        for frame in batches(frames, whole_file=declared.whole_file):
            done = normalise(frame, declared, place)
            accounted += done.yielding + done.rejects.filter(pl.col("family").is_null()).height
            for family, records in done.records.items():
                counts[family] = counts.get(family, 0) + records.height
                assert validate(records.to_arrow(), FAMILIES[family]).rejects.num_rows == 0
                for record in records.iter_rows(named=True) if name in CHECKS else ():
                    CHECKS[name](upstream[record["origin"]["row"]], record)
        assert accounted == len(upstream)
        counts["rows"] += len(upstream)
    assert counts | expected == counts
