import subprocess
from pathlib import Path

import pytest

from stepeval.api.provenance import describe_run
from stepeval.core.record import Mode, RunInfo


def git(folder: Path, *arguments: str) -> None:
    person = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", *person, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "s.yaml").write_text("one")
    git(tmp_path, "add", "s.yaml")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def described(folder: Path) -> RunInfo:
    return describe_run(
        "id",
        created_at=0.0,
        suite_name="s",
        suite_hash="h",
        mode=Mode.LIVE,
        command="stepeval run",
        beside=folder / "s.yaml",
    )


def test_a_run_knows_its_commit_and_whether_files_had_changed(checkout: Path) -> None:
    clean = described(checkout)
    assert clean.git_commit is not None
    assert len(clean.git_commit) == 40
    assert clean.git_dirty is False
    (checkout / "new").touch()
    assert described(checkout).git_dirty is False  # what is not tracked is no change
    (checkout / "s.yaml").write_text("other")
    assert described(checkout).git_dirty is True


def test_outside_a_checkout_nothing_is_known(tmp_path: Path) -> None:
    info = described(tmp_path)
    assert (info.git_commit, info.git_dirty) == (None, None)


@pytest.mark.parametrize("setting", ["core.fsmonitor", "filter.x.clean"])
def test_a_strangers_checkout_starts_no_program(checkout: Path, setting: str) -> None:
    """Git runs what a checkout's own configuration names; a run must not ask it to."""
    planted = checkout / "planted"
    git(checkout, "config", setting, f"touch {planted}; cat")
    (checkout / ".gitattributes").write_text("* filter=x\n")
    (checkout / "s.yaml").write_text("other")
    info = described(checkout)
    assert info.git_commit is not None
    assert info.git_dirty is True
    assert not planted.exists()


def test_a_planted_repository_that_lacks_objects_fetches_nothing(tmp_path: Path) -> None:
    """Ordinary files can look like a bare repository whose remote is a program."""
    planted = tmp_path / "planted"
    for folder in ("objects", "refs/heads"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "HEAD").write_text("ref: refs/heads/main")
    (tmp_path / "refs/heads/main").write_text("1" * 40)
    (tmp_path / "config").write_text(
        "[core]\nrepositoryformatversion = 1\nbare = false\nworktree = .\n"
        "[extensions]\npartialclone = o\n"
        f'[remote "o"]\npromisor = true\nurl = .\nuploadpack = "touch {planted};"\n'
    )
    (tmp_path / "s.yaml").write_text("x")
    described(tmp_path)
    assert not planted.exists()
