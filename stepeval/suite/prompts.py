"""Prompts as the suite writes them: a template, a list of messages, or a file."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stepeval.core.chat import Message, ToolCall
from stepeval.core.errors import SuiteError
from stepeval.core.task import Prompt, Sample
from stepeval.suite.findings import Findings, Place
from stepeval.suite.folder import PathRefused
from stepeval.suite.requests import render_message, sample_values
from stepeval.suite.schema import MessageEntry, PromptEntry
from stepeval.suite.sentences import report
from stepeval.suite.template import TemplateError, check, is_template
from stepeval.suite.yaml_tree import Node, place_of, plain, read_yaml

DEFAULT_PROMPT = Prompt("default", (Message("user", "{{ input }}"),))
MOST_BYTES = 4_000_000
_MOST_KINDS = 3
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB]..\\u[dD][c-fC-F]..)")
_SOURCES = ("template", "messages", "file")
_MESSAGES: TypeAdapter[list[MessageEntry]] = TypeAdapter(list[MessageEntry])

ReadFile = Callable[[str, int], tuple[str, str]]
"""(name, most bytes) -> (text, the file as the user would type it); raises PathRefused."""


@dataclass(frozen=True, slots=True)
class PlacedPrompt:
    """``text_places``: where each message's content stands, and the file's line its text begins on,
    0 where lines of the text are not lines of the file. ``sound``: its templates compile.
    """

    prompt: Prompt
    place: Place
    text_places: tuple[tuple[Place, int], ...]
    sound: bool = True

    def error_place(self, message: int, line: int | None) -> Place:
        place, first_line = self.text_places[message]
        if line is None or not first_line:
            return place
        return Place(place.file, first_line + line - 1)


def read_prompts(
    entries: Sequence[PromptEntry] | None, root: Node, findings: Findings, read_file: ReadFile
) -> dict[str, PlacedPrompt]:
    """By id; mistakes, those of the templates included, go to ``findings``.

    A suite without prompts has one that asks the input as it is.
    """
    if entries is None:
        place = root.place
        return {DEFAULT_PROMPT.id: PlacedPrompt(DEFAULT_PROMPT, place, ((place, 0),))}
    prompts: dict[str, PlacedPrompt] = {}
    for index, entry in enumerate(entries):
        node = root.get("prompts")
        assert node is not None
        here = node.elements()[index]
        if entry.id in prompts:
            line = prompts[entry.id].place.line
            sentence = f"duplicate prompt id {entry.id!r} (first on line {line})"
            findings.error(sentence, place_of(here, ("id",)))
            continue
        placed = _prompt(entry, here, findings, read_file)
        if placed:
            sound = _check_templates(placed, findings)
            prompts[entry.id] = replace(placed, sound=sound)
    return prompts


def _check_templates(placed: PlacedPrompt, findings: Findings) -> bool:
    sound = True
    for index, message in enumerate(placed.prompt.messages):
        for text in texts(message.content):
            try:
                check(text)
            except TemplateError as error:
                sound = False
                findings.error(str(error), placed.error_place(index, error.line))
    return sound


def check_rendering(
    prompts: Iterable[PlacedPrompt], samples: Sequence[Sample], findings: Findings
) -> None:
    """Renders every prompt for every sample: no request is paid for before all of them can be.

    One finding for each kind of mistake in a prompt, naming the first sample that has it.
    """
    for placed in (each for each in prompts if each.sound):
        wrong: dict[tuple[str, Place], list[str]] = {}
        for sample in samples:
            values = sample_values(sample)
            for index, message in enumerate(placed.prompt.messages):
                try:
                    render_message(message, values)
                except TemplateError as error:
                    place = placed.error_place(index, error.line)
                    wrong.setdefault((str(error), place), []).append(sample.id)
        for (sentence, place), ids in list(wrong.items())[:_MOST_KINDS]:
            others = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
            where = f"prompt {placed.prompt.id!r}, sample {ids[0]!r}{others}"
            findings.error(f"{sentence}, in {where}", place)
        if len(samples) > 1 and not any(map(is_template, _all_texts(placed.prompt))):
            sentence = f"prompt {placed.prompt.id!r} uses no value of the sample"
            findings.warning(f"{sentence}: all requests are the same", placed.place)


def _all_texts(prompt: Prompt) -> Iterator[str]:
    for message in prompt.messages:
        yield from texts(message.content)


def texts(content: Any) -> Iterator[str]:
    """Every template in a message's content."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for name, value in content.items():
            if name != "type":
                yield from texts(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from texts(value)


def _prompt(
    entry: PromptEntry, node: Node, findings: Findings, read_file: ReadFile
) -> PlacedPrompt | None:
    given = [name for name in _SOURCES if getattr(entry, name) is not None]
    if len(given) != 1:
        what = f"has {' and '.join(repr(name) for name in given)}" if given else "has no text"
        sentence = f"prompt {entry.id!r} {what}; it needs one of 'template', 'messages' or 'file'"
        findings.error(sentence, node.place)
        return None
    found: list[tuple[Message, Place, int]] = []
    if entry.system is not None:
        found.append(_text_message("system", entry.system, node.get("system") or node))
    if entry.template is not None:
        found.append(_text_message("user", entry.template, node.get("template") or node))
    elif entry.messages is not None:
        found.extend(_messages(entry.messages, node.get("messages") or node))
    else:
        assert entry.file is not None
        from_file = _from_file(entry.file, node, findings, read_file)
        if from_file is None:
            return None
        found.extend(from_file)
    messages, places, lines = zip(*found, strict=True)
    prompt = Prompt(entry.id, messages, tuple(entry.tools), entry.response_format)
    return PlacedPrompt(prompt, node.place, tuple(zip(places, lines, strict=True)))


def _one_character(pair: re.Match[str]) -> str:
    """JSON escapes what lies beyond 16 bits as a pair, which YAML does not know."""
    return pair[1] + str(json.loads(f'"{pair[2]}"'))


def _text_message(role: str, text: str, node: Node) -> tuple[Message, Place, int]:
    line = node.place.line or 0
    return Message(role, text), node.place, line + 1 if node.block else 0


def _messages(entries: Sequence[MessageEntry], node: Node) -> list[tuple[Message, Place, int]]:
    found = []
    for entry, each in zip(entries, node.elements(), strict=True):
        content = each.get("content") or each
        line = content.place.line or 0
        found.append((_message(entry), content.place, line + 1 if content.block else 0))
    return found


def _message(entry: MessageEntry) -> Message:
    calls = tuple(
        ToolCall(call.id, call.function.name, call.function.arguments) for call in entry.tool_calls
    )
    content = tuple(entry.content) if isinstance(entry.content, list) else entry.content
    return Message(entry.role, content, entry.name, calls, entry.tool_call_id)


def _from_file(
    name: str, node: Node, findings: Findings, read_file: ReadFile
) -> list[tuple[Message, Place, int]] | None:
    place = place_of(node, ("file",))
    try:
        text, shown = read_file(name, MOST_BYTES)
    except PathRefused as error:
        findings.error(str(error), place)
        return None
    if PurePosixPath(name).suffix.lower() not in {".yaml", ".yml", ".json"}:
        return [(Message("user", text), Place(shown, 1), 1)]
    if PurePosixPath(name).suffix.lower() == ".json":
        text = _SURROGATES.sub(_one_character, text)
    try:
        tree = read_yaml(text, shown)
    except SuiteError as error:
        findings.take(error)
        return None
    try:
        entries = _MESSAGES.validate_python(plain(tree))
    except ValidationError as error:
        report(error, findings, tree, MessageEntry)
        return None
    if not entries:
        findings.error("a prompt needs at least one message", tree.place)
        return None
    return _messages(entries, tree)
