"""Values over a pipe: four bytes of length, big-endian, then the value's JSON text."""

from asyncio import IncompleteReadError, StreamReader
from typing import Any, TypeVar

from stepeval.core.errors import StepevalError
from stepeval.store.codec import from_text, to_text

T = TypeVar("T")

_HEAD = 4
_LARGEST = 256 << 20  # bytes; an answer's text, its chunks and its request are far below it


def frame(value: Any, *, largest: int = _LARGEST) -> bytes:
    """Raises StepevalError: it would have more than ``largest`` bytes."""
    data = to_text(value).encode("utf-8", "surrogatepass")
    _check_size(len(data), largest)
    return len(data).to_bytes(_HEAD, "big") + data


async def read_frame(pipe: StreamReader, type_: type[T], *, largest: int = _LARGEST) -> T | None:
    """The next value, None at the end of the pipe; one cut in the middle is its end, too.

    Raises:
        StepevalError: The bytes are no such value, or more than ``largest``.
    """
    try:
        size = int.from_bytes(await pipe.readexactly(_HEAD), "big")
        _check_size(size, largest)
        text = (await pipe.readexactly(size)).decode("utf-8", "surrogatepass")
    except (IncompleteReadError, ConnectionError):
        return None
    try:
        return from_text(type_, text)
    except (ValueError, LookupError, TypeError) as error:
        raise StepevalError(f"a worker's message cannot be read: {error!r}") from error


def _check_size(size: int, largest: int) -> None:
    if size > largest:
        raise StepevalError(
            f"a worker's message has {size:,} bytes, and {largest:,} is the most that is taken"
        )
