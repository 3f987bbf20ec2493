"""YAML files that people edit: read strictly, with file, line and key in every error.

Plain scalars follow YAML 1.2's core schema: `no` and `on` are strings, only true, false, null and numbers are
not. A repeated key is an error.
"""

import re
from pathlib import Path
from types import UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from pipelines.errors import TamisError

Model = TypeVar("Model", bound=BaseModel)
Key = tuple[str | int, ...]

_INTEGER: Final = re.compile(r"[-+]?[0-9][0-9_]*")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}


class Document:
    """A parsed file: `data`, and the line of each key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[Key, int] = {(): 1}
        try:
            root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except FileNotFoundError as error:
            raise TamisError("there is no such file", where=str(path)) from error
        except UnicodeDecodeError as error:
            raise TamisError("is not UTF-8", where=str(path), cure="Save it as UTF-8.") from error
        except yaml.MarkedYAMLError as error:
            line = (error.problem_mark.line + 1) if error.problem_mark else 1
            raise TamisError(str(error.problem), where=f"{path}:{line}", cure="Mend the YAML there.") from error
        self.data: Any = self._value(root, ()) if root is not None else {}

    def where(self, key: Key) -> str:
        """`file:line` of a key, or of the nearest key above it."""
        while key not in self._lines:
            key = key[:-1]
        return f"{self.path}:{self._lines[key]}"

    def error(self, key: Key, what: str, cure: str = "") -> TamisError:
        """An error at a key."""
        return TamisError(f"{_dotted(key)}: {what}", where=self.where(key), cure=cure)

    def parse(self, model: type[Model], data: Any = None) -> Model:
        """`data` (all of the file by default) as a model; the first thing wrong is the error."""
        try:
            return model.model_validate(self.data if data is None else data)
        except ValidationError as error:
            first = error.errors()[0]
            key = tuple(part for part in first["loc"] if not str(part).startswith("function-"))
            known = ", ".join(_fields_at(model, key[:-1]))
            if first["type"] == "extra_forbidden":
                raise self.error(key, "is not a key here", f"Known keys: {known}.") from error
            raise self.error(key, first["msg"], f"It is {first['input']!r} now.") from error

    def _value(self, node: yaml.Node, key: Key) -> Any:
        self._lines.setdefault(key, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            mapping: dict[str, Any] = {}
            for name_node, value_node in node.value:
                name = str(name_node.value)
                inner = (*key, name)
                self._lines[inner] = name_node.start_mark.line + 1
                if name in mapping:
                    raise self.error(inner, "stands there twice", "Keep one of the two.")
                mapping[name] = self._value(value_node, inner)
            return mapping
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*key, position)) for position, item in enumerate(node.value)]
        return _scalar(node)


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    text = str(node.value)
    if getattr(node, "style", None) is not None:
        return text
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _dotted(key: Key) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".") or "the file"


def _fields_at(model: type[BaseModel], key: Key) -> list[str]:
    """Names of the fields of the model at a key; empty where it is not a model."""
    current: Any = model
    for part in key:
        if isinstance(current, type) and issubclass(current, BaseModel):
            found = current.model_fields.get(str(part))
            current = found.annotation if found else None
        else:
            # A list or a mapping: what it holds is its last argument.
            current = get_args(current)[-1] if get_args(current) else None
        current = _without_none(current)
    return list(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []


def _without_none(annotation: Any) -> Any:
    """`Model` of `Model | None`."""
    if get_origin(annotation) in (Union, UnionType):
        return next(inner for inner in get_args(annotation) if inner is not type(None))
    return annotation
