import pytest

from pipelines.licences import described, forbidding, strictest, terms
from pipelines.recipe import LicencePolicy
from pipelines.sources import sources


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ("mit", ("attribution",)),
        ("Apache-2.0", ("attribution",)),
        ("cc0-1.0", ()),
        ("GPL-3.0-or-later", ("share-alike", "attribution")),
        ("cc-by-nc-sa-4.0", ("non-commercial", "share-alike", "attribution")),
        ("cc-by-nd-4.0", ("no derivatives", "attribution")),
        ("llama3.1", ("conditions of use", "attribution")),
        ("other", ("unknown",)),
        ("unknown", ("unknown",)),
        ("", ("unknown",)),
        (None, ("unknown",)),
        ("cc-by-4.0-international", ("unknown",)),
        ("mit AND cc-by-nc-4.0", ("non-commercial", "attribution")),
        ("mit AND other", ("unknown", "attribution")),
        ("cc-by-nc-4.0 AND other", ("unknown", "non-commercial", "attribution")),
        ("gpl-3.0 OR mit", ("attribution",)),
        ("other OR mit", ("attribution",)),
        ("(mit OR other) AND cc-by-4.0", ("unknown",)),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ("unknown",)),
    ],
)
def test_a_licence_asks_for_what_its_table_says(stated: str | None, words: tuple[str, ...]) -> None:
    assert terms(stated).words == words


def test_what_is_unknown_is_never_permissive() -> None:
    for stated in ("other", None, "mit AND other", "my-licence"):
        assert terms(stated).strictness > terms("cc-by-nc-nd-4.0").strictness
        assert LicencePolicy(use="commercial").against(stated) is not None
        assert LicencePolicy(use="commercial", unknown="keep").against(stated) is None


def test_the_strictest_of_several_is_the_one_that_permits_least() -> None:
    assert strictest(["mit", "cc-by-sa-3.0", "cc0-1.0"]) == "cc-by-sa-3.0"
    assert strictest(["mit", "cc-by-nc-4.0", "cc-by-sa-4.0"]) == "cc-by-nc-4.0"
    assert strictest(["mit", None, "cc-by-nc-4.0"]) is None
    assert described("cc-by-nc-4.0") == "cc-by-nc-4.0 (non-commercial, attribution)"
    assert (described(None), described("cc0-1.0")) == ("none stated", "cc0-1.0")


def test_a_policy_names_what_it_drops_and_why() -> None:
    policy = LicencePolicy(share_alike="drop", no_derivatives="drop", conditions="drop", exclude=["odc-by"])
    assert policy.against("cc-by-sa-4.0") == "cc-by-sa-4.0 (share-alike)"
    assert policy.against("cc-by-nd-4.0") == "cc-by-nd-4.0 (no derivatives)"
    assert policy.against("gemma") == "gemma (conditions of use)"
    assert policy.against("odc-by") == "odc-by"
    assert policy.against("cc-by-nc-4.0") is policy.against(None) is None
    assert LicencePolicy(use="commercial", unknown="drop") == LicencePolicy(use="commercial")


def test_models_bind_by_the_terms_of_their_makers() -> None:
    assert forbidding(["text-davinci-003", "DeepSeek-R1", "Claude Opus"]) == (
        "text-davinci-003 (OpenAI)",
        "Claude Opus (Anthropic)",
    )
    assert forbidding(["Qwen2.5-72B", "Mixtral-8x7B"]) == ()


def test_every_licence_of_the_catalogue_is_in_the_table_or_known_to_be_unknown() -> None:
    stated = {source.license for source in sources().values()}
    assert {licence for licence in stated if not terms(licence).known} <= {None, "other"}
    assert forbidding(sources()["alpaca"].made_with) == ("text-davinci-003 (OpenAI)",)
    flash = {read.config: forbidding(read.made_with) for read in sources()["dolphin_r1"].reads}
    assert flash["reasoning-flash"] and not flash["reasoning-deepseek"]
