from pathlib import Path

import pytest

from pipelines.catalogue import settings_now
from pipelines.errors import TamisError
from pipelines.new_recipe import new_recipe
from pipelines.recipe import RECIPES, read
from pipelines.sources import sources


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("default", "raw"):
        (tmp_path / f"{name}.yaml").write_bytes((RECIPES / f"{name}.yaml").read_bytes())
    return tmp_path


@pytest.mark.parametrize("base", ["default", "raw"])
def test_a_copy_says_the_same_with_its_comments_and_another_name(folder: Path, base: str) -> None:
    path = new_recipe("mine", base, folder)
    assert path == folder / "mine.yaml"
    copied, original = path.read_text(), (folder / f"{base}.yaml").read_text()
    assert copied.count("#") == original.count("#")
    mine = read("mine", settings_now(), sources(), folder)
    assert mine.hash == read(base, settings_now(), sources(), folder).hash
    assert mine.description == f"mine, which began as a copy of {base}."
    changed = [pair for pair in zip(copied.splitlines(), original.splitlines(), strict=True) if pair[0] != pair[1]]
    assert len(changed) == 1


def test_a_recipe_without_a_description_gets_one_and_a_folded_one_stays(folder: Path) -> None:
    (folder / "bare.yaml").write_text("# mine\nsources: {gsm8k: }\n")
    (folder / "long.yaml").write_text("description: >\n  two\n  lines\nsources: {gsm8k: }\n")
    assert new_recipe("a", "bare", folder).read_text().startswith("description: a, which began as a copy of")
    assert new_recipe("b", "long", folder).read_text() == (folder / "long.yaml").read_text()


def test_nothing_is_overwritten(folder: Path) -> None:
    before = (folder / "raw.yaml").read_bytes()
    with pytest.raises(TamisError, match=r"such a recipe already.*nothing is overwritten"):
        new_recipe("raw", "default", folder)
    assert (folder / "raw.yaml").read_bytes() == before


@pytest.mark.parametrize("name", ["", "a.b", "../x", "A", "a b", "-a"])
def test_a_name_has_to_be_one(folder: Path, name: str) -> None:
    with pytest.raises(TamisError, match="cannot be the name"):
        new_recipe(name, "default", folder)


def test_a_base_that_is_not_there_is_answered_with_those_that_are(folder: Path) -> None:
    with pytest.raises(TamisError, match=r"no recipe 'defualt'\. Did you mean default\?"):
        new_recipe("mine", "defualt", folder)
