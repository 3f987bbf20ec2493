"""The same as the kernels, in plain Python: slow, and short enough to be seen to be right."""

import functools
import re
import unicodedata
from collections.abc import Sequence

ALONE = re.compile(
    r"[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U000323af]"
)
OPERATORS = set("+-*/=<>^%&|~")


def is_word(character: str) -> bool:
    beyond = "\U00020000" <= character <= "\U000323af"
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M" or beyond


def begins(character: str) -> bool:
    """Letters of scripts without spaces."""
    is_letter = unicodedata.category(character)[0] not in "M" and unicodedata.category(character) != "Nd"
    return bool(ALONE.match(character)) and is_letter and is_word(character)


def words(text: str) -> tuple[list[tuple[str, str]], str]:
    """Each word, lower-cased, with the operators before it; and the operators behind the last."""
    found: list[tuple[str, str]] = []
    pending, place, line = "", 0, 0
    while place < len(text):
        character = text[place]
        if is_word(character):
            end = place + 1
            while end < len(text) and is_word(text[end]) and not begins(text[end]):
                end += 1
            found.append(("".join(c.lower()[0] for c in text[place:end]), pending))
            pending, place = "", end
            continue
        end = place + 1
        if is_operator(character) or character in "()[]{}.!":
            while end < len(text) and text[end] == character:
                end += 1
            before = text[place - 1] if place else " "
            after = text[end] if end < len(text) else " "
            if counts(character, end - place, before, after, text[line:place].strip() == ""):
                pending += text[place:end]
        if character in "\n\r\x0b\x0c\x85\u2028\u2029":
            line = end
        place = end
    return found, pending


def is_operator(character: str) -> bool:
    return unicodedata.category(character) == "Sm" or character in OPERATORS


def is_digit(character: str) -> bool:
    return unicodedata.category(character) == "Nd"


def counts(character: str, length: int, before: str, after: str, fresh: bool) -> bool:
    if character in "()[]{}":
        return any(is_digit(c) or is_operator(c) for c in (before, after))
    if character == ".":
        return length == 1 and is_digit(before) and is_digit(after)
    if character == "!":
        return after == "=" or is_digit(before)
    if fresh and after.isspace() and character in "-*+>":
        return False
    if character == "*":
        return before.isspace() == after.isspace()
    if character == "-":
        letters = all(is_word(c) and not is_digit(c) for c in (before, after))
        return length == 1 and not letters
    return True


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def shingles(text: str, size: int = 5) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Words and operators of each shingle; one of everything where there are fewer words."""
    found, behind = words(nfc(text))
    count = max(1, len(found) - size + 1)
    runs = [found[start : start + size] for start in range(count)]
    said = [(tuple(word for word, _ in run), [sign for _, sign in run]) for run in runs]
    said[-1][1].append(behind)
    return [(said_words, (*signs, "") if len(signs) <= len(said_words) else tuple(signs)) for said_words, signs in said]


def jaccard(first: str, second: str) -> float:
    """Of the sets of words; -1 where fewer than .8 of the shared shingles agree in their operators."""
    one, other = _set(first), _set(second)
    shared = one.keys() & other.keys()
    if sum(one[key] == other[key] for key in shared) < 0.8 * len(shared):
        return -1.0
    return len(shared) / len(one.keys() | other.keys())


@functools.cache
def _set(text: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The words of each shingle, with the operators where it occurs first."""
    return dict(reversed(shingles(text)))


def group(hashes: Sequence[int]) -> list[int]:
    """Each hash by the place where it first occurs: two lists of hashes group alike where they say the same."""
    first: dict[int, int] = {}
    return [first.setdefault(value, place) for place, value in enumerate(hashes)]
