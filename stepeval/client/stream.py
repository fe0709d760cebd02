"""The chunks of a streamed chat completion, folded into the response they make. Pure."""

from dataclasses import dataclass, field

from stepeval.client.faults import BadBody
from stepeval.client.sse import Event
from stepeval.client.wire_response import (
    Said,
    ToolPiece,
    later_usage,
    parse_object,
    read_choice,
    read_usage,
    text_or_none,
)
from stepeval.core.chat import (
    Choice,
    Chunk,
    ChunkKind,
    FailureKind,
    Response,
    Timing,
    ToolCall,
    Usage,
)

_BAD = FailureKind.BAD_STREAM


@dataclass(slots=True)
class _Call:
    key: int | None
    id: str
    name: str
    arguments: list[str]


@dataclass(slots=True)
class _OpenChoice:
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)
    by_index: dict[int, _Call] = field(default_factory=dict)  # a server may send any number
    by_id: dict[str, _Call] = field(default_factory=dict)
    finish_reason: str | None = None

    def add(self, said: Said) -> None:
        self.text.append(said.text)
        self.reasoning.append(said.reasoning)
        for piece in said.tools:
            self._add_call(piece)
        self.finish_reason = said.finish_reason or self.finish_reason

    def _add_call(self, piece: ToolPiece) -> None:
        call = self._call_of(piece)
        if call is None:
            call = _Call(piece.index, piece.id, "", [])
            self.calls.append(call)
        call.id = call.id or piece.id
        if piece.index is not None:
            self.by_index.setdefault(piece.index, call)
        if call.id:
            self.by_id.setdefault(call.id, call)
        if piece.name != call.name:  # repeated whole by some servers, sent in pieces by none seen
            call.name += piece.name
        call.arguments.append(piece.arguments)

    def _call_of(self, piece: ToolPiece) -> _Call | None:
        """The call that a piece goes on with; None where it begins one."""
        if piece.index is not None:
            return self.by_index.get(piece.index)
        if piece.id:
            return self.by_id.get(piece.id)
        last = self.calls[-1] if self.calls else None
        begins_anew = last is not None and piece.name and any(last.arguments)
        return None if begins_anew else last

    def closed(self, index: int) -> Choice:
        calls = (ToolCall(c.id or None, c.name, "".join(c.arguments)) for c in self.calls)
        reasoning = "".join(self.reasoning) or None
        return Choice(index, "".join(self.text), reasoning, tuple(calls), self.finish_reason)


@dataclass(slots=True)
class _Row:
    """A Chunk, while it is not yet known whether its event shared its read."""

    event: Event
    kind: ChunkKind
    choice: int
    output_tokens: int | None
    reasoning_chars: int
    answer_chars: int


class StreamFold:
    """Add every event, then ask for the :meth:`response`; it may be asked at any time."""

    def __init__(self) -> None:
        self._choices: dict[int, _OpenChoice] = {}
        self._rows: list[_Row] = []
        self._shared: set[int] = set()  # arrivals at which more than one event was complete
        self._last_arrival: int | None = None
        self._usage = Usage()
        self._id: str | None = None
        self._model: str | None = None

    @property
    def empty(self) -> bool:
        return not self._rows

    @property
    def finished(self) -> bool:
        """Whether every choice seen, and at least one, has its finish reason."""
        choices = self._choices.values()
        return bool(choices) and all(choice.finish_reason for choice in choices)

    @property
    def answered(self) -> bool:
        return bool(self._choices)

    def add(self, event: Event) -> None:
        """Raises BadBody: no chunk of a chat completion (BAD_STREAM), or an error reported."""
        root = parse_object(event.data, _BAD)
        raw = root.get("choices")
        if raw is None and isinstance(root.get("usage"), dict):
            raw = []
        if not isinstance(raw, list):
            raise BadBody(_BAD, "a stream event without choices", excerpt=event.data)
        said = [read_choice(choice, 0, "delta", _BAD) for choice in raw]
        self._id = self._id or text_or_none(root.get("id"))
        self._model = self._model or text_or_none(root.get("model"))
        before, now = self._usage.output_tokens, read_usage(root.get("usage"))
        self._usage = later_usage(self._usage, now)
        grew = (now.output_tokens or 0) > (before or 0)
        self._stamp(event, said, now.output_tokens, grew=grew)
        for part in said:
            self._choices.setdefault(part.index, _OpenChoice()).add(part)

    def _stamp(self, event: Event, said: list[Said], tokens: int | None, *, grew: bool) -> None:
        if event.arrival_ns == self._last_arrival or event.coalesced:
            self._shared.add(event.arrival_ns)
        self._last_arrival = event.arrival_ns
        if not said:
            self._rows.append(_Row(event, ChunkKind.USAGE, 0, tokens, 0, 0))
        for part in said:
            kind = _kind(part, grew=grew)
            sizes = len(part.reasoning), len(part.text)
            self._rows.append(_Row(event, kind, part.index, tokens, *sizes))

    def chunks(self) -> tuple[Chunk, ...]:
        return tuple(
            Chunk(
                arrival_ns=row.event.arrival_ns,
                not_before_ns=row.event.not_before_ns,
                kind=row.kind,
                choice=row.choice,
                output_tokens=row.output_tokens,
                reasoning_chars=row.reasoning_chars,
                answer_chars=row.answer_chars,
                coalesced=row.event.arrival_ns in self._shared,
            )
            for row in self._rows
        )

    def response(self, timing: Timing, trace_id: str | None, simulated: bool) -> Response:
        return Response(
            id=self._id,
            model=self._model,
            choices=tuple(self._choices[i].closed(i) for i in sorted(self._choices)),
            usage=self._usage,
            timing=timing,
            trace_id=trace_id,
            simulated=simulated,
        )


def _kind(said: Said, *, grew: bool) -> ChunkKind:
    """``grew``: the event raised the count of output tokens, so something was generated."""
    calls = any(tool.id or tool.name or tool.arguments for tool in said.tools)
    if said.reasoning:
        return ChunkKind.MIXED if said.text or calls else ChunkKind.REASONING
    if said.text:
        return ChunkKind.ANSWER
    if calls:
        return ChunkKind.TOOL
    only_role = said.role and not said.finish_reason and not grew
    return ChunkKind.ROLE if only_role else ChunkKind.CONTROL
