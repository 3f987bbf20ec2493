"""Exact arithmetic in text: expressions that are evaluated without `eval`, and word problems that are worked out."""

import ast
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np

_OPERATORS: Final = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
_ATTEMPTS: Final = 10_000
_STEP: Final = re.compile(r"(\$?)\{(\w+) = ([^{}]+)\}")


def evaluate(expression: str, names: Mapping[str, Fraction] | None = None) -> Fraction:
    """The exact value of an expression of numbers, names, + - * / and parentheses.

    ValueError where it is anything else, or divides by zero.
    """
    try:
        return _value(ast.parse(expression.strip(), mode="eval").body, names or {}, expression)
    except (SyntaxError, ZeroDivisionError, ValueError) as error:
        raise ValueError(f"not an expression: {expression!r}") from error


def _value(node: ast.expr, names: Mapping[str, Fraction], expression: str) -> Fraction:
    match node:
        case ast.Constant(value=int() | float()):
            return Fraction(ast.get_source_segment(expression.strip(), node) or "")
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            left_value, right_value = _value(left, names, expression), _value(right, names, expression)
            return Fraction(_OPERATORS[type(op)](left_value, right_value))
    raise ValueError(f"not an expression: {expression!r}")


@dataclass(frozen=True)
class Worked:
    """A word problem with numbers: its question, and each step as sub-question and sentence, calculations marked."""

    question: str
    steps: tuple[tuple[str, str], ...]
    gold: int

    @property
    def main(self) -> str:
        """Upstream's `answer` in the config main."""
        return "\n".join([*(said for _, said in self.steps), f"#### {self.gold}"])

    @property
    def socratic(self) -> str:
        """Upstream's `answer` in the config socratic."""
        return "\n".join([*(f"{asked} ** {said}" for asked, said in self.steps), f"#### {self.gold}"])


def worked(problem: Mapping[str, Any], generator: np.random.Generator) -> Worked:
    """A problem of `content/problems.yaml` with numbers drawn so that every value is a positive whole number.

    ValueError where no such numbers are found.
    """
    for _ in range(_ATTEMPTS):
        values: dict[str, Fraction] = {}
        for name, given in problem["given"].items():
            if isinstance(given, str):
                values[name] = evaluate(given, values)
            else:
                low, high = given
                values[name] = Fraction(int(generator.integers(low, high, endpoint=True)))
        made = _with_numbers(problem, values)
        if made is not None:
            return made
    raise ValueError(f"no whole numbers solve {problem['ask']!r}")


def _with_numbers(problem: Mapping[str, Any], given: Mapping[str, Fraction]) -> Worked | None:
    if not all(_is_positive_whole(value) for value in given.values()):
        return None
    values, steps, last = dict(given), [], Fraction(0)
    for step in problem["steps"]:
        asked, said = step.split(" ** ")
        found = _STEP.search(said)
        if found is None:
            raise ValueError(f"a step without a calculation: {step!r}")
        money, name, expression = found.groups()
        last = values[name] = evaluate(expression, values)
        if not _is_positive_whole(last):
            return None
        calculation = _calculation(expression, values, str(last), money)
        steps.append((asked, said.replace(found.group(), calculation)))
    question = problem["ask"].format_map({name: str(value) for name, value in given.items()})
    return Worked(question, tuple(steps), int(last))


def _is_positive_whole(value: Fraction) -> bool:
    return value.denominator == 1 and value > 0


def _calculation(expression: str, values: Mapping[str, Fraction], result: str, money: str) -> str:
    """`6 * 8 = <<6*8=48>>48`, with the sign of money, if any, before the mark."""
    plain = re.sub(r"[A-Za-z]\w*", lambda name: str(values[name.group()]), expression)
    return f"{plain} = {money}<<{plain.replace(' ', '')}={result}>>{result}"
