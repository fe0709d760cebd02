"""How fast the simulated model is."""

from dataclasses import dataclass

from stepeval.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Speed:
    """``ttft_ms`` to the first token of a medium request, ``itl_ms`` from token to token.

    ``scale`` stretches every delay; 0 answers at once. ``jitter`` is the spread of the delays
    (sigma of a log-normal) and of the tokens per chunk; 0 makes both regular, for benchmarks of
    a client's clock.

    Raises:
        UsageError: A negative value.
    """

    ttft_ms: float = 130.0
    itl_ms: float = 0.8
    scale: float = 1.0
    jitter: float = 0.15

    def __post_init__(self) -> None:
        for name in ("ttft_ms", "itl_ms", "scale", "jitter"):
            value: float = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise UsageError(f"the simulator's {name} must be 0 or more, not {value!r}")

    @property
    def tokens_per_chunk(self) -> int:
        """A server flushes every few milliseconds: a fast model's tokens then share a chunk."""
        return max(1, round(_FLUSH_MS / self.itl_ms)) if self.itl_ms else _MOST_PER_CHUNK


_FLUSH_MS = 6.0
_MOST_PER_CHUNK = 16
