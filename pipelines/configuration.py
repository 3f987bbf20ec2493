"""YAML files that people edit: read strictly, with file, line and key in every error.

Plain scalars follow YAML 1.2's core schema: `no` and `on` are strings, only true, false, null and numbers are
not. A repeated key is an error.
"""

import copy
import re
from collections.abc import Collection
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
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Every asset reads the recipes, and libyaml reads them ten times as fast."""

_CONSTANTS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}


class Document:
    """A parsed file: `data`, a mapping, and where each of its keys stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[Key, str] = {(): f"{path}:1"}
        try:
            root = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
        except FileNotFoundError as error:
            raise TamisError("there is no such file", where=str(path)) from error
        except UnicodeDecodeError as error:
            raise TamisError("is not UTF-8", where=str(path), cure="Save it as UTF-8.") from error
        except yaml.MarkedYAMLError as error:
            line = (error.problem_mark.line + 1) if error.problem_mark else 1
            raise TamisError(str(error.problem), where=f"{path}:{line}", cure="Mend the YAML there.") from error
        data = self._value(root, (), ()) if root is not None else {}
        if not isinstance(data, dict):
            raise self.error((), f"should be a mapping of keys, not {data!r}", "Write `key: value`, a line each.")
        self.data: dict[str, Any] = data

    def over(self, base: "Document", leaving: Collection[str]) -> "Document":
        """This document with every top-level key of `base` that it has not, but for those that are left.

        Such a key's errors name the file of `base`.
        """
        both = copy.copy(self)
        taken = {name: value for name, value in base.data.items() if name not in self.data and name not in leaving}
        both.data = taken | self.data
        both._places = {k: place for k, place in base._places.items() if k and k[0] in taken} | self._places
        return both

    def where(self, key: Key) -> str:
        """`file:line` of a key, or of the nearest key above it."""
        while key not in self._places:
            key = key[:-1]
        return self._places[key]

    def error(self, key: Key, what: str, cure: str = "") -> TamisError:
        """An error at a key."""
        return TamisError(f"{_dotted(key)}: {what}", where=self.where(key), cure=cure)

    def parse(self, model: type[Model]) -> Model:
        """The file as a model; the first thing wrong is the error."""
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            first = error.errors()[0]
            key = tuple(part for part in first["loc"] if not str(part).startswith("function-"))
            known = ", ".join(_fields_at(model, key[:-1]))
            if first["type"] == "extra_forbidden":
                raise self.error(key, "is not a key here", f"Known keys: {known}.") from error
            if first["type"] == "missing":
                raise self.error(key, "is missing", "Add it.") from error
            raise self.error(key, first["msg"], f"It is {first['input']!r} now.") from error

    def _value(self, node: yaml.Node, key: Key, above: tuple[yaml.Node, ...]) -> Any:  # noqa: ANN401 -- what YAML holds
        if node in above:
            raise self.error(key, "refers to itself", "Write out what is meant.")
        self._places.setdefault(key, self._place(node))
        above = (*above, node)
        if isinstance(node, yaml.MappingNode):
            mapping: dict[str, Any] = {}
            for name_node, value_node in node.value:
                name = str(name_node.value)
                inner = (*key, name)
                self._places[inner] = self._place(name_node)
                if name in mapping:
                    raise self.error(inner, "stands there twice", "Keep one of the two.")
                mapping[name] = self._value(value_node, inner, above)
            return mapping
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*key, position), above) for position, item in enumerate(node.value)]
        return _scalar(node)

    def _place(self, node: yaml.Node) -> str:
        return f"{self.path}:{node.start_mark.line + 1}"


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    text = str(node.value)
    if getattr(node, "style", None):  # plain is None, or "" where libyaml reads
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


def _without_none(annotation: Any) -> Any:  # noqa: ANN401 -- annotations have no type of their own
    """`Model` of `Model | None`."""
    if get_origin(annotation) in (Union, UnionType):
        return next(inner for inner in get_args(annotation) if inner is not type(None))
    return annotation
