"""Whether one more request may leave: concurrency, requests and tokens a minute. Pure.

The limits are known, or learned from refusals; where they are known a refusal still teaches,
since somebody else may use the same account. One refusal after a time without any opens an
episode: sending stops, one probe at a time tells when it may go on, and what is held to blame is
cut once. A refusal of a request that had left before is no news.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from stepeval.execution.allowance import Allowance
from stepeval.execution.rate import Rate
from stepeval.execution.told import Told
from stepeval.execution.trailing import Use

_SATURATED = 0.8
_AT_THE_LIMIT = 0.9
FIRST_CONCURRENCY = 4
_RELIEF = 0.1  # of the requests in flight: some were on their way to or from the server
_RESERVE = 1.2  # of a mean: what is under way may turn out longer
_CUT, _DEEPEST_CUT, _CUT_OF_PLACES = 0.9, 0.7, 0.95
_STRIKES = 2
_NEARLY = 0.01
_ENOUGH_SENT = 10
_SHARE, _UNCOUNTED = 0.008, 1_000  # of refusals; requests before which it says little


class Kind(StrEnum):
    CONCURRENCY = "concurrency"
    REQUESTS = "requests_per_minute"
    TOKENS = "tokens_per_minute"


@dataclass(frozen=True, slots=True)
class Known:
    """None: to be learned. ``most`` bounds the concurrency where that is learned."""

    concurrency: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    most: int = 64


@dataclass(slots=True, eq=False)
class Ticket:
    """One request on its way: the tokens it was reckoned to use, its entries in what is counted,
    and what was in use when it left.
    """

    number: int
    at: float
    estimate: float
    request: Use
    tokens: Use
    used: dict[Kind, float]


class _Relief:
    """Waits for answers to make room: if a probe is admitted then, it was the concurrency.

    ``places``: as many may be in flight when the probe leaves.
    """

    def __init__(self, used: dict[Kind, float]) -> None:
        self.used = used
        self.places = 0.0
        self.take(used[Kind.CONCURRENCY])

    def take(self, busy: float) -> None:
        """``busy`` were admitted after all: those that left together are refused together."""
        self.used[Kind.CONCURRENCY] = busy
        self.places = busy - max(1, round(busy * _RELIEF))


class Limiter:
    """Ask :meth:`ready_at`, tell :meth:`sent`, then :meth:`answered`, :meth:`refused` or
    :meth:`lost`. Times are seconds of one clock and never fall.
    """

    def __init__(self, known: Known, now: float, *, window_s: float = 60.0) -> None:
        first = float(known.concurrency or min(FIRST_CONCURRENCY, known.most))
        most = float(known.concurrency or known.most)
        self._window_s = window_s
        self._places = Allowance(first, most, proof_s=window_s / 20)
        self._rates = {
            Kind.REQUESTS: Rate(known.requests_per_minute, window_s, now),
            Kind.TOKENS: Rate(known.tokens_per_minute, window_s, now, reserve=_RESERVE),
        }
        self._slow_start = True
        self.in_flight = 0
        self._number = 0
        self._closed = 0  # the last request that left before the newest cut
        self._relief: _Relief | None = None
        self._wait_until: float | None = None
        self._delay_s = 0.0
        self._probe: Ticket | None = None
        self._refusal_s = 0.0
        self._refused = 0
        self._strikes = 0
        self._places_cut = -math.inf
        self._wide = first  # the concurrency before it was first held to blame
        self._episode = (-math.inf, 0)  # when the latest one began, and what had been sent

    def keep(self, levels: Mapping[Kind, float], now: float, *, crowded: bool) -> None:
        """Start from what an earlier session had come to. ``crowded``: the concurrency as well,
        for good; else its slow start goes on from there.
        """
        self._slow_start = not crowded
        for kind, level in levels.items():
            self._allowance(kind).set(level)
            if kind is not Kind.CONCURRENCY or crowded:
                self._allowance(kind).pause(now, self._window_s)

    def used(self, kind: Kind, now: float) -> float:
        return self.in_flight if kind is Kind.CONCURRENCY else self._rates[kind].used(now)

    def level(self, kind: Kind) -> float:
        """What is in force; infinite where no limit is known."""
        return self._allowance(kind).level

    def ready_at(self, now: float, tokens: float) -> float | None:
        """When a request of so many tokens may leave; None: not before another one ends."""
        if self._probe is not None:
            verdict_at = self._probe.at + 3 * self._refusal_s + self._window_s / 300
            if now < verdict_at:
                return verdict_at
            self._admitted(now)
        if self.in_flight + 1 > self._places.level:
            return None
        if self._relief is not None:
            return now if self.in_flight <= self._relief.places else None
        paced = max(
            self._rates[Kind.REQUESTS].ready_at(now, 1),
            self._rates[Kind.TOKENS].ready_at(now, tokens),
        )
        return paced if self._wait_until is None else max(paced, self._wait_until)

    def sent(self, now: float, tokens: float) -> Ticket:
        self._number += 1
        requests, token_rate = self._rates[Kind.REQUESTS], self._rates[Kind.TOKENS]
        used = {
            Kind.CONCURRENCY: float(self.in_flight),
            Kind.REQUESTS: requests.used(now),
            Kind.TOKENS: token_rate.used(now),
        }
        ticket = Ticket(
            self._number, now, tokens, requests.send(now, 1), token_rate.send(now, tokens), used
        )
        self.in_flight += 1
        if self._relief is not None or self._wait_until is not None:
            self._probe = ticket
        return ticket

    def answered(self, ticket: Ticket, now: float, tokens: float | None = None) -> None:
        """``tokens``: what it used; None where the server did not say."""
        self._end(ticket, now, 1, ticket.estimate if tokens is None else tokens)
        if ticket is self._probe:
            self._admitted(now)
        if ticket.number > self._closed and self._relief is None and self._wait_until is None:
            self._grow(now)

    def lost(self, ticket: Ticket, now: float) -> None:
        """It failed for a reason that is no limit's: growth pauses, nothing is cut."""
        self._end(ticket, now, 1, ticket.estimate)
        if ticket is self._probe:
            self._admitted(now)
        for kind in Kind:
            self._allowance(kind).pause(now, self._window_s / 10)

    def withdrawn(self, ticket: Ticket, now: float) -> None:
        """It was never sent, so nobody counts it."""
        self._end(ticket, now, 0, 0)
        if ticket is self._probe:
            self._probe = None

    def told(self, limits: Told) -> None:
        """What the server says is at most true: a limit that was known or learned stays lower."""
        for kind, level in ((Kind.REQUESTS, limits.requests), (Kind.TOKENS, limits.tokens)):
            if level is not None:
                self._allowance(kind).bound(level)

    def refused(self, ticket: Ticket, now: float, *, retry_after_s: float | None = None) -> None:
        self._end(ticket, now, 0, 0)
        self._refused += 1
        self._refusal_s = max(now - ticket.at, 0.8 * self._refusal_s)
        if ticket is self._probe:
            self._probe = None
            if self._relief is not None:
                used, self._relief = self._relief.used, None
                self._blame_rates(used, now)
                self._delay_s = self._first_delay_s()
            else:
                self._delay_s = min(2 * self._delay_s, self._window_s / 8)
            self._wait(now, retry_after_s)
        elif ticket.number > self._closed:
            self._closed = self._number
            self._open_episode(ticket.used, now, retry_after_s)
        elif self._relief is not None and self._probe is None and self.in_flight:
            self._relief.take(min(self._relief.used[Kind.CONCURRENCY], self.in_flight))

    def _open_episode(
        self, used: dict[Kind, float], now: float, retry_after_s: float | None
    ) -> None:
        self._slow_start = False
        self._relief = self._wait_until = self._probe = None
        busy = used[Kind.CONCURRENCY] = float(self.in_flight)
        others = self._spent(used, now) and busy < _AT_THE_LIMIT * self._places.level
        if not busy or others or self._refuted(now):
            self._blame_rates(used, now)
            self._delay_s = self._first_delay_s()
            self._wait(now, retry_after_s)
        else:
            self._relief = _Relief(used)

    def _refuted(self, now: float) -> bool:
        """Whether concurrency was blamed again and again: it is not what they are short of."""
        if self._strikes < _STRIKES:
            return False
        self._strikes = 0
        self._places.set(self._wide)
        self._places.pause(now, self._window_s)
        return True

    def _spent(self, used: dict[Kind, float], now: float) -> list[Kind]:
        return [
            kind
            for kind, rate in self._rates.items()
            if used[kind] >= _AT_THE_LIMIT * rate.allowance.proven(now)
        ]

    def _blame_rates(self, used: dict[Kind, float], now: float) -> None:
        if used[Kind.REQUESTS] < _ENOUGH_SENT:
            return  # others, or an earlier run, have used the minute up: nothing is learned of it
        blamed = [Kind.REQUESTS] if self._counted(used) else self._spent(used, now)
        blamed = blamed or list(self._rates)
        factor, hold_s = self._factor(now), self._hold_s()
        for kind in blamed:
            self._rates[kind].cut(used[kind], now, factor=factor, hold_s=hold_s)
        self._episode = (now, self._number)
        if len(blamed) > 1:
            steady, loose = sorted(self._rates.values(), key=lambda rate: rate.spread)
            if loose.spread < 1 and loose.spread > 3 * steady.spread + 0.005:
                loose.acquit()

    def _counted(self, used: dict[Kind, float]) -> bool:
        """Whether refusals come at the very same number of requests, and at that of tokens and
        this: tokens cut for it as well would only slow down what requests allow.
        """
        requests, tokens = self._rates[Kind.REQUESTS], self._rates[Kind.TOKENS]
        same = requests.recurs(used[Kind.REQUESTS], 0.0)
        return same and not tokens.recurs(used[Kind.TOKENS], _NEARLY)

    def _factor(self, now: float) -> float:
        """By how much to cut a rate that held: what was admitted since the last refusal tells it
        of a bucket, which both times was empty.
        """
        since, number = self._episode
        sent, level = self._number - number, self._rates[Kind.REQUESTS].allowance.level
        if now - since > self._window_s / 4 or sent < _ENOUGH_SENT or level == math.inf:
            return _CUT
        seen = sent * self._window_s / (now - since)
        return min(max(seen / level, _DEEPEST_CUT), _CUT)

    def _hold_s(self) -> float:
        """Trying for more costs a refusal or two, and they shall not come to 1% of all requests."""
        share = self._refused / (self._number + _UNCOUNTED)
        return self._window_s * min(max(0.5, (share / _SHARE) ** 2), 4.0)

    def _first_delay_s(self) -> float:
        level = self._rates[Kind.REQUESTS].allowance.level
        return max(2 * self._window_s / max(level, 1), self._window_s / 300)

    def _wait(self, now: float, retry_after_s: float | None) -> None:
        told = 0.0 if retry_after_s is None else min(retry_after_s, 2 * self._window_s)
        self._wait_until = now + (told or self._delay_s)

    def _admitted(self, now: float) -> None:
        assert self._probe is not None
        if self._relief is not None:
            self._blame_places(self._relief.used, now)
        self._closed = self._probe.number - 1
        self._relief = self._wait_until = self._probe = None

    def _blame_places(self, used: dict[Kind, float], now: float) -> None:
        tried = self._places.proven(now) < self._places.level
        soon = now - self._places_cut < self._window_s / 2
        self._strikes = self._strikes + 1 if soon and not tried else 0
        if not soon:
            self._wide = self._places.level
        factor = _CUT_OF_PLACES if soon else 1.0
        self._places.cut(used[Kind.CONCURRENCY], now, factor=factor, hold_s=self._hold_s())
        self._places_cut = now

    def _grow(self, now: float) -> None:
        if self.in_flight + 1 >= _SATURATED * self._places.level:
            if self._slow_start:
                self._places.open(now)
            else:
                self._places.grow(now)
        for rate in self._rates.values():
            if rate.used(now) >= _SATURATED * rate.allowance.level:
                rate.allowance.grow(now)

    def _end(self, ticket: Ticket, now: float, requests: float, tokens: float) -> None:
        self.in_flight -= 1
        self._rates[Kind.REQUESTS].settle(ticket.request, now, requests)
        self._rates[Kind.TOKENS].settle(ticket.tokens, now, tokens)

    def _allowance(self, kind: Kind) -> Allowance:
        return self._places if kind is Kind.CONCURRENCY else self._rates[kind].allowance
