"""Cells become Requests: a prompt's templates meet a sample's values."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from stepeval.core.chat import Message, Request
from stepeval.core.task import Arm, Cell, Prompt, Sample, Suite
from stepeval.suite.template import render

_OWN_FIELDS = ("tools", "response_format")


def make_request(suite: Suite) -> Callable[[Cell], Request]:
    """The function that makes a cell's request.

    It raises:
        TemplateError: The prompt does not fit the sample; a loaded suite was checked for that.
    """
    prompts = {prompt.id: prompt for prompt in suite.prompts}

    def make(cell: Cell) -> Request:
        return _request(cell.arm, prompts[cell.arm.prompt], cell.sample)

    return make


def _request(arm: Arm, prompt: Prompt, sample: Sample) -> Request:
    values = sample_values(sample)
    return Request(
        provider=arm.provider,
        model=arm.model,
        messages=tuple(render_message(message, values) for message in prompt.messages),
        params={name: value for name, value in arm.params.items() if name not in _OWN_FIELDS},
        tools=prompt.tools or tuple(arm.params.get("tools", ())),
        response_format=prompt.response_format or arm.params.get("response_format"),
    )


def sample_values(sample: Sample) -> Mapping[str, Any]:
    """What a template may name. The target is not among it: a prompt must not know it."""
    named = sample.input if isinstance(sample.input, Mapping) else {}
    return {
        **named,
        "input": sample.input,
        "choices": list(sample.choices),
        "metadata": sample.metadata,
        "id": sample.id,
    }


def render_message(message: Message, values: Mapping[str, Any]) -> Message:
    """Puts values into the content's texts, in parts too; everything else stays as it is."""
    content = message.content
    if isinstance(content, str):
        return replace(message, content=render(content, values))
    if content is None:
        return message
    return replace(message, content=tuple(_rendered(part, values) for part in content))


def _rendered(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return render(value, values)
    if isinstance(value, Mapping):
        return {
            name: inner if name == "type" else _rendered(inner, values)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_rendered(inner, values) for inner in value]
    return value
