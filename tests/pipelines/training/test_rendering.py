from pathlib import Path
from typing import Any

import polars as pl
import pytest
from corpora import messages

from pipelines.training import rendering
from pipelines.training.loading import load_tokenizer
from pipelines.training.rendering import BYTES_A_TOKEN, TOO_LONG, tokenised
from pipelines.training.texts import CHANGED, REFUSED


@pytest.fixture(scope="module")
def tokenizer(tiny: Path) -> Any:
    return load_tokenizer(str(tiny))


def frame(*rows: tuple[list[Any], str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "prompt": [[{"role": m["role"], "content": m["content"]} for m in prompt] for prompt, _ in rows],
            "completion": [[{"role": "assistant", "content": answer}] for _, answer in rows],
        }
    )


HELLO = messages(("user", "Hello"))


def test_prompt_and_completion_are_those_of_the_chat_template(tokenizer: Any) -> None:
    rows = frame((messages(("system", "Be kind."), ("user", "Hello")), "Good day."), (HELLO, ""))
    done = tokenised(rows, tokenizer, 512)
    first, second = (tokenizer.decode(ids) for ids in done["input_ids"])
    start, end = "<|im_start|>", "<|im_end|>"
    assert first == f"{start}system\nBe kind.{end}\n{start}user\nHello{end}\n{start}assistant\nGood day.{end}"
    assert second == f"{start}user\nHello{end}\n{start}assistant\n{end}"
    answer = done["input_ids"][0].to_list()[-done["n_loss_tokens"][0] :]
    assert tokenizer.decode(answer) == f"Good day.{end}"
    assert done["n_loss_tokens"][1] == 1
    assert done["reason"].null_count() == 2


def test_a_row_that_is_too_long_is_left_out_whole(tokenizer: Any) -> None:
    rows = frame((HELLO, "word " * 200), (HELLO, "Good day."))
    whole = tokenised(rows, tokenizer, 10_000)["n_tokens"].to_list()
    edge = tokenised(rows, tokenizer, whole[0] - 1)
    assert edge["reason"].to_list() == [TOO_LONG, None]
    assert edge["input_ids"].to_list()[0] is None
    assert edge["n_tokens"].to_list() == whole, "its length is told all the same"
    assert tokenised(rows, tokenizer, whole[0])["reason"].null_count() == 2


def test_a_row_of_many_megabytes_is_not_tokenised(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = frame((HELLO, "Good day."), (HELLO, "word " * (BYTES_A_TOKEN * 512 // 5)), (HELLO, "Good night."))
    asked: list[str] = []
    real = rendering._encoded
    monkeypatch.setattr(rendering, "_encoded", lambda texts, tokenizer: asked.extend(texts) or real(texts, tokenizer))
    done = tokenised(rows, tokenizer, 512)
    assert done["reason"].to_list() == [None, TOO_LONG, None]
    assert max(map(len, asked)) < 1_000
    assert done["n_tokens"].is_null().to_list() == [False, True, False]
    assert "night" in tokenizer.decode(done["input_ids"][2])


def with_template(tokenizer: Any, tiny: Path, template: str) -> Any:
    changed = load_tokenizer(str(tiny))
    changed.chat_template = template
    return changed


def test_a_row_that_the_template_refuses_is_left_out_alone(tokenizer: Any, tiny: Path) -> None:
    strict = with_template(
        tokenizer,
        tiny,
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system prompt') }}{% endif %}"
        + tokenizer.chat_template,
    )
    system = messages(("system", "Be kind."), ("user", "Hello"))
    done = tokenised(frame((HELLO, "a"), (system, "b"), (HELLO, "c"), (system, "d"), (HELLO, "e")), strict, 512)
    assert done["reason"].to_list() == [None, REFUSED, None, REFUSED, None]
    alone = tokenised(frame((HELLO, "a"), (HELLO, "c"), (HELLO, "e")), tokenizer, 512)
    assert done.filter(pl.col("reason").is_null())["input_ids"].to_list() == alone["input_ids"].to_list()
    assert tokenised(frame((system, "b")), strict, 512)["n_tokens"].to_list() == [None]


def test_a_template_that_drops_the_reasoning_is_found_out(tokenizer: Any, tiny: Path) -> None:
    """As DeepSeek-R1's does with every turn of the assistant."""
    dropping = with_template(
        tokenizer,
        tiny,
        tokenizer.chat_template.replace("message['content']", "message['content'].split('</think>')[-1]"),
    )
    done = tokenised(frame((HELLO, "<think>\nA greeting.\n</think>\n\nGood day."), (HELLO, "Good day.")), dropping, 512)
    assert done["reason"].to_list() == [CHANGED, None]


def test_a_template_may_set_white_space_its_own_way(tokenizer: Any, tiny: Path) -> None:
    """As Qwen3's does around the reasoning."""
    setting = with_template(
        tokenizer, tiny, tokenizer.chat_template.replace("message['content']", "(message['content'] | trim)")
    )
    assert tokenised(frame((HELLO, "\n\n Good day. \n")), setting, 512)["reason"].to_list() == [None]


def test_a_template_that_forgets_the_prompt_is_found_out(tokenizer: Any, tiny: Path) -> None:
    forgetful = with_template(tokenizer, tiny, "{{ messages[-1]['content'] }}")
    assert tokenised(frame((HELLO, "Good day.")), forgetful, 512)["reason"].to_list() == [CHANGED]


def test_no_rows_give_no_rows(tokenizer: Any) -> None:
    done = tokenised(frame((HELLO, "a")).clear(), tokenizer, 512)
    assert (done.height, done.columns) == (0, ["input_ids", "n_tokens", "n_loss_tokens", "reason"])
