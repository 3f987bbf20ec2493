from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from pipelines.configuration import Document
from pipelines.errors import TamisError


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    limit: int = 1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str = ""
    inner: dict[str, Inner] = {}
    listed: list[Inner] = []


def document(tmp_path: Path, text: str) -> Document:
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return Document(path)


def test_no_and_on_are_strings(tmp_path: Path) -> None:
    data = document(tmp_path, "a: no\nb: on\nc: true\nd: null\ne: 0.5\nf: 1_000\ng: '1'\nh: 2024-01-01\n").data
    assert data == {"a": "no", "b": "on", "c": True, "d": None, "e": 0.5, "f": 1000, "g": "1", "h": "2024-01-01"}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("name: a\nname: b\n", 2, "name: stands there twice"),
        ("inner:\n  x:\n    limti: 3\n", 3, r"inner\.x\.limti: is not a key here\. Known keys: limit\."),
        ("name: a\nlisted:\n- limit: 1\n- limit: many\n", 4, r"listed\[1\]\.limit: Input should be a valid integer"),
        ("name: [a\n", 2, "expected"),
        ("name: 3\n", 1, "name: Input should be a valid string.*It is 3 now"),
    ],
)
def test_an_error_names_file_line_and_key(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(TamisError, match=rf"file\.yaml:{line}: .*{said}"):
        document(tmp_path, text).parse(Outer)


def test_an_empty_file_has_every_default(tmp_path: Path) -> None:
    assert document(tmp_path, "# nothing yet\n").parse(Outer) == Outer()


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(b"name: \xff\n")
    with pytest.raises(TamisError, match="is not UTF-8"):
        Document(path)
