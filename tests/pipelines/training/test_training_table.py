from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import TamisError
from pipelines.exports import ids_of
from pipelines.lots import by_lot
from pipelines.training import rows as rows_module
from pipelines.training.loading import load_tokenizer
from pipelines.training.settings import Run
from pipelines.training.table import training_table


@pytest.fixture(scope="module")
def tokenizer(tiny: Path) -> Any:
    return load_tokenizer(str(tiny))


def small(**changes: Any) -> Run:
    return Run.model_validate({"tokens": 1_000, "max_tokens": 128, "batch_tokens": 128} | changes)


def all_ids(exports: list[Path]) -> list[str]:
    return [i for path in exports for i in pl.read_parquet(ids_of(path))["id"]]


def test_rows_are_taken_by_lot_until_the_budget_is_full(corpus: Any, tokenizer: Any) -> None:
    exports = corpus.exports()
    table = training_table(exports, tokenizer, small())
    drawn = by_lot(pl.DataFrame({"id": all_ids(exports)}), "train 0")["id"]
    assert table.looked_at["id"].to_list() == drawn.head(len(table.looked_at)).to_list()
    loss = table.rows["n_loss_tokens"]
    assert loss.sum() >= 1_000 > loss.sum() - loss[-1]
    said = table.summary
    assert said.rows == len(drawn) == said.used + said.too_long + said.unfit + said.not_reached
    for ids, labels, n, carrying in table.rows.drop("id").iter_rows():
        assert len(ids) == len(labels) == n
        assert [label for label in labels if label != -100] == labels[n - carrying :] == ids[n - carrying :]


def test_the_order_of_files_and_rows_does_not_matter(corpus: Any, tokenizer: Any, tmp_path: Path) -> None:
    exports = corpus.exports()
    shuffled = []
    for path in reversed(exports):
        new = tmp_path / "corpus" / path.parent.name / path.name
        for old, to in ((path, new), (ids_of(path), ids_of(new))):
            to.parent.mkdir(parents=True, exist_ok=True)
            pl.read_parquet(old).reverse().write_parquet(to)
        shuffled.append(new)
    assert training_table(exports, tokenizer, small()).rows.equals(training_table(shuffled, tokenizer, small()).rows)


def test_corpora_that_share_rows_take_them_in_the_same_order(corpus: Any, tokenizer: Any) -> None:
    run = small(tokens=100_000)
    tables = {name: training_table(corpus.exports(name), tokenizer, run).rows for name in ("default", "raw")}
    assert tables["default"].height < tables["raw"].height
    shared = tables["raw"].filter(pl.col("id").is_in(tables["default"]["id"].implode()))
    assert shared.equals(tables["default"])


def test_more_text_than_one_go_takes_is_read_in_several(
    corpus: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = training_table(corpus.exports(), tokenizer, small(tokens=2_000))
    monkeypatch.setattr(rows_module, "_BATCH", 7)
    monkeypatch.setattr("pipelines.training.table._AT_LEAST", 1)
    monkeypatch.setattr("pipelines.training.table._BYTES_PER_TOKEN", 1)
    assert training_table(corpus.exports(), tokenizer, small(tokens=2_000)).rows.equals(whole.rows)


def test_long_rows_are_counted_and_never_cut(corpus: Any, tokenizer: Any) -> None:
    free = training_table(corpus.exports(), tokenizer, small(tokens=100_000))
    longest = int(free.rows["n_tokens"].to_numpy().max())
    table = training_table(corpus.exports(), tokenizer, small(tokens=100_000, max_tokens=longest - 1))
    gone = free.rows.filter(pl.col("n_tokens") == longest)["id"].sort()
    left_out = table.looked_at.filter(pl.col("reason").is_not_null())
    assert left_out["id"].sort().to_list() == gone.to_list()
    assert set(left_out["n_tokens"]) == {longest}
    assert table.summary.too_long == len(gone)
    with pytest.raises(TamisError, match=r"none of the .* rows can be trained on.*Raise max_tokens"):
        training_table(corpus.exports(), tokenizer, small(max_tokens=3))


def test_an_export_that_is_gone_is_named_with_the_cure(corpus: Any, tokenizer: Any, tmp_path: Path) -> None:
    with pytest.raises(TamisError, match=r"train.parquet: this export is gone. Materialise the run's `training_set`"):
        training_table([tmp_path / "corpus" / "cot" / "train.parquet"], tokenizer, small())


def test_ids_that_are_not_row_aligned_are_found_out(corpus: Any, tokenizer: Any, tmp_path: Path) -> None:
    file = tmp_path / "corpus" / "cot" / "train.parquet"
    for path, source in ((file, corpus.exports()[1]), (ids_of(file), ids_of(corpus.exports()[1]))):
        path.parent.mkdir(parents=True)
        pl.read_parquet(source).write_parquet(path)
    pl.read_parquet(file).tail(-1).write_parquet(file)
    with pytest.raises(TamisError, match=r"holds 47 rows, its ids 48"):
        training_table([file], tokenizer, small())


@given(st.sets(st.text(max_size=8), max_size=40), st.data())
def test_a_lottery_draws_a_part_in_the_order_of_the_whole(ids: set[str], data: st.DataObject) -> None:
    part = data.draw(st.sets(st.sampled_from(sorted(ids)))) if ids else set()
    whole, few = (by_lot(pl.DataFrame({"id": sorted(i)}, schema={"id": pl.String}), "x 0")["id"] for i in (ids, part))
    assert [i for i in whole if i in part] == few.to_list()
    assert sorted(whole) == sorted(ids)


def test_lotteries_differ() -> None:
    ids = pl.DataFrame({"id": [str(n) for n in range(50)]})
    assert not by_lot(ids, "train 0").equals(by_lot(ids, "train 1"))
    assert by_lot(ids, "train 0")["id"].head(3).to_list() == ["11", "47", "38"], "stable between versions and machines"
