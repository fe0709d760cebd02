"""A suite reads files of its own folder and nothing else."""

import os
from pathlib import Path

import pytest
from suite_files import load_text, mistakes

from stepeval.suite import folder as folder_module
from stepeval.suite.folder import PathRefused, read_inside

HEAD = "stepeval: 1\nname: x\ndefaults: {model: m}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside.txt").write_text("secret")
    root = tmp_path / "suite"
    (root / "data").mkdir(parents=True)
    (root / "data" / "a.txt").write_text("fine")
    (root / "out").symlink_to(tmp_path / "outside.txt")
    (root / "up").symlink_to(tmp_path)
    (root / "alias.txt").symlink_to("data/a.txt")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    return root


@pytest.mark.parametrize("name", ["data/a.txt", "./data/a.txt", "data//a.txt", "alias.txt"])
def test_files_inside_are_read(name: str, root: Path) -> None:
    assert read_inside(root, name, 100) == b"fine"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("../outside.txt", "leads out of the suite's folder"),
        ("data/../../outside.txt", "leads out of the suite's folder"),
        ("..\\outside.txt", "leads out of the suite's folder"),
        ("/etc/passwd", "is not relative to the suite's folder"),
        ("~/x", "is not relative to the suite's folder"),
        ("C:\\x", "holds a backslash"),
        ("file:///etc/passwd", "is an address"),
        ("http://169.254.169.254/latest", "is an address"),
        ("CON", "device's name"),
        ("data/nul.txt", "device's name"),
        ("a\x00b", "is not a file name"),
        ("", "is not a file name"),
        ("x" * 300, "a path of 300 characters is too long"),
        ("out", "leads out of the suite's folder through a link"),
        ("up/outside.txt", "leads out of the suite's folder through a link"),
        ("loop", "not a path that can be followed"),
        ("data", "is not a regular file"),
        ("pipe", "is not a regular file"),
        ("nothing.txt", "there is no file 'nothing.txt'"),
    ],
)
def test_everything_else_is_refused_in_one_sentence(name: str, sentence: str, root: Path) -> None:
    with pytest.raises(PathRefused) as caught:
        read_inside(root, name, 100)
    assert sentence in str(caught.value)


def test_a_link_put_there_after_the_check_is_not_followed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = folder_module.inside

    def swapped(top: Path, name: str) -> Path:
        path = real(top, name)
        path.unlink()
        path.symlink_to(root.parent / "outside.txt")
        return path

    monkeypatch.setattr(folder_module, "inside", swapped)
    with pytest.raises(PathRefused, match="cannot read"):
        read_inside(root, "data/a.txt", 100)


def test_large_files_are_refused(root: Path) -> None:
    (root / "big").write_bytes(b"x" * 2_000_001)
    with pytest.raises(PathRefused, match="'big' is larger than 2 MB"):
        read_inside(root, "big", 2_000_000)


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ("dataset: {file: ../x.jsonl}", "4:17"),
        ("dataset: [{input: a}]\nprompts: [{id: p, file: ../x.jsonl}]", "5:25"),
        ("dataset: [{input: a}]\nscoring: [./../x.py:f]", "5:11"),
    ],
)
def test_every_path_of_a_suite_goes_through_the_check(
    section: str, place: str, tmp_path: Path
) -> None:
    (tmp_path / "x.jsonl").write_text('{"input": "x"}')
    (tmp_path / "x.py").write_text("f = 1")
    (line,) = mistakes(tmp_path / "suite", f"{HEAD}{section}\n")
    assert line.startswith(f"x.yaml:{place}: ")
    assert line.endswith("leads out of the suite's folder")


def test_a_scorer_file_is_looked_for_but_never_run(tmp_path: Path) -> None:
    code = "open('ran', 'w')\nraise SystemExit\n"
    text = HEAD + "dataset: [{input: a}]\nscoring: [{scorer: ./s.py:judge, depth: 3}]\n"
    (rule,) = load_text(tmp_path, text, {"s.py": code}).suite.scoring
    assert (rule.id, rule.scorer, dict(rule.options)) == ("judge", "./s.py:judge", {"depth": 3})
    assert not (tmp_path / "ran").exists()
