"""What a request will use, from what its arm's answers used so far. Pure."""

from collections.abc import Iterable, Iterator
from itertools import islice

from stepeval.core.chat import Request, Response
from stepeval.core.task import Cell
from stepeval.execution.outlay import most_output

_UNKNOWN_ANSWER = 1_000.0  # tokens
_BYTES_A_TOKEN = 4
_WEIGHT = 0.05  # of the newest answer, once there were twenty


class Expected:
    """Running means of output tokens by arm: over all at first, over the last twenty or so then."""

    def __init__(self) -> None:
        self._output: dict[str, tuple[int, float]] = {}

    def output(self, cell: Cell) -> float | None:
        """Tokens; None before the arm's first answer that told."""
        known = self._output.get(cell.arm.name)
        return None if known is None else known[1]

    def tokens(self, cell: Cell, request: Request) -> float:
        """Of prompt and answer together."""
        output = self.output(cell)
        if output is None:
            output = min(most_output(request.params) or _UNKNOWN_ANSWER, _UNKNOWN_ANSWER)
        return prompt_tokens(request) + output

    def learn(self, cell: Cell, response: Response) -> None:
        tokens = response.usage.output_tokens
        if tokens is None or tokens < 0:
            return
        count, mean = self._output.get(cell.arm.name, (0, 0.0))
        weight = max(1 / (count + 1), _WEIGHT)
        self._output[cell.arm.name] = (count + 1, mean + weight * (tokens - mean))


def prompt_tokens(request: Request) -> float:
    """About, by the length of its texts; the usage tells later."""
    texts = [message.content for message in request.messages]
    return sum(len(text) for text in texts if isinstance(text, str)) / _BYTES_A_TOKEN


def longest_first_at_the_end(
    cells: Iterable[Cell], expected: Expected, window: int
) -> Iterator[Cell]:
    """The order as it comes, but for the last ``window`` cells: of those the longest go first.

    So that none of them starts last and is waited for alone, and that the arms of an item are
    still asked together everywhere else. Reads ``window`` cells ahead.
    """
    source = iter(cells)
    ahead = list(islice(source, window))
    place = 0
    for following in source:
        yield ahead[place]
        ahead[place] = following
        place = (place + 1) % window
    rest = ahead[place:] + ahead[:place]
    yield from sorted(rest, key=lambda cell: -(expected.output(cell) or 0.0))
