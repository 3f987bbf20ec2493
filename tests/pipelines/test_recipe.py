from pathlib import Path

import pytest

from pipelines.catalogue import recipes_now
from pipelines.errors import TamisError
from pipelines.lake_settings import LakeSettings, lake_settings
from pipelines.recipe import Recipe, Unreadable, how_taken, names, read, read_all
from pipelines.sources import sources

KNOWN = {"gsm8k": None, "dolly": None}
LAKE = LakeSettings()


def parsed(folder: Path, text: str, name: str = "mine", lake: LakeSettings = LAKE) -> Recipe:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return read(name, lake, KNOWN, folder)


def test_a_recipe_says_what_is_taken_and_defaults_to_the_rest(tmp_path: Path) -> None:
    recipe = parsed(tmp_path, "sources: {gsm8k: {limit: 1_000}, dolly: }\nlicence: {exclude: [no, cc-by-nc-4.0]}\n")
    assert list(recipe.sources) == ["gsm8k", "dolly"]
    assert (recipe.limit("gsm8k"), recipe.limit("dolly")) == (1000, None)
    assert recipe.licence.exclude == ["no", "cc-by-nc-4.0"], "`no` is a string"
    assert (recipe.duplicates.exact, recipe.duplicates.near, recipe.rules) == (True, 0.7, [])


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("sources: {gsm8k: }\nrulez: []\n", 2, r"rulez: is not a key here\. Known keys: .*rules"),
        ("sources:\n  gsm8k:\n    limti: 3\n", 3, r"sources\.gsm8k\.limti: is not a key here\. Known keys: limit\."),
        ("sources:\n  gsm8k: {limit: 0}\n", 2, r"sources\.gsm8k\.limit: .*greater than or equal to 1.*It is 0 now"),
        ("sources:\n  gsm8k: {limit: '5'}\n", 2, r"sources\.gsm8k\.limit: .*valid integer.*It is '5' now"),
        ("sources:\n  gsm8k: no\n", 2, r"sources\.gsm8k: .*It is 'no' now"),
        ("sources:\n- gsm8k\n", 1, r"sources: Input should be a valid dictionary"),
        ("sources:\n  dolly:\n  gsm8: {}\n", 3, r"sources\.gsm8: there is no such source\. Did you mean gsm8k\?"),
        ("sources:\n  xyz: {}\n", 2, r"sources\.xyz: there is no such source\. There are gsm8k, dolly"),
        ("description: nothing else\n", 1, r"sources: is missing\. Add it"),
        ("sources: {gsm8k: }\nlicence:\n  unknown: no\n", 3, r"licence\.unknown: .*'keep' or 'drop'.*It is 'no' now"),
        ("sources: {gsm8k: }\nlicence:\n  exclude: [true]\n", 3, r"licence\.exclude\[0\]: .*It is True now"),
        ("sources: {gsm8k: }\nduplicates: {near: 1.5}\n", 2, r"duplicates\.near: .*less than or equal to 1"),
        ("sources: {gsm8k: }\nduplicates: {exact: yes}\n", 2, r"duplicates\.exact: .*valid boolean.*It is 'yes' now"),
        ("sources: {gsm8k: }\nsources: {dolly: }\n", 2, r"sources: stands there twice"),
        ("sources:\n  gsm8k:\n  gsm8k:\n", 3, r"sources\.gsm8k: stands there twice"),
        ("sources: {gsm8k: }\ntraining:\n  sft: {families: [grpo]}\n", 3, r"training\.sft\.families\[0\]: "),
        ("sources: {gsm8k: }\ntraining:\n  sft:\n    tokens: -1\n", 4, r"training\.sft\.tokens: .*greater than 0"),
        ("sources: {gsm8k: }\nextends: nobody\n", 2, r"extends: there is no other recipe 'nobody'"),
        ("sources: {gsm8k: }\nextends: mine\n", 2, r"extends: there is no other recipe 'mine'"),
        ("sources: {gsm8k: }\nextends: [raw]\n", 2, r"extends: there is no other recipe"),
        ("- gsm8k\n", 1, r"the file: .*mapping"),
        ("just a text\n", 1, r"the file: .*mapping"),
        ("", 1, r"sources: is missing"),
        ("sources: {gsm8k: }\nrules: &all [*all]\n", 2, r"rules\[0\]: refers to itself"),
        ("sources: {gsm8k: \n", 2, r"expected"),
    ],
)
def test_every_error_names_file_line_and_key(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(TamisError, match=rf"mine\.yaml:{line}: .*{said}"):
        parsed(tmp_path, text)


def test_a_recipe_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(TamisError, match=r"nowhere\.yaml: there is no such file"):
        read("nowhere", LAKE, KNOWN, tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"sources: \xff\n")
    with pytest.raises(TamisError, match=r"bytes\.yaml: is not UTF-8\. Save it as UTF-8"):
        read("bytes", LAKE, KNOWN, tmp_path)


def test_a_threshold_below_the_pair_floor_names_lake_yaml(tmp_path: Path) -> None:
    text = "sources: {gsm8k: }\nduplicates:\n  near: 0.65\n"
    with pytest.raises(
        TamisError, match=r"mine\.yaml:3: duplicates\.near: 0\.65 is below the pair floor 0\.7.*lake\.yaml"
    ):
        parsed(tmp_path, text)
    assert parsed(tmp_path, text, lake=LakeSettings(pair_floor=0.6)).duplicates.near == 0.65
    assert parsed(tmp_path, "sources: {gsm8k: }\nduplicates: {near: null}\n").duplicates.near is None


def test_contamination_names_rules_and_benchmarks_that_are_there(tmp_path: Path) -> None:
    text = "sources: {gsm8k: }\ncontamination:\n  rules: [13-gram]\n  benchmarks: [GSM8K, MMLU]\n"
    assert parsed(tmp_path, text).contamination.benchmarks == ["GSM8K", "MMLU"]
    with pytest.raises(TamisError, match=r"mine\.yaml:4: contamination\.benchmarks\[1\]: .*Did you mean MMLU\?"):
        parsed(tmp_path, text.replace("MMLU]", "MLU]"))
    with pytest.raises(TamisError, match=r"mine\.yaml:3: contamination\.rules"):
        parsed(tmp_path, text.replace("13-gram", "13-grams"))
    with pytest.raises(TamisError, match=r"contamination\.coverage: "):
        parsed(tmp_path, f"{text}  coverage: 0.4\n")


def test_extends_takes_what_is_not_given(tmp_path: Path) -> None:
    base = parsed(tmp_path, "description: base\nsources: {dolly: , gsm8k: }\nduplicates: {near: 0.9}\n", "base")
    child = parsed(tmp_path, "extends: base\nduplicates: {exact: false, near: null}\n")
    assert child.sources == base.sources
    assert (child.duplicates.exact, child.duplicates.near) == (False, None)
    assert child.description == "", "a description is of its own recipe"
    with pytest.raises(TamisError, match=r"grandchild\.yaml:1: extends: 'mine' itself extends a recipe"):
        parsed(tmp_path, "extends: mine\n", "grandchild")


@pytest.mark.parametrize(
    ("base", "line", "said"),
    [
        ("sources:\n  dolly:\n  gsm8: {}\n", 3, r"sources\.gsm8: there is no such source"),
        ("sources: {gsm8k: }\nlicence:\n  unknown: maybe\n", 3, r"licence\.unknown: "),
        ("sources: {gsm8k: }\nduplicates:\n  near: 0.5\n", 3, r"duplicates\.near: 0\.5 is below the pair floor"),
        ("sources: {gsm8k: }\n\nrulez: []\n", 3, r"rulez: is not a key here"),
        ("- gsm8k\n", 1, r"the file: .*mapping"),
    ],
)
def test_an_error_in_what_is_taken_over_names_the_file_that_has_it(
    tmp_path: Path, base: str, line: int, said: str
) -> None:
    (tmp_path / "base.yaml").write_text(base, encoding="utf-8")
    with pytest.raises(TamisError, match=rf"base\.yaml:{line}: {said}"):
        parsed(tmp_path, "# a child\n\n\n\nextends: base\n")


def test_the_hash_is_of_what_is_said(tmp_path: Path) -> None:
    text = "sources: {gsm8k: {limit: 5}, dolly: }\nduplicates: {near: 0.8}\n"
    hash_ = parsed(tmp_path, text).hash
    assert parsed(tmp_path, f"# a comment\ndescription: new words\n{text}\n\n").hash == hash_
    assert parsed(tmp_path, "duplicates:\n  near: 0.80\nsources:\n  gsm8k:\n    limit: 5\n  dolly:\n").hash == hash_
    assert parsed(tmp_path, f"{text}licence: {{unknown: keep}}\n").hash == hash_, "a default that is spelt out"
    others = [
        text.replace("0.8", "0.9"),
        text.replace("limit: 5", "limit: 6"),
        "sources: {dolly: , gsm8k: {limit: 5}}\nduplicates: {near: 0.8}\n",
        f"{text}licence: {{exclude: [mit]}}\n",
        f"{text}training: {{sft: {{}}}}\n",
    ]
    hashes = {parsed(tmp_path, other).hash for other in others}
    assert len(hashes | {hash_}) == len(others) + 1, "the order of sources is their priority"


def test_an_unreadable_recipe_stays_with_its_error(tmp_path: Path) -> None:
    parsed(tmp_path, "sources: {gsm8k: }\n", "good")
    (tmp_path / "broken.yaml").write_text("sources: {gsm8k: }\nrulez: []\n", encoding="utf-8")
    (tmp_path / "child.yaml").write_text("extends: broken\n", encoding="utf-8")
    found = read_all(LAKE, KNOWN, tmp_path)
    assert names(tmp_path) == list(found) == ["broken", "child", "good"]
    assert isinstance(found["good"], Recipe)
    for name in ("broken", "child"):
        unreadable = found[name]
        assert isinstance(unreadable, Unreadable)
        assert unreadable.error.where.endswith("broken.yaml:2")


def test_the_projects_own_recipes_can_be_read() -> None:
    found = recipes_now()
    assert {"default", "raw"} <= set(found)
    default, raw = found["default"], found["raw"]
    assert isinstance(default, Recipe), default
    assert isinstance(raw, Recipe), raw
    assert raw.sources == default.sources, "what they are compared on"
    assert raw.licence == default.licence
    assert (raw.rules, raw.duplicates.exact, raw.duplicates.near) == ([], False, None)
    assert set(default.sources) <= set(sources())


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("pair_flor: 0.7\n", 1, r"pair_flor: is not a key here\. Known keys: pair_floor"),
        ("\npair_floor: 0\n", 2, r"pair_floor: .*greater than 0"),
        ("pair_floor: '0.7'\n", 1, r"pair_floor: .*It is '0\.7' now"),
        ("pair_floor: true\n", 1, r"pair_floor: .*It is True now"),
        ("shares:\n  train: 80\n", 1, r"shares: .*add up to 90, not to 100"),
        ("shares: {train: 95, validation: 5, test: no}\n", 1, r"shares\.test: .*It is 'no' now"),
        ("ties:\n  response_words: 2.5\n", 2, r"ties\.response_words: .*integer"),
        ("ties: {prompt: 0.8}\nties: {}\n", 2, "ties: stands there twice"),
        ("rejects_at_most: 20\n", 1, r"rejects_at_most: .*less than or equal to 1"),
        ("0.7\n", 1, r"the file: .*mapping"),
    ],
)
def test_every_error_in_lake_yaml_names_line_and_key(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = tmp_path / "lake.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TamisError, match=rf"lake\.yaml:{line}: .*{said}"):
        lake_settings(path)


def test_the_projects_own_lake_yaml_spells_out_the_defaults() -> None:
    assert lake_settings() == LakeSettings()


def test_a_recipe_may_take_all_sources(tmp_path: Path) -> None:
    parsed(tmp_path, "sources: all\n")
    (tmp_path / "some.yaml").write_text("sources: {gsm8k: null}\n")
    (taking,) = [name for name in names(tmp_path) if name != "some"]
    assert list(read(taking, LAKE, KNOWN, tmp_path).sources) == list(KNOWN)
    assert how_taken("new", tmp_path) == [
        f"{taking}: takes it (sources: all)",
        f"{tmp_path / 'some.yaml'}: add `new:` under sources, at its place in the order of priority",
    ]
