"""The text of a source: an entry of `lake.yaml` behind those that are there, or a file of the catalogue."""

import json
import re
from pathlib import Path
from typing import Final

import yaml

from pipelines.configuration import Document
from pipelines.errors import TamisError
from pipelines.files import write_whole
from pipelines.lake_settings import Added, LakeSettings

_PLAIN: Final = re.compile(r"[A-Za-z_./][\w./@+-]*")
_NOT_PLAIN: Final = {"true", "false", "null", "yes", "no", "on", "off", "."}
_ABOUT: Final = "\n# Sources beside those of pipelines/sources/: `tamis add` appends them.\nsources:\n"


def appended(file: Path, name: str, entry: Added) -> None:
    """Write an entry behind those of `sources`; all other text stays, comments and all.

    TamisError where the file has its sources in braces, and cannot be appended to.
    """
    with file.open(encoding="utf-8", newline="") as stream:
        text = stream.read()
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += end
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    there = [] if root is None else [(key, value) for key, value in root.value if key.value == "sources"]
    if not there:
        new = [*lines, *_lines(_ABOUT, end), *_lines(written(name, entry, "  "), end)]
    else:
        key, value = there[0]
        empty = not value.value
        if not empty and value.flow_style:
            where = f"{file}:{key.start_mark.line + 1}"
            raise TamisError("sources stand in braces", where=where, cure="Write each on lines of its own, indented.")
        if empty:
            place, indent = key.start_mark.line, " " * (key.start_mark.column + 2)
            head = re.sub(r"^(\s*sources\s*:)[^#\r\n]*", r"\1", lines[place]).rstrip(" ")
            lines[place] = re.sub(r"^(\s*sources\s*:)(#)", r"\1  \2", head)
        else:
            place, indent = _last_line(value), " " * value.value[0][0].start_mark.column
        new = [*lines[: place + 1], *_lines(written(name, entry, indent), end), *lines[place + 1 :]]
    _check(file, "".join(new), name)
    write_whole(file, "".join(new))


def _lines(text: str, end: str) -> list[str]:
    return [line + end for line in text.splitlines()]


def _last_line(node: yaml.Node) -> int:
    """The last line, from 0, on which something of a node stands."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return max(_last_line(value) for _, value in node.value)
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return max(map(_last_line, node.value))
    ends = node.end_mark
    return int(ends.line - (ends.column == 0 and ends.line > node.start_mark.line))


def _check(file: Path, text: str, name: str) -> None:
    """TamisError where the text is not what was meant: then nothing is written."""
    scratch = file.with_name(f".{file.stem}.new{file.suffix}")
    try:
        write_whole(scratch, text)
        if name not in Document(scratch).parse(LakeSettings).sources:
            raise TamisError("cannot be appended to", where=str(file), cure="Add the entry by hand.")
    finally:
        scratch.unlink(missing_ok=True)


def written(name: str, entry: Added, indent: str) -> str:
    """An entry as YAML, each line indented; what is left at its default is left out."""
    said = entry.model_dump(mode="json", exclude_defaults=True)
    inner = indent + "  "
    return "\n".join([f"{indent}{name}:", *(f"{inner}{key}: {_yaml(value)}" for key, value in said.items())]) + "\n"


def _yaml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_yaml(key)}: {_yaml(said)}" for key, said in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    text = str(value)
    plain = _PLAIN.fullmatch(text) and text.lower() not in _NOT_PLAIN
    return text if plain else json.dumps(text, ensure_ascii=False)


def source_file(name: str, entry: Added) -> str:
    """A file of `pipelines/sources/` for a repository: its layout and columns, to be edited."""
    columns = [f"    {role}={_python(said)}," for role, said in entry.columns.items()]
    keep = [f"    keep={tuple(entry.keep)!r},".replace("'", '"')] if entry.keep else []
    about = [f"    config={_python(entry.config)},"] if entry.config else []
    about += [f"    splits={tuple(entry.splits)!r},".replace("'", '"')]
    about += [f"    data_files={entry.data_files!r},".replace("'", '"')] if entry.data_files else []
    read = [f"        {line.strip()}" for line in about]
    stated = f"    license={_python(entry.licence)},"
    language = [f"    language={_python(entry.language)},"] if entry.language else []
    revision = [f"    revision={_python(entry.revision)},"] if entry.revision else []
    return "\n".join(
        [
            f'"""{name}: say here what the set is, who made it, and what is special about it."""',
            "",
            "from pipelines.layouts.known import LAYOUTS",
            "from pipelines.sources.source import Read, Source",
            "",
            f'rows = LAYOUTS["{entry.layout}"].bound(',
            *columns,
            *keep,
            ")",
            "",
            "SOURCE = Source(",
            f"    repo={_python(entry.repo)},",
            *revision,
            stated,
            *language,
            "    reads=(",
            "        Read.laid_out(",
            "            rows,",
            *(f"    {line}" for line in read),
            "        ),",
            "    ),",
            ")",
            "",
        ]
    )


def _python(value: object) -> str:
    if isinstance(value, list):
        return "(" + ", ".join(json.dumps(one, ensure_ascii=False) for one in value) + ")"
    return "None" if value is None else json.dumps(value, ensure_ascii=False)
