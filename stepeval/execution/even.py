"""An even pace: so much a second, and hardly ever much at once. Pure: the time is handed in."""


class EvenPace:
    """A bucket of credit that starts empty and holds ``depth_s`` seconds of its rate.

    Whatever is asked for leaves as soon as there is no debt, and makes one. A pace that started
    with a full bucket would give two minutes' worth in its first minute.
    """

    def __init__(self, depth_s: float, now: float) -> None:
        self._depth_s = depth_s
        self._credit = 0.0
        self._at = now

    def ready_at(self, now: float, rate: float) -> float:
        """``rate`` is per second, and holds from the last call on."""
        self._fill(now, rate)
        return now if self._credit >= 0 else now - self._credit / rate

    def spend(self, amount: float) -> None:
        """Negative where less was used than had been reckoned with."""
        self._credit -= amount

    def _fill(self, now: float, rate: float) -> None:
        self._credit = min(self._credit + (now - self._at) * rate, self._depth_s * rate)
        self._at = now
