"""Whether a block of code parses: `judged` is run by the worker processes of `pipelines.verify.workers`.

It imports nothing of this project, so that it starts fast. Parsers crash, overrun and outgrow their memory on hostile
input; where that happens, a worker process ends and the block counts as not judged.
"""

import ast
import functools
import importlib
import re
import textwrap
import warnings
from typing import Final

from tree_sitter import Language, Parser

PARSES: Final = b"v"
BROKEN: Final = b"r"
UNKNOWN: Final = b"u"

NAMES: Final = {
    "python": ("python", "py", "python3", "py3"),
    "javascript": ("javascript", "js", "jsx", "node", "mjs"),
    "typescript": ("typescript", "ts"),
    "java": ("java",),
    "c": ("c",),
    "cpp": ("cpp", "c++", "cc", "cxx"),
    "rust": ("rust", "rs"),
    "go": ("go", "golang"),
    "bash": ("bash", "sh", "shell", "zsh"),
    "json": ("json",),
}
"""The languages that are parsed, and what a fence calls them."""

_SESSION: Final = re.compile(r"^(?:>>>|\.\.\.) ?(.*)$", re.MULTILINE)
_MAGIC: Final = re.compile(r"^\s*[!%].*$", re.MULTILINE)


def prepare() -> None:
    """Silence what `ast` says about escapes."""
    warnings.simplefilter("ignore")


def judged(language: str, code: str) -> bytes:
    """PARSES, BROKEN, or UNKNOWN for a language that is none of NAMES."""
    if language == "python":
        return _python(code)
    parser = _parser(language)
    if parser is None:
        return UNKNOWN
    return BROKEN if parser.parse(code.encode()).root_node.has_error else PARSES


def _python(code: str) -> bytes:
    """By `ast`. Sessions are read without their prompts and what they print; notebooks without their magics."""
    if code.lstrip().startswith(">>>"):
        code = "\n".join(_SESSION.findall(code))
    try:
        ast.parse(_MAGIC.sub("", textwrap.dedent(code)))
    except (SyntaxError, ValueError):  # ValueError: NUL, and digits above the interpreter's limit
        return BROKEN
    return PARSES


@functools.cache
def _parser(language: str) -> Parser | None:
    if language == "python" or language not in NAMES:
        return None
    grammar = importlib.import_module(f"tree_sitter_{language}")
    of = grammar.language_tsx if language == "typescript" else grammar.language
    return Parser(Language(of()))
