"""What the documentation shows works as it is written."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from stepeval.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[str, str]]:
    """Page name and content of every fenced block in this language."""
    return [
        (page.name, content)
        for page in PAGES
        for found, content in BLOCK.findall(page.read_text("utf-8"))
        if found == language
    ]


@pytest.fixture(scope="module")
def folder_with_a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    demo = [sys.executable, "-m", "stepeval", "demo", "--limit", "2"]
    subprocess.run(demo, cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


def python_pages() -> list[str]:
    return list(dict.fromkeys(page for page, _ in blocks("python")))


@pytest.mark.parametrize("page", python_pages())
def test_the_python_of_a_page_runs_from_top_to_bottom(page: str, folder_with_a_run: Path) -> None:
    code = "\n".join(content for found, content in blocks("python") if found == page)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder_with_a_run,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{page}: {done.stderr}"


def commands() -> list[tuple[str, str]]:
    return [
        (page, line)
        for page, block in blocks("sh")
        for line in block.splitlines()
        if line.startswith("stepeval ")
    ]


@pytest.mark.parametrize(("page", "line"), commands())
def test_shell_lines_are_commands_and_options_that_exist(page: str, line: str) -> None:
    words = shlex.split(line.partition(">")[0], comments=True)[1:]
    if words[:1] == ["--help"]:
        return
    name, command, rest = cli.resolve_command(click.Context(cli), words)
    assert command is not None, page
    command.make_context(name, rest, resilient_parsing=False).close()


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_first_line_of_the_readme_is_one_line() -> None:
    """It is what a newcomer pastes; CI runs the very same one."""
    for mark in ("first-line", "second-line"):
        text = (ROOT / "README.md").read_text("utf-8").partition(f"<!-- {mark} -->\n")[2]
        language, content = BLOCK.findall(text)[0]
        assert language == "sh"
        assert len(content.splitlines()) == 1


def test_no_file_names_a_package_host_or_a_machines_path() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    host = re.compile(
        r"pypi[.]org/simple|registry[.]npmjs|--index-url [h]ttp|/root/[.]|/opt/[p]ypi"
    )
    for name in listed:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".lock", ".yaml", ".yml", ""} and path.is_file():
            assert not host.search(path.read_text("utf-8", "replace")), name
