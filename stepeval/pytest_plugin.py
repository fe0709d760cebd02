"""Suites as pytest items: ``*.stepeval.yaml``, and all suites below the ini's ``stepeval_suites``.

Nothing of stepeval is imported before a suite is collected.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from stepeval.api.suite_tests import Check, SuiteTest, SuiteTests, Tested

_ENDINGS = (".stepeval.yaml", ".stepeval.yml")
_BEGINS = re.compile(rb"^stepeval[ \t]*:", re.MULTILINE)
_HEAD = 65_536
_SHARED = "stepeval_shared"
_PROPERTY = "stepeval"  # of a test, and in JUnit XML: who answered
_MOST_ANNOTATIONS = 10  # of a step: GitHub drops what is more


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("stepeval", "stepeval: suites of prompts as tests")
    group.addoption(
        "--stepeval",
        choices=("replay", "record", "live"),
        default="replay",
        help="Where suites get their answers: their cassette [default], the API into the cassette, "
        "or the API. The last two may cost money.",
    )
    group.addoption(
        "--stepeval-simulate",
        action="store_true",
        help="With record or live: the embedded simulator answers, for nothing.",
    )
    group.addoption(
        "--allow-scorer-code", action="store_true", help="Run the suites' Python scorers."
    )
    parser.addini("stepeval_suites", "Folders whose suites are tests.", type="paths", default=[])


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_STATE] = _State(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    state = config.stash.get(_STATE, None)
    if state is not None:
        state.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Of pytest-xdist: its workers share one folder, so that each suite is run by one of them."""
    node.workerinput[_SHARED] = str(node.config.stash[_STATE].shared)


def pytest_report_header(config: pytest.Config) -> str | None:
    way = config.getoption("--stepeval")
    if way == "replay":
        return None
    asked = "the embedded simulator" if config.getoption("--stepeval-simulate") else "the API"
    return f"stepeval: {way}, answers come from {asked}"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "SuiteFile | None":
    if not _is_suite(file_path, parent.config):
        return None
    file: SuiteFile = SuiteFile.from_parent(parent, path=file_path)
    return file


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was not deselected is what a live run asks."""
    for item in session.items:
        if isinstance(item, SuiteItem):
            item.file.chosen.append(item.test)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """In a job of GitHub Actions each failure is shown at its line, as far as GitHub shows any."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    stats = terminalreporter.stats
    bad = [
        report
        for report in (*stats.get("failed", ()), *stats.get("error", ()))
        if any(name == _PROPERTY for name, _ in getattr(report, "user_properties", ()))
    ]
    for report in bad[:_MOST_ANNOTATIONS]:
        from stepeval.api.publishing import annotate_test

        file, line, title = report.location
        at = None if line is None else line + 1
        terminalreporter.ensure_newline()
        terminalreporter.write_line(
            annotate_test(report.longreprtext, title=title, file=file, line=at)
        )


def _is_suite(path: Path, config: pytest.Config) -> bool:
    if path.name.endswith(_ENDINGS):
        return True
    if path.suffix not in {".yaml", ".yml"}:
        return False
    if not any(path.is_relative_to(folder) for folder in config.getini("stepeval_suites")):
        return False
    with path.open("rb") as file:
        return _BEGINS.search(file.read(_HEAD)) is not None


class _State:
    """Of one process of a session of tests."""

    def __init__(self, config: pytest.Config) -> None:
        given: dict[str, str] = getattr(config, "workerinput", {})
        self._given = given.get(_SHARED)
        self._own: Path | None = None
        self.tested: dict[Path, Tested] = {}

    @property
    def shared(self) -> Path:
        if self._given is not None:
            return Path(self._given)
        if self._own is None:
            self._own = Path(tempfile.mkdtemp(prefix="stepeval-"))
        return self._own

    def close(self) -> None:
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)


_STATE = pytest.StashKey[_State]()


class SuiteFile(pytest.File):
    """A suite. ``chosen`` are its tests that were not deselected."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(**rest)
        self.chosen: list[SuiteTest] = []
        self.tests: SuiteTests | None = None

    def collect(self) -> "Iterator[SuiteItem | NoCassette]":
        from stepeval.api.suite_tests import read_tests
        from stepeval.core.errors import StepevalError
        from stepeval.core.printable import plain

        try:
            self.tests = read_tests(_shown(self.path, self.config))
        except StepevalError as error:
            raise self.CollectError(plain(str(error))) from None
        if self.config.getoption("--stepeval") == "replay" and not self.tests.cassette.is_file():
            yield NoCassette.from_parent(self, name="cassette")
            return
        for test in self.tests.tests:
            yield SuiteItem.from_parent(self, name=plain(test.name), test=test)

    def tested(self) -> "Tested":
        """The suite's run, begun when its first test asks for it."""
        from stepeval.api.suite_tests import Request, Way, tested

        state = self.config.stash[_STATE]
        if self.path not in state.tested:
            assert self.tests is not None
            way = Way(self.config.getoption("--stepeval"))
            arms, samples = self._needed() if way is Way.LIVE else ((), ())
            state.tested[self.path] = tested(
                Request(
                    tests=self.tests,
                    way=way,
                    simulate=self.config.getoption("--stepeval-simulate"),
                    allow_code=self.config.getoption("--allow-scorer-code"),
                    shared=state.shared,
                    root=self.config.rootpath,
                    arms=arms,
                    samples=samples,
                )
            )
        return state.tested[self.path]

    def _needed(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Arms and samples of the chosen tests; a test of a whole arm needs all samples."""
        arms = tuple(dict.fromkeys(test.arm for test in self.chosen))
        samples = tuple(dict.fromkeys(test.sample for test in self.chosen))
        named = tuple(sample for sample in samples if sample is not None)
        return arms, named if len(named) == len(samples) else ()


class SuiteItem(pytest.Item):
    """One assertion about a run that is made once for all of them."""

    def __init__(self, *, test: "SuiteTest", **rest: Any) -> None:
        super().__init__(**rest)
        self.test = test

    @property
    def file(self) -> SuiteFile:
        assert isinstance(self.parent, SuiteFile)
        return self.parent

    def setup(self) -> None:
        """Where there is no answer, there is nothing to assert: an error, not a failure."""
        from stepeval.api.suite_tests import Ending

        tested = self.file.tested()
        self.user_properties.append((_PROPERTY, tested.mode))
        check = self._check(tested)
        if check is None:
            _unmet(tested.trouble or "the run has no such test")
        if check.ending is Ending.ERROR:
            _unmet(_told(check, tested.trouble))

    def runtest(self) -> None:
        from stepeval.api.suite_tests import Ending

        check = self._check(self.file.tested())
        assert check is not None
        if check.ending is Ending.KNOWN:
            pytest.xfail(check.sentence)
        if check.ending is Ending.FAILED:
            _unmet(_told(check, None))

    def _check(self, tested: "Tested") -> "Check | None":
        return tested.checks.get((self.test.kind, self.test.arm, self.test.sample))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        line = self.test.line
        return self.path, None if line is None else line - 1, self.name


class NoCassette(pytest.Item):
    """Stands for all tests of a suite that was never recorded: one failure, not hundreds."""

    def runtest(self) -> None:
        self.user_properties.append((_PROPERTY, "no cassette"))
        assert isinstance(self.parent, SuiteFile)
        assert self.parent.tests is not None
        _unmet(
            f"{self.parent.tests.path}: there is no {self.parent.tests.cassette} to replay; record "
            "one with --stepeval=record (asks the API), or with --stepeval=record "
            "--stepeval-simulate (asks the simulator)"
        )

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, 0, self.name


def _unmet(message: str) -> NoReturn:
    """All that a reader needs: no traceback leads to the answer of a model."""
    from stepeval.core.printable import plain

    pytest.fail(plain(message), pytrace=False)


def _told(check: "Check", trouble: str | None) -> str:
    from stepeval.api.suite_tests import whole

    return whole(check) if trouble is None else f"{whole(check)}\n  {trouble}"


def _shown(path: Path, config: pytest.Config) -> Path:
    """As the user would type it, where the suite lies below the folder they stand in."""
    try:
        return Path(os.path.relpath(path, config.invocation_params.dir))
    except ValueError:
        return path
