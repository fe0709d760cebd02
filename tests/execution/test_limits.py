"""Known limits are never exceeded; unknown ones are found, and found again."""

from bisect import bisect_left
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.execution.limits import Kind, Known, Limiter, Ticket
from stepeval.execution.told import Told


@dataclass
class Client:
    """Sends as soon as it may; every answer takes ``seconds``."""

    limiter: Limiter
    now: float = 0.0
    seconds: float = 2.0
    tokens: float = 100.0
    flying: list[tuple[float, Ticket]] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    most: int = 0

    def run(self, until: float) -> None:
        while self.now < until:
            ready = self.limiter.ready_at(self.now, self.tokens)
            if ready is not None and ready <= self.now:
                self.send()
            elif self.flying and (ready is None or self.flying[0][0] <= ready):
                self.now, ticket = self.flying.pop(0)
                self.limiter.answered(ticket, self.now, self.tokens)
            else:
                assert ready is not None
                self.now = ready

    def send(self) -> Ticket:
        ticket = self.limiter.sent(self.now, self.tokens)
        self.flying.append((self.now + self.seconds, ticket))
        self.sent.append(self.now)
        self.most = max(self.most, len(self.flying))
        return ticket


def most_within(moments: list[float], window: float) -> int:
    return max(bisect_left(moments, at + window) - place for place, at in enumerate(moments))


@settings(max_examples=60, deadline=None)
@given(
    concurrency=st.integers(1, 60),
    rpm=st.integers(1, 600),
    seconds=st.floats(0.01, 20),
)
def test_no_minute_whichever_holds_more_requests_than_is_known_to_be_allowed(
    concurrency: int, rpm: int, seconds: float
) -> None:
    client = Client(Limiter(Known(concurrency, rpm), 0.0), seconds=seconds)
    client.run(200)
    assert most_within(client.sent, 60.0) <= rpm
    assert client.most <= concurrency
    possible = min(rpm / 61, concurrency / seconds) * 190
    assert len(client.sent) >= 0.8 * possible - 2


@settings(max_examples=40, deadline=None)
@given(tpm=st.integers(1_000, 100_000), tokens=st.integers(1, 900))
def test_no_minute_holds_more_tokens(tpm: int, tokens: int) -> None:
    client = Client(Limiter(Known(50, None, tpm), 0.0), tokens=float(tokens))
    client.run(150)
    assert most_within(client.sent, 60.0) * tokens <= tpm
    assert len(client.sent) * tokens >= 0.5 * min(tpm, 50 / 2 * 60 * tokens)


def test_a_bucket_does_not_start_full() -> None:
    client = Client(Limiter(Known(100, 600), 0.0), seconds=0.1)
    client.run(6)
    assert 60 <= len(client.sent) <= 6 * 10 * 1.5 + 1  # half as fast again as the even pace


def test_what_a_pause_cost_is_made_up_for_and_no_minute_holds_more() -> None:
    client = Client(Limiter(Known(100, 600), 0.0), seconds=0.1)
    client.run(61)
    limiter, client.now = client.limiter, 91.0  # half a minute in which nothing could be sent
    client.run(122)
    assert limiter.used(Kind.REQUESTS, 122.0) >= 1.2 * 310  # which an even pace had sent
    client.run(300)
    assert most_within(client.sent, 60.0) <= 600


def test_a_server_that_refuses_every_second_request_is_still_asked_on() -> None:
    """No limit explains it, and nothing of what is learned from it may bring the run to a halt."""
    client, answered = Client(Limiter(Known(most=64), 0.0)), 0
    limiter = client.limiter
    while client.now < 1_200:
        ready = limiter.ready_at(client.now, 100)
        if ready is None or ready > client.now:
            if ready is not None and (not client.flying or ready < client.flying[0][0]):
                client.now = ready
                continue
            client.now, ticket = client.flying.pop(0)
            limiter.answered(ticket, client.now, 100)
            answered += 1
            continue
        ticket = client.send()
        if ticket.number % 2:
            client.flying.pop()
            client.now += 0.02
            limiter.refused(ticket, client.now, retry_after_s=1e12 if answered < 3 else None)
    assert answered > 50


def test_concurrency_starts_slowly_and_grows_with_every_answer() -> None:
    client = Client(Limiter(Known(most=64), 0.0))
    client.run(1.9)
    assert client.most == 4
    client.run(30)
    assert client.most == 64


def test_growth_wants_the_places_to_be_used() -> None:
    limiter = Limiter(Known(most=64), 0.0)
    for moment in range(100):  # one at a time
        ticket = limiter.sent(moment, 1)
        limiter.answered(ticket, moment + 0.5, 1)
    assert limiter.level(Kind.CONCURRENCY) == 4


def test_what_was_withdrawn_counts_nowhere() -> None:
    limiter = Limiter(Known(4, 60), 0.0)
    for _ in range(3):
        limiter.withdrawn(limiter.sent(0.0, 5), 0.0)
    assert limiter.ready_at(0.0, 5) == 0.0
    assert limiter.in_flight == 0
    assert limiter.used(Kind.REQUESTS, 0.0) == limiter.used(Kind.TOKENS, 0.0) == 0


def test_refusals_of_one_moment_cut_once() -> None:
    client = Client(Limiter(Known(most=64), 0.0))
    client.run(20)
    limiter = client.limiter
    tickets = [ticket for _, ticket in client.flying]
    for ticket in tickets[-6:]:
        limiter.refused(ticket, client.now)
    limiter.answered(tickets[0], client.now, 1)
    for ticket in tickets[1:10]:
        limiter.answered(ticket, client.now, 1)
    assert limiter.level(Kind.CONCURRENCY) == 64  # nothing is decided before the probe
    probe = client.send()
    limiter.answered(probe, client.now + 2, 1)
    assert limiter.level(Kind.CONCURRENCY) == len(tickets) - 6


def test_faults_of_the_server_pause_growth_and_cut_nothing() -> None:
    limiter = Limiter(Known(most=64), 0.0)
    tickets = [limiter.sent(0.0, 1) for _ in range(4)]
    limiter.lost(tickets[0], 1.0)
    for ticket in tickets[1:]:
        limiter.answered(ticket, 1.0, 1)
    assert limiter.level(Kind.CONCURRENCY) == 4
    again = [limiter.sent(8.0, 1) for _ in range(4)]
    limiter.answered(again[0], 8.5, 1)
    assert limiter.level(Kind.CONCURRENCY) == 5


def refused_alone(limiter: Limiter, now: float, retry_after_s: float | None = None) -> None:
    limiter.refused(limiter.sent(now, 1), now + 0.1, retry_after_s=retry_after_s)


def test_a_wait_that_the_server_names_is_kept_but_never_for_ever() -> None:
    limiter = Limiter(Known(4), 0.0)
    refused_alone(limiter, 0.0, retry_after_s=7)
    assert limiter.ready_at(0.2, 1) == pytest.approx(7.1)
    limiter = Limiter(Known(4), 0.0)
    refused_alone(limiter, 0.0, retry_after_s=86_400)
    assert limiter.ready_at(0.2, 1) == pytest.approx(120.1)


def test_a_refusal_before_anything_was_used_teaches_no_limit() -> None:
    """A resumed run may find its minute used up by what it was before."""
    limiter = Limiter(Known(4), 0.0)
    refused_alone(limiter, 0.0)
    assert limiter.level(Kind.REQUESTS) == limiter.level(Kind.TOKENS) == float("inf")


def test_while_it_waits_one_probe_at_a_time_leaves_and_ever_more_seldom() -> None:
    limiter, now, gaps = Limiter(Known(8), 0.0), 0.0, []
    refused_alone(limiter, now)
    for _ in range(7):
        ready = limiter.ready_at(now + 0.1, 1)
        assert ready is not None
        gaps.append(ready - now)
        now = ready
        probe = limiter.sent(now, 1)
        waits = limiter.ready_at(now, 1)
        assert waits is None or waits > now
        limiter.refused(probe, now + 0.1)
    assert gaps == sorted(gaps)
    assert gaps[-1] <= 60.0


def test_what_the_server_says_of_its_limits_is_kept() -> None:
    client = Client(Limiter(Known(50), 0.0), seconds=0.1)
    client.limiter.told(Told(requests=120, tokens=None))
    client.run(130)
    assert most_within(client.sent, 60.0) <= 120
    client.limiter.told(Told(requests=10_000))
    assert client.limiter.level(Kind.REQUESTS) == 120
