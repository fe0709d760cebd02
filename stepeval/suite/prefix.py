"""A text at the head of each prompt that no prompt had before: no server has it in its cache."""

from dataclasses import replace

from stepeval.core.chat import Message, Request
from stepeval.core.identity import content_id
from stepeval.core.ports import MakeRequest
from stepeval.core.task import Cell


def with_unique_prefix(make: MakeRequest, *, run_id: str) -> MakeRequest:
    """Unique to the run and the cell, so that an earlier run's prompts are not met again either."""

    def prefixed(cell: Cell) -> Request:
        request = make(cell)
        if not request.messages:
            return request
        first = _prefixed(request.messages[0], f"[{content_id(run_id, cell.id)[:16]}] ")
        return replace(request, messages=(first, *request.messages[1:]))

    return prefixed


def _prefixed(message: Message, prefix: str) -> Message:
    if message.content is None or isinstance(message.content, str):
        return replace(message, content=prefix + (message.content or ""))
    return replace(message, content=({"type": "text", "text": prefix}, *message.content))
