from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.core.errors import RunNotFound
from stepeval.core.record import Mode, RunInfo
from stepeval.core.task import Suite
from stepeval.store.run import create_run
from stepeval.store.runs import RunsFolder, slug

SUITE = Suite("s", (), (), (), ())
HOSTILE = [
    "../../x",
    "CON",
    "a\0b",
    "x" * 300,
    "",
    ".",
    "/",
    "x/../../y",
    "-rf",
    "\u202elatest",
    "*",
]


def make(root: Path, run_id: str, created_at: float) -> None:
    info = RunInfo(run_id, "s", "h", Mode.LIVE, created_at, "h", {}, "c")
    create_run(root, info, SUITE).close()


@pytest.fixture
def folder(tmp_path: Path) -> RunsFolder:
    for n, run_id in enumerate(("20260101-000000-tiers-00aa", "20260101-000000-tiers-00ab")):
        make(tmp_path, run_id, 100.0 - n)
    make(tmp_path, "20260202-000000-maths-0000", 50.0)
    return RunsFolder(tmp_path)


def test_a_run_is_found_by_id_unique_beginning_latest_and_path(folder: RunsFolder) -> None:
    maths = folder.root / "20260202-000000-maths-0000"
    for name in ("20260202-000000-maths-0000", "202602", str(maths), str(maths / "run.db")):
        assert folder.find(name) == maths
    assert folder.find("latest").name == "20260101-000000-tiers-00aa"


def test_an_ambiguous_beginning_names_the_runs(folder: RunsFolder) -> None:
    with pytest.raises(RunNotFound, match=r"2 runs begin with '20260101': .*00a[ab], .*say more"):
        folder.find("20260101")


def test_a_misspelt_run_is_told_the_nearest(folder: RunsFolder) -> None:
    with pytest.raises(RunNotFound, match="did you mean '20260202-000000-maths-0000'"):
        folder.find("20260202-000000-math-0000")
    with pytest.raises(RunNotFound, match="did you mean 'latest'"):
        folder.find("lastest")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_with_one_sentence(folder: RunsFolder, name: str) -> None:
    for refuse in (folder.path, folder.find):
        with pytest.raises(RunNotFound) as refusal:
            refuse(name)
        assert len(str(refusal.value).splitlines()) == 1
        assert "\0" not in str(refusal.value)


def test_a_link_out_of_the_folder_is_refused(folder: RunsFolder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    make(outside, "20260303-000000-other-0000", 900.0)
    whole = folder.root / "20260303-000000-whole-0000"
    whole.symlink_to(outside / "20260303-000000-other-0000")
    inner = folder.root / "20260303-000000-inner-0000"
    inner.mkdir()
    (inner / "run.db").symlink_to(outside / "20260303-000000-other-0000" / "run.db")
    for run in (whole, inner):
        with pytest.raises(RunNotFound, match="a link to a place outside"):
            folder.find(run.name)
    assert folder.find("latest").name == "20260101-000000-tiers-00aa"


def test_the_list_is_newest_first_and_a_broken_run_does_not_break_it(folder: RunsFolder) -> None:
    broken = folder.root / "20260404-000000-broken-0000"
    broken.mkdir()
    (broken / "run.db").write_text("nonsense")
    (folder.root / "20261399-000000-nodate-0000").mkdir()
    (folder.root / "notes.txt").write_text("not a run")
    listed = folder.list()
    assert [run.id for run in listed] == [
        "20260404-000000-broken-0000",
        "20260101-000000-tiers-00aa",
        "20260101-000000-tiers-00ab",
        "20260202-000000-maths-0000",
        "20261399-000000-nodate-0000",
    ]
    assert "not a database" in (listed[0].problem or "")
    assert listed[1].info is not None
    assert listed[1].status is not None


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    folder = RunsFolder(tmp_path / "none")
    assert folder.list() == []
    for name in ("latest", "x"):
        with pytest.raises(RunNotFound, match="no run is stored in"):
            folder.find(name)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=80), st.floats(0, 4e9))
def test_every_suite_name_makes_an_id_that_is_one(name: str, created_at: float) -> None:
    folder = RunsFolder(Path("/nowhere"))
    run_id = folder.new_id(name, created_at)
    assert folder.path(run_id).name == run_id
    assert slug(name) in run_id
