"""A client and a server in one process, on a clock that only counts: minutes take milliseconds."""

import heapq
import random
from dataclasses import dataclass, replace
from itertools import count

from stepeval.execution.limits import Known, Limiter, Ticket
from stepeval.simulator.limits import Account, AccountLimits, Charge

_NS = 1_000_000_000
_START_S = 1_017.3  # somewhere within a minute of the clock


@dataclass(frozen=True, slots=True)
class Job:
    prompt_tokens: int
    answer_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """``mean_s`` is what an answer takes on average; tokens and times vary together."""

    requests: int
    mean_s: float = 3.0
    prompt_tokens: int = 300
    answer_tokens: int = 700
    spread: float = 0.5
    network_s: float = 0.04
    seed: int = 0

    def jobs(self) -> list[Job]:
        rng = random.Random(self.seed)
        jobs = []
        for _ in range(self.requests):
            size = rng.lognormvariate(-(self.spread**2) / 2, self.spread)
            tokens = max(1, round(self.answer_tokens * size))
            jobs.append(Job(self.prompt_tokens, tokens, self.mean_s * size))
        return jobs


@dataclass(slots=True)
class Outcome:
    seconds: float
    sent: int
    refused: int


def adaptive(known: Known, limits: AccountLimits, work: Work) -> Outcome:
    """The whole work through a :class:`Limiter`, against an account with these limits."""
    return _Run(known, limits, work).outcome()


class _Run:
    def __init__(self, known: Known, limits: AccountLimits, work: Work) -> None:
        self._now = _START_S
        self._account = Account(limits)
        self._limiter = Limiter(known, self._now, window_s=limits.window_s)
        self._todo = work.jobs()[::-1]
        self._estimate = work.prompt_tokens + work.answer_tokens
        self._left = len(self._todo)
        self._rng = random.Random(work.seed + 1)
        self._network_s = work.network_s
        self._events: list[tuple[float, int, str, Job, Ticket]] = []
        self._order = count()
        self._out = Outcome(0.0, 0, 0)

    def outcome(self) -> Outcome:
        while self._left:
            ready = self._limiter.ready_at(self._now, self._estimate) if self._todo else None
            if ready is not None and ready <= self._now:
                self._send(self._todo.pop())
            elif self._events and (ready is None or self._events[0][0] <= ready):
                self._happen()
            else:
                assert ready is not None, "stuck"
                self._now = ready
        self._out.seconds = self._now - _START_S
        return self._out

    def _send(self, job: Job) -> None:
        ticket = self._limiter.sent(self._now, self._estimate)
        self._out.sent += 1
        self._put(self._hop(), "arrives", job, ticket)

    def _hop(self) -> float:
        return self._network_s / 2 * self._rng.uniform(0.7, 1.6)

    def _put(self, seconds: float, what: str, job: Job, ticket: Ticket) -> None:
        heapq.heappush(self._events, (self._now + seconds, next(self._order), what, job, ticket))

    def _happen(self) -> None:
        self._now, _, what, job, ticket = heapq.heappop(self._events)
        now_ns = round(self._now * _NS)
        if what == "arrives":
            refusal = self._account.admit(now_ns, job.prompt_tokens, job.answer_tokens)
            if refusal is None:
                self._put(job.seconds, "ends", job, ticket)
            else:
                self._put(self._hop(), "refused", job, ticket)
        elif what == "ends":
            self._account.finish(now_ns, job.answer_tokens, job.prompt_tokens)
            self._put(self._hop(), "answered", job, ticket)
        elif what == "answered":
            self._left -= 1
            self._limiter.answered(ticket, self._now, job.prompt_tokens + job.answer_tokens)
        else:
            self._out.refused += 1
            self._todo.append(job)
            self._limiter.refused(ticket, self._now)


def ideal_seconds(limits: AccountLimits, work: Work) -> float:
    """By one who knows the limits, sends whenever the server would take it, and has no network.

    Tokens are counted at admission, whatever the server does: to send everything before the first
    answer has been counted would be no schedule but a debt.
    """
    account = Account(replace(limits, charge=Charge.ADMISSION, tell_when=False))
    jobs, now = work.jobs()[::-1], _START_S
    running: list[tuple[float, int, Job]] = []
    order = count()
    while jobs or running:
        while jobs:
            job = jobs[-1]
            if account.admit(round(now * _NS), job.prompt_tokens, job.answer_tokens) is not None:
                break
            heapq.heappush(running, (now + job.seconds, next(order), jobs.pop()))
        step = now + limits.window_s / 6000
        if running and (not jobs or running[0][0] <= step):
            now, _, job = heapq.heappop(running)
            account.finish(round(now * _NS), job.answer_tokens, job.prompt_tokens)
        else:
            now = step
    return now - _START_S
