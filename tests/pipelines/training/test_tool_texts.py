"""Rows with tools, rendered: by hand, by the templates of real models, and left out where a template fails them."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tool_corpus import ADD, ASKED, CALLED, OFFERED, call, exported, says

from pipelines.training.loading import load_tokenizer
from pipelines.training.rendering import tokenised
from pipelines.training.texts import CHANGED, REFUSED
from pipelines.training.tool_rows import NOT_JSON
from pipelines.training.tool_texts import NO_TOOLS, tool_texts

CALLS = (CALLED[:1], says("assistant", "", call()), OFFERED)
ANSWERS = (CALLED, says("assistant", "It is 42."), OFFERED)
PLAIN = "{% for m in messages %}{{ m.role + ': ' + m.content + '<|im_end|>\n' }}{% endfor %}"
ASKING = "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"


@pytest.fixture(scope="module")
def tokenizer(tiny: Path) -> Any:
    return load_tokenizer(str(tiny))


@pytest.fixture
def templated(tiny: Path) -> Any:
    """The tokenizer with another template."""

    def made(template: Any) -> Any:
        changed = load_tokenizer(str(tiny))
        changed.chat_template = template
        return changed

    return made


def of(model: str) -> str:
    """The chat template that a real model is published with, as TRL holds it."""
    return (files("trl") / "chat_templates" / f"{model}.jinja").read_text(encoding="utf-8")


def reasons(tokenizer: Any, *rows: Any) -> list[str | None]:
    return tool_texts(exported(*rows), tokenizer)["reason"].to_list()


def test_definitions_calls_and_results_reach_the_token_ids(tokenizer: Any) -> None:
    done = tokenised(exported(CALLS, ANSWERS), tokenizer, 4_096)
    assert done["reason"].to_list() == [None, None]
    written = '{"a": 40, "note": "say \\"é\\"\\n<ok>", "deep": {"list": [1, "two"]}}'
    start, end = "<|im_start|>", "<|im_end|>"
    definition = json.dumps({"type": "function", "function": ADD})
    asked = (
        f"{start}system\n<tools>\n{definition}\n</tools>{end}\n"
        f"{start}user\nWhat is 40 + 2?{end}\n{start}assistant\n"
    )  # fmt: skip
    called = f'<tool_call>\n{{"name": "add", "arguments": {written}}}\n</tool_call>{end}'
    first, second = (tokenizer.decode(ids) for ids in done["input_ids"])
    assert first == asked + called
    assert second == f'{asked}{called}\n{start}tool\n{{"sum": 42}}{end}\n{start}assistant\nIt is 42.{end}'
    # Loss falls on the completion and nothing else: the call where it is one, the answer alone after a call.
    for ids, carrying, completion in zip(
        done["input_ids"], done["n_loss_tokens"], (called, f"It is 42.{end}"), strict=True
    ):
        assert tokenizer.decode(ids.to_list()[-carrying:]) == completion
    assert done["n_tokens"].to_list() == done["input_ids"].list.len().to_list()


def test_text_before_a_call_and_several_calls_are_kept(tokenizer: Any) -> None:
    said = says("assistant", "Well:", call('{"a": 1}'), call(None), call(""))
    (text,) = tool_texts(exported(([ASKED], said, OFFERED)), tokenizer)["completion"]
    nothing = '<tool_call>\n{"name": "add", "arguments": {}}\n</tool_call>'
    assert text == (
        f'Well:\n<tool_call>\n{{"name": "add", "arguments": {{"a": 1}}}}\n</tool_call>\n{nothing}\n{nothing}<|im_end|>'
    )


def test_rows_without_tools_are_rendered_as_they_are_in_a_file_of_their_own(tokenizer: Any) -> None:
    plain = ([says("user", "Hello")], says("assistant", "Good day."), None)
    mixed = tokenised(exported(CALLS, plain, ANSWERS), tokenizer, 4_096)
    message = pl.element().struct
    narrow = pl.struct(message.field("role"), message.field("content"))
    alone = exported(plain).select(pl.col("prompt", "completion").list.eval(narrow))
    assert mixed[1].equals(tokenised(alone, tokenizer, 4_096))
    assert mixed[[0, 2]].equals(tokenised(exported(CALLS, ANSWERS), tokenizer, 4_096))


QWEN = '<tool_call>\n{"name": "add", "arguments": {"a": 7, "s": "é"}}\n</tool_call><|im_end|>'
LLAMA = '{"name": "add", "parameters": {"a": 7, "s": "é"}}<|eot_id|>'
GLM = "<tool_call>add\n<arg_key>a</arg_key>\n<arg_value>7</arg_value>\n<arg_key>s</arg_key>\n<arg_value>é</arg_value>"


@pytest.mark.parametrize(
    ("model", "written"),
    [("qwen2_5", QWEN), ("qwen3", QWEN), ("llama3_1", LLAMA), ("glm4moe", GLM), ("lfm2_v2", "[add(a=7, s='é')]")],
)
def test_real_models_templates_write_definitions_calls_and_results(templated: Any, model: str, written: str) -> None:
    said = says("assistant", "", call('{"a": 7, "s": "é"}'))
    made = tool_texts(exported(([ASKED], said, OFFERED), ANSWERS), templated(of(model)))
    assert made["reason"].to_list() == [None, None]
    assert written in made["completion"][0]
    assert "Adds." in made["prompt"][0]
    assert "42" in made["prompt"][1].rpartition("<ok>")[2]


def test_arguments_go_as_text_where_a_template_joins_texts(templated: Any) -> None:
    """DeepSeek's. It shows no definitions, and begins answers with a thought, which a row that calls does not have."""
    calls, answers = ((prompt, said, None) for prompt, said, _ in (CALLS, ANSWERS))
    made = tool_texts(exported(calls, answers, CALLS), templated(of("deepseekv3")))
    assert made["reason"].to_list() == [CHANGED, None, NO_TOOLS]
    written = '{"a": 40, "note": "say \\"é\\"\\n<ok>", "deep": {"list": [1, "two"]}}'
    assert f"```json\n{written}\n```" in made["prompt"][1]


@pytest.mark.parametrize("model", ["phi3", "gemma", "cohere2"])
def test_a_template_that_passes_over_tools_gets_no_row_with_tools(templated: Any, model: str) -> None:
    """Rows with definitions alone, with calls alone, and with both."""
    offered = ([ASKED], says("assistant", "No."), OFFERED)
    called = (CALLED, says("assistant", "It is 42."), None)
    assert reasons(templated(of(model)), offered, called, CALLS, ANSWERS) == [NO_TOOLS] * 4


def test_a_template_that_refuses_tools_is_one_that_knows_none(templated: Any) -> None:
    refusing = templated("{% if tools %}{{ raise_exception('no tools') }}{% endif %}" + PLAIN + ASKING)
    assert reasons(refusing, CALLS, ANSWERS) == [NO_TOOLS] * 2


def test_what_a_row_has_is_what_its_template_must_know(tokenizer: Any, templated: Any) -> None:
    """Definitions without calls; and calls, but no definitions."""
    plainly = ([ASKED], says("assistant", "No."), OFFERED)
    unoffered = (CALLED, says("assistant", "It is 42."), None)
    told = (CALLED[:1] + CALLED[2:], says("assistant", "It is 42."), None)
    only_definitions = templated("{% if tools %}{{ tools | tojson }}{% endif %}" + PLAIN + ASKING)
    assert reasons(only_definitions, plainly, CALLS, unoffered, told) == [None, NO_TOOLS, NO_TOOLS, None]
    no_definitions = templated(tokenizer.chat_template.replace("if tools", "if false"))
    assert reasons(no_definitions, plainly, CALLS, unoffered, told) == [NO_TOOLS, NO_TOOLS, None, None]


def test_definitions_dropped_beside_a_system_prompt_are_found_out(tokenizer: Any, templated: Any) -> None:
    """Though the tool's name stands in the text by chance."""
    dropping = templated(tokenizer.chat_template.replace("if tools", "if tools and messages[0].role != 'system'"))
    system = ([says("system", "You can add."), ASKED], says("assistant", "42"), OFFERED)
    assert reasons(dropping, system, CALLS) == [NO_TOOLS, None]


def test_all_tools_that_are_offered_must_be_shown(tokenizer: Any, templated: Any) -> None:
    first = templated(tokenizer.chat_template.replace("for tool in tools", "for tool in tools[:1]"))
    two = ([ASKED], says("assistant", "42"), json.dumps([ADD, {**ADD, "name": "subtract"}]))
    assert reasons(first, two, CALLS) == [NO_TOOLS, None]


def test_a_template_may_know_calls_but_no_results(tokenizer: Any, templated: Any) -> None:
    deaf = templated(tokenizer.chat_template.replace("in messages", "in messages if message.role != 'tool'"))
    assert reasons(deaf, CALLS, ANSWERS) == [None, NO_TOOLS]


def test_arguments_are_never_written_as_python_has_them(tokenizer: Any, templated: Any) -> None:
    written = "{'name': call['function']['name'], 'arguments': call['function']['arguments']} | tojson"
    assert written in tokenizer.chat_template
    joining = "(call.function.name ~ ' ' ~ call.function.arguments)"
    joined = templated(tokenizer.chat_template.replace(written, joining))
    made = tool_texts(exported(([ASKED], says("assistant", "", call('{"a": true}')), OFFERED)), joined)
    assert made["completion"].to_list() == ['<tool_call>\nadd {"a": true}\n</tool_call><|im_end|>']


def test_a_tokenizer_may_have_a_template_of_its_own_for_tools(tokenizer: Any, templated: Any) -> None:
    """As Hermes' has: calls of a row that offers none are rendered by the other, which drops them."""
    two = templated({"default": PLAIN + ASKING, "tool_use": tokenizer.chat_template})
    unoffered = ([ASKED], says("assistant", "", call()), None)
    assert reasons(two, CALLS, unoffered, ANSWERS) == [None, NO_TOOLS, None]


def test_a_row_of_which_a_part_is_dropped_is_left_out_alone(templated: Any) -> None:
    """The second call (gpt-oss' template), a text before a call and a second call (Llama's), a call in a prompt."""
    twice = ([ASKED], says("assistant", "", call(), call('{"a": 987}')), OFFERED)
    before = ([ASKED], says("assistant", "Wait.", call()), OFFERED)
    earlier = (
        [ASKED, twice[1], *CALLED[2:]],
        says("assistant", "It is 42."),
        OFFERED,
    )
    assert reasons(templated(of("gptoss")), twice, CALLS, earlier) == [CHANGED, None, CHANGED]
    assert reasons(templated(of("llama3_1")), CALLS, twice, before, ANSWERS) == [None, REFUSED, CHANGED, None]


@pytest.mark.parametrize(
    "tools", ["add(a)", "[1]", '[{"type": "code"}]', '{"function": {"name": ""}}', '[{"name": 1}]']
)
def test_definitions_that_are_none_are_told(tokenizer: Any, tools: str) -> None:
    assert reasons(tokenizer, ([ASKED], says("assistant", "No."), tools), CALLS) == [NOT_JSON, None]


@pytest.mark.parametrize(
    "wrong",
    [call("add(1)"), call("[1]"), call('{"a": "\\ud800"}'), call("{}", name=None), call('{"a":' + "[" * 100_000)],
    ids=["code", "list", "surrogate", "nameless", "deep"],
)
def test_calls_that_are_none_are_told(tokenizer: Any, wrong: dict[str, Any]) -> None:
    assert reasons(tokenizer, ([ASKED], says("assistant", "", wrong), OFFERED), CALLS) == [NOT_JSON, None]


def test_definitions_may_be_bare_alone_or_texts(tokenizer: Any) -> None:
    """And all become OpenAI's form, which templates read `tool.function.name` of."""
    forms = [json.dumps(form) for form in (ADD, [ADD], [json.dumps(ADD)], {"function": ADD})]
    rows = exported(*(([ASKED], says("assistant", "No."), form) for form in [OFFERED, *forms, "[]"]))
    made = tool_texts(rows, tokenizer)
    assert made["reason"].null_count() == len(made)
    assert made["prompt"][:5].n_unique() == 1
    assert "<tools>" in made["prompt"][0]
    assert "<tools>" not in made["prompt"][5]


def test_arguments_nested_beyond_reason_harm_no_other_row(tokenizer: Any) -> None:
    deep = '{"a":' + "[" * 400 + "]" * 400 + "}"
    found = reasons(tokenizer, CALLS, ([ASKED], says("assistant", "", call(deep)), OFFERED), ANSWERS)
    assert found[0] is None and found[2] is None
    assert found[1] in (None, REFUSED)


def test_no_rows_give_no_rows(tokenizer: Any) -> None:
    assert tool_texts(exported(), tokenizer).height == 0
    assert tokenised(exported(), tokenizer, 512).height == 0
