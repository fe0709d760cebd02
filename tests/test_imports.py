"""Commands start fast because they import only what they need."""

import subprocess
import sys

import pytest

import stepeval


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["rum"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"from stepeval.cli.main import _run\n_run({arguments!r})"
    heavy = {"pandas", "numpy", "pydantic", "asyncio", "httpx", "matplotlib", "rich", "yaml"}
    assert not heavy & modules_after(code)


def test_importing_the_package_imports_nothing_but_itself() -> None:
    assert not {"httpx", "click", "dataclasses", "json"} & modules_after("import stepeval")


def test_a_run_needs_neither_pandas_nor_matplotlib_nor_scipy() -> None:
    """Pandas and matplotlib cost more to import than a short run takes."""
    heavy = {"pandas", "matplotlib", "scipy", "numpy", "jsonschema"}
    assert not heavy & modules_after("import stepeval.api.run, stepeval.cli.run")


def test_every_public_name_resolves() -> None:
    for name in stepeval.__all__:
        assert getattr(stepeval, name) is not None


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="lode_run"):
        _ = stepeval.lode_run
