import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from pipelines.errors import TamisError
from pipelines.training.folder import appearing
from pipelines.workspace import ROOT


def contents(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.name.endswith(".lock"))


def test_a_folder_appears_when_all_is_written(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "result"
    for text in ("first", "second"):
        with appearing(out) as folder:
            assert not list(folder.iterdir())
            (folder / text).write_text(text)
            assert not (out / text).exists()
        assert contents(out.parent) == ["result", f"result/{text}"]


def test_what_was_there_stays_when_the_block_fails(tmp_path: Path) -> None:
    out = tmp_path / "result"
    with appearing(out) as folder:
        (folder / "good").touch()
    with pytest.raises(SystemExit), appearing(out) as folder:
        (folder / "half").touch()
        raise SystemExit(130)
    assert contents(tmp_path) == ["result", "result/good"]


def test_what_a_killed_process_left_is_put_right(tmp_path: Path) -> None:
    out = tmp_path / "result"
    (tmp_path / ".result.partial").mkdir()
    (tmp_path / ".result.partial" / "half").touch()
    (tmp_path / ".result.old").mkdir()  # killed between the two renames: this was the good one
    (tmp_path / ".result.old" / "good").touch()
    with pytest.raises(KeyError), appearing(out):
        raise KeyError
    assert contents(tmp_path) == ["result", "result/good"]


def test_one_process_at_a_time_writes(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from pipelines.training.folder import appearing\n"
        "with appearing(Path(sys.argv[1])): print('in', flush=True); sys.stdin.read()"
    )
    out = tmp_path / "result"
    arguments = [sys.executable, "-c", script, str(out)]
    with subprocess.Popen(arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        with pytest.raises(TamisError, match=r"result: another process is writing here"), appearing(out):
            pass
        other.kill()
    with appearing(out) as folder:
        (folder / "good").touch()
    assert contents(out) == ["good"]


def fill_text(folder: Path) -> None:
    (folder / "text").write_text("x" * 10_000)


def fill_parquet(folder: Path) -> None:
    pl.DataFrame({"n": range(10_000)}).write_parquet(folder / "rows.parquet", compression="uncompressed")


def fill_weights(folder: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"w": np.zeros(10_000)}, folder / "model.safetensors")


@pytest.mark.parametrize("fill", [fill_text, fill_parquet, fill_weights])
def test_a_full_disk_is_said_and_leaves_what_was_there(tmp_path: Path, small_files: None, fill: object) -> None:
    out = tmp_path / "result"
    with appearing(out) as folder:
        (folder / "good").touch()
    with pytest.raises(TamisError, match=r"result: no space is left on this disk. Free some"), appearing(out) as folder:
        fill(folder)  # type: ignore[operator]
    assert contents(tmp_path) == ["result", "result/good"]


def test_other_errors_pass_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), appearing(tmp_path / "result"):
        (tmp_path / "nowhere").read_text()
