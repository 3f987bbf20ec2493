"""Rows of data sets that Tamis has never seen, by layout and in the variants that people publish."""

import json
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
J = json.dumps
N = 12


def _ask(n: int) -> str:
    return f"What is {n} times {n + 1}, and why?\nSay it in a sentence."


def _say(n: int) -> str:
    return f'It is {n * (n + 1)}, since {n} lots of {n + 1} make "that" many — é.'


def _talk(n: int, role: str = "role", said: str = "content", user: str = "user", bot: str = "assistant") -> list[Row]:
    return [{role: user, said: _ask(n)}, {role: bot, said: _say(n)}]


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "multiply",
            "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
        },
    }
]


def _call(n: int) -> list[Row]:
    arguments = J({"a": n, "b": n + 1})
    return [{"id": f"c{n}", "type": "function", "function": {"name": "multiply", "arguments": arguments}}]


def _tool_talk(n: int) -> list[Row]:
    return [
        {"role": "user", "content": _ask(n), "tool_calls": None, "tool_call_id": None},
        {"role": "assistant", "content": None, "tool_calls": _call(n), "tool_call_id": None},
        {"role": "tool", "content": J({"product": n * (n + 1)}), "tool_calls": None, "tool_call_id": f"c{n}"},
        {"role": "assistant", "content": _say(n), "tool_calls": None, "tool_call_id": None},
    ]


def _thought(n: int) -> str:
    return f"<think>\n{n} times {n} is {n * n}, and {n} more.\n</think>\n\n{_say(n)}"


def _sides(n: int) -> tuple[list[Row], list[Row]]:
    return _talk(n), [_talk(n)[0], {"role": "assistant", "content": f"No idea {n}."}]


def _transcript(n: int, said: str) -> str:
    return f"\n\nHuman: {_ask(n)}\n\nAssistant: Which base?\n\nHuman: Ten.\n\nAssistant: {said}"


VARIANTS: dict[str, tuple[str, Callable[[int], Row]]] = {
    # Alpaca columns
    "alpaca": (
        "alpaca",
        lambda n: {"instruction": _ask(n), "input": f"The number {n}." if n % 2 else "", "output": _say(n)},
    ),
    "alpaca_response": ("alpaca", lambda n: {"instruction": _ask(n), "response": _say(n), "system": "Be brief."}),
    "alpaca_context": ("alpaca", lambda n: {"Instruction": _ask(n), "Context": f"c {n}", "Response": _say(n)}),
    "alpaca_history": (
        "alpaca",
        lambda n: {"instruction": _ask(n), "input": "", "output": _say(n), "history": [["Hello?", f"Hello {n}."]]},
    ),
    # ShareGPT turns
    "sharegpt": ("sharegpt", lambda n: {"conversations": _talk(n, "from", "value", "human", "gpt"), "id": str(n)}),
    "sharegpt_system": (
        "sharegpt",
        lambda n: {"conversations": _talk(n, "from", "value", "human", "gpt"), "system": "Be brief."},
    ),
    "sharegpt_tools": (
        "sharegpt",
        lambda n: {
            "conversations": [
                {"from": "human", "value": _ask(n)},
                {"from": "function_call", "value": J({"name": "multiply", "arguments": {"a": n, "b": n + 1}})},
                {"from": "observation", "value": J({"product": n * (n + 1)})},
                {"from": "gpt", "value": _say(n)},
            ],
            "tools": J(TOOLS),
        },
    ),
    "sharegpt_items": ("sharegpt", lambda n: {"items": _talk(n, "from", "value", "human", "gpt")}),
    "sharegpt_exchanges": ("sharegpt", lambda n: {"conversation": [{"human": _ask(n), "assistant": _say(n)}]}),
    "sharegpt_nested": (
        "sharegpt",
        lambda n: {"id": n, "data": {"conversation": _talk(n, "speaker", "text", "human", "bot"), "lang": "en"}},
    ),
    "sharegpt_turns": ("sharegpt", lambda n: {"turns": [_ask(n), _say(n)]}),
    "sharegpt_speaker": ("sharegpt", lambda n: {"dialog": _talk(n, "speaker", "text", "User", "Assistant")}),
    # OpenAI messages
    "messages": ("messages", lambda n: {"messages": _talk(n), "source": "made up", "score": n / 2}),
    "messages_in_conversations": ("messages", lambda n: {"conversations": _talk(n)}),
    "messages_nested": ("messages", lambda n: {"conversation": {"messages": _talk(n), "id": n}}),
    "messages_as_json": ("messages", lambda n: {"messages": J(_talk(n))}),
    "messages_in_parts": (
        "messages",
        lambda n: {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Well?"}, {"type": "text", "text": _ask(n)}]},
                {"role": "assistant", "content": [{"type": "text", "text": _say(n)}]},
            ]
        },
    ),
    "messages_with_tools": ("messages", lambda n: {"messages": _tool_talk(n), "tools": TOOLS}),
    "messages_with_json_tools": ("messages", lambda n: {"messages": _tool_talk(n), "tools": J(TOOLS)}),
    "messages_functions": (
        "messages",
        lambda n: {
            "messages": [
                {"role": "system", "content": "You can multiply.", "functions": J(TOOLS), "function_calls": None},
                {"role": "user", "content": _ask(n), "functions": None, "function_calls": None},
                {"role": "assistant", "content": None, "functions": None, "function_calls": f"multiply({n}, {n + 1})"},
                {"role": "environment", "content": str(n * (n + 1)), "functions": None, "function_calls": None},
                {"role": "assistant", "content": _say(n), "functions": None, "function_calls": None},
            ]
        },
    ),
    "messages_system_prompt": ("messages", lambda n: {"messages": _talk(n), "system_prompt": "Be brief."}),
    # prompt and completion
    "prompt_completion": ("prompt-completion", lambda n: {"prompt": _ask(n), "completion": _say(n)}),
    "question_answer": ("prompt-completion", lambda n: {"question": _ask(n), "answer": _say(n)}),
    "query_response": ("prompt-completion", lambda n: {"query": _ask(n), "response": _say(n), "rating": n}),
    "input_output": ("prompt-completion", lambda n: {"input": _ask(n), "output": _say(n), "system_prompt": "Brief."}),
    "prompt_completion_messages": (
        "prompt-completion",
        lambda n: {"prompt": _talk(n)[:1], "completion": _talk(n)[1:]},
    ),
    # prompt, chosen, rejected
    "preference": ("preference", lambda n: {"prompt": _ask(n), "chosen": _say(n), "rejected": f"No idea {n}."}),
    "preference_question": (
        "preference",
        lambda n: {
            "system": "Be brief.",
            "question": _ask(n),
            "chosen": _say(n),
            "rejected": f"No {n}.",
            "chosen_rating": 5.0,
            "rejected_rating": 1,
        },
    ),
    "preference_messages": (
        "preference",
        lambda n: {"prompt": _ask(n), "chosen": _sides(n)[0], "rejected": _sides(n)[1], "score_chosen": 9.0},
    ),
    "preference_trl": (
        "preference",
        lambda n: {"prompt": _talk(n)[:1], "chosen": _sides(n)[0][1:], "rejected": _sides(n)[1][1:]},
    ),
    "preference_sharegpt": (
        "preference",
        lambda n: {
            "conversations": [{"from": "human", "value": _ask(n)}],
            "chosen": {"from": "gpt", "value": _say(n)},
            "rejected": {"from": "gpt", "value": f"No {n}."},
        },
    ),
    "preference_rm_static": (
        "preference",
        lambda n: {"prompt": f"\n\nHuman: {_ask(n)}\n\nAssistant:", "chosen": _say(n), "rejected": f"No {n}."},
    ),
    # chosen and rejected alone
    "pairs": ("pairs", lambda n: {"chosen": _sides(n)[0], "rejected": _sides(n)[1], "source": "made up"}),
    "pairs_as_json": ("pairs", lambda n: {"chosen": J(_sides(n)[0]), "rejected": J(_sides(n)[1])}),
    "transcripts": (
        "transcripts",
        lambda n: {"chosen": _transcript(n, _say(n)), "rejected": _transcript(n, f"No {n}")},
    ),
    "transcripts_chatml": (
        "transcripts",
        lambda n: {
            side: f"<|im_start|>user\n{_ask(n)}<|im_end|>\n<|im_start|>assistant\n{said}<|im_end|>\n"
            for side, said in (("chosen", _say(n)), ("rejected", f"No {n}."))
        },
    ),
    # scored answers
    "scored_lists": (
        "scored",
        lambda n: {"prompt": _ask(n), "responses": [_say(n), f"No {n}.", "Hm."], "scores": [5.0, 1.0, 2.5]},
    ),
    "scored_objects": (
        "scored",
        lambda n: {
            "instruction": _ask(n),
            "completions": [
                {"model": "a", "response": _say(n), "overall_score": 8.5},
                {"model": "b", "response": f"No {n}.", "overall_score": 2.0},
            ],
        },
    ),
    "scored_ranks": (
        "scored",
        lambda n: {
            "question": _ask(n),
            "answers": [{"answer": f"No {n}.", "rank": 2.0}, {"answer": _say(n), "rank": 1.0}],
        },
    ),
    "scored_columns": (
        "scored",
        lambda n: {"prompt": _ask(n), "response_a": f"No {n}.", "response_b": _say(n), "score_a": 1, "score_b": 4},
    ),
    "scored_rows": (
        "scored",
        lambda n: {"prompt": _ask(n // 2), "response": _say(n) if n % 2 else f"No {n}.", "helpfulness": n % 2 * 4},
    ),
    # problems with golds
    "problem": (
        "problem",
        lambda n: {"problem": _ask(n), "solution": f"It is \\boxed{{{n * (n + 1)}}}.", "answer": str(n * (n + 1))},
    ),
    "problem_answer": ("problem", lambda n: {"problem": _ask(n), "answer": n * (n + 1), "difficulty": n / 3}),
    "problem_gsm": (
        "problem",
        lambda n: {"question": _ask(n), "answer": f"{n} lots: <<{n}*{n + 1}={n * (n + 1)}>>.\n#### {n * (n + 1)}"},
    ),
    "verl": (
        "verl",
        lambda n: {
            "data_source": "made/math",
            "prompt": _talk(n)[:1],
            "ability": "math",
            "reward_model": {"ground_truth": str(n * (n + 1)), "style": "rule"},
            "extra_info": {"index": n},
        },
    ),
    "verl_number": ("verl", lambda n: {"prompt": _talk(n)[:1], "reward_model": {"ground_truth": float(n * (n + 1))}}),
    "verl_list": ("verl", lambda n: {"prompt": _talk(n)[:1], "reward_model": {"ground_truth": [str(n * (n + 1))]}}),
    "verl_object": (
        "verl",
        lambda n: {"prompt": _talk(n)[:1], "reward_model": {"ground_truth": {"numbers": [n, 2], "target": 2 * n}}},
    ),
    "verl_json": (
        "verl",
        lambda n: {
            "prompt": _talk(n)[:1],
            "ability": "code",
            "reward_model": J({"ground_truth": J({"inputs": ["1"], "outputs": [str(n)]})}),
        },
    ),
    "open_instruct": (
        "open-instruct",
        lambda n: {"messages": _talk(n)[:1], "ground_truth": str(n * (n + 1)), "dataset": "gsm8k"},
    ),
    "open_instruct_lists": (
        "open-instruct",
        lambda n: {"prompt": _ask(n), "ground_truth": [str(n * (n + 1))], "dataset": ["math"]},
    ),
    "open_instruct_constraint": (
        "open-instruct",
        lambda n: {
            "messages": _talk(n)[:1],
            "ground_truth": J({"func_name": "no_commas", "N": n}),
            "dataset": "ifeval",
        },
    ),
    # reasoning
    "reasoning_messages": (
        "reasoning",
        lambda n: {"messages": [_talk(n)[0], {"role": "assistant", "content": _thought(n)}]},
    ),
    "reasoning_column": ("reasoning", lambda n: {"question": _ask(n), "thinking": f"Hm, {n}.", "response": _say(n)}),
    "reasoning_tags": ("reasoning", lambda n: {"prompt": _ask(n), "response": _thought(n)}),
    "reasoning_thought": (
        "reasoning",
        lambda n: {
            "conversations": [
                {"from": "user", "value": _ask(n)},
                {
                    "from": "assistant",
                    "value": f"<|begin_of_thought|>\n\nHm {n}.\n\n<|end_of_thought|>\n\n"
                    f"<|begin_of_solution|>\n\n{_say(n)}\n\n<|end_of_solution|>",
                },
            ]
        },
    ),
    "reasoning_beside": (
        "reasoning",
        lambda n: {
            "messages": [_talk(n)[0], {"role": "assistant", "content": _say(n), "reasoning_content": f"Hm {n}."}]
        },
    ),
    "reasoning_open": ("reasoning", lambda n: {"messages": _talk(n)[:1], "reasoning": f"Hm {n}.", "answer": _say(n)}),
}
"""Name -> the layout that is recognised, and what makes row `n`."""


def rows(name: str, count: int = N) -> list[Row]:
    """Rows 1 to `count` of a variant."""
    return [VARIANTS[name][1](n) for n in range(1, count + 1)]
