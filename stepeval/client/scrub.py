"""The keys taken out of all that a server said: an echo of one must reach no file or screen."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from stepeval.core.chat import Choice, Failure, Response, ToolCall
from stepeval.core.secret import Secret


def scrub(result: Response | Failure, secrets: Iterable[Secret]) -> Response | Failure:
    """After folding, so that a key which came in pieces is whole again and found."""
    for secret in secrets:
        result = _result(result, secret.scrub)
    return result


def _result(result: Response | Failure, clean: Callable[[str], str]) -> Response | Failure:
    if isinstance(result, Response):
        return _response(result, clean)
    partial = None if result.partial is None else _response(result.partial, clean)
    trace_id = _maybe(result.trace_id, clean)
    return replace(result, message=clean(result.message), trace_id=trace_id, partial=partial)


def _response(response: Response, clean: Callable[[str], str]) -> Response:
    return replace(
        response,
        id=_maybe(response.id, clean),
        model=_maybe(response.model, clean),
        trace_id=_maybe(response.trace_id, clean),
        choices=tuple(_choice(choice, clean) for choice in response.choices),
    )


def _choice(choice: Choice, clean: Callable[[str], str]) -> Choice:
    return Choice(
        index=choice.index,
        text=clean(choice.text),
        reasoning=_maybe(choice.reasoning, clean),
        tool_calls=tuple(
            ToolCall(_maybe(call.id, clean), clean(call.name), clean(call.arguments))
            for call in choice.tool_calls
        ),
        finish_reason=_maybe(choice.finish_reason, clean),
    )


def _maybe(text: str | None, clean: Callable[[str], str]) -> str | None:
    return None if text is None else clean(text)
