"""The chunks of a streamed chat completion, folded into the response they make. Pure."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from stepeval.client.faults import BadBody
from stepeval.client.sse import Event
from stepeval.client.stamps import Read
from stepeval.client.wire_response import (
    NO_COUNTS,
    NOTHING_SAID,
    Said,
    ToolPiece,
    later_counts,
    parse_object,
    read_choice,
    read_counts,
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
_OUTPUT = 1  # the place of output_tokens among the counts


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
        if said.text:
            self.text.append(said.text)
        if said.reasoning:
            self.reasoning.append(said.reasoning)
        for piece in said.tools:
            self._add_call(piece)
        self.finish_reason = said.finish_reason or self.finish_reason

    def _add_call(self, piece: ToolPiece) -> None:
        call = self._call_of(piece)
        if call is None:
            call = _Call(piece.place, piece.id, "", [])
            self.calls.append(call)
        call.id = call.id or piece.id
        if piece.place is not None:
            self.by_index.setdefault(piece.place, call)
        if call.id:
            self.by_id.setdefault(call.id, call)
        if piece.name != call.name:  # repeated whole by some servers, sent in pieces by none seen
            call.name += piece.name
        call.arguments.append(piece.arguments)

    def _call_of(self, piece: ToolPiece) -> _Call | None:
        """The call that a piece goes on with; None where it begins one."""
        if piece.place is not None:
            return self.by_index.get(piece.place)
        if piece.id:
            return self.by_id.get(piece.id)
        last = self.calls[-1] if self.calls else None
        begins_anew = last is not None and piece.name and any(last.arguments)
        return None if begins_anew else last

    def closed(self, index: int) -> Choice:
        calls = (ToolCall(c.id or None, c.name, "".join(c.arguments)) for c in self.calls)
        reasoning = "".join(self.reasoning) or None
        return Choice(index, "".join(self.text), reasoning, tuple(calls), self.finish_reason)


class _Rows:
    """What Chunks are made of, while it is not yet known which events shared their read.

    Columns rather than objects: a thousand streams hold a hundred thousand rows, each of which
    the garbage collector would look at again and again.
    """

    __slots__ = ("answer_chars", "choices", "kinds", "reads", "reasoning_chars", "tokens")

    def __init__(self) -> None:
        self.reads: list[Read] = []
        self.kinds: list[ChunkKind] = []
        self.choices: list[int] = []
        self.tokens: list[int | None] = []
        self.reasoning_chars: list[int] = []
        self.answer_chars: list[int] = []

    def add(self, read: Read, kind: ChunkKind, said: Said, tokens: int | None) -> None:
        self.reads.append(read)
        self.kinds.append(kind)
        self.choices.append(said.choice)
        self.tokens.append(tokens)
        self.reasoning_chars.append(len(said.reasoning))
        self.answer_chars.append(len(said.text))

    def chunks(self, shared: Container[Read]) -> Iterator[Chunk]:
        columns = (self.reads, self.kinds, self.choices, self.tokens)
        sizes = zip(self.reasoning_chars, self.answer_chars, strict=True)
        for (read, kind, choice, tokens), (reasoning, answer) in zip(
            zip(*columns, strict=True), sizes, strict=True
        ):
            yield Chunk(
                arrival_ns=read.arrival_ns,
                not_before_ns=read.not_before_ns,
                kind=kind,
                choice=choice,
                output_tokens=tokens,
                reasoning_chars=reasoning,
                answer_chars=answer,
                coalesced=read in shared,
                stamp=read.stamp,
            )


class StreamFold:
    """Add every event, then ask for the :meth:`response`; it may be asked at any time."""

    def __init__(self) -> None:
        self._choices: dict[int, _OpenChoice] = {}
        self._rows = _Rows()
        self._shared: set[Read] = set()  # those with which more than one event was complete
        self._last: Read | None = None
        self._counts = NO_COUNTS
        self._id: str | None = None
        self._model: str | None = None

    @property
    def empty(self) -> bool:
        return not self._rows.reads

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
        before, now = self._counts, read_counts(root.get("usage"))
        self._counts = later_counts(before, now)
        self._stamp(event, said, now[_OUTPUT], grew=(now[_OUTPUT] or 0) > (before[_OUTPUT] or 0))
        for part in said:
            choice = self._choices.get(part.choice)
            if choice is None:
                choice = self._choices[part.choice] = _OpenChoice()
            choice.add(part)

    def _stamp(self, event: Event, said: list[Said], tokens: int | None, *, grew: bool) -> None:
        if event.read == self._last or event.coalesced:
            self._shared.add(event.read)
        self._last = event.read
        if not said:
            self._rows.add(event.read, ChunkKind.USAGE, NOTHING_SAID, tokens)
        for part in said:
            self._rows.add(event.read, _kind(part, grew=grew), part, tokens)

    def chunks(self) -> tuple[Chunk, ...]:
        return tuple(self._rows.chunks(self._shared))

    def response(self, timing: Timing, trace_id: str | None, simulated: bool) -> Response:
        return Response(
            id=self._id,
            model=self._model,
            choices=tuple(self._choices[i].closed(i) for i in sorted(self._choices)),
            usage=Usage(*self._counts),
            timing=timing,
            trace_id=trace_id,
            simulated=simulated,
        )


def _kind(said: Said, *, grew: bool) -> ChunkKind:
    """``grew``: the event raised the count of output tokens, so something was generated."""
    calls = said.tools and any(tool.id or tool.name or tool.arguments for tool in said.tools)
    if said.reasoning:
        return ChunkKind.MIXED if said.text or calls else ChunkKind.REASONING
    if said.text:
        return ChunkKind.ANSWER
    if calls:
        return ChunkKind.TOOL
    only_role = said.role and not said.finish_reason and not grew
    return ChunkKind.ROLE if only_role else ChunkKind.CONTROL
