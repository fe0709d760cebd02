import socket
import time

import pytest

from stepeval.core.errors import UsageError
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.limits import Account, AccountLimits
from stepeval.simulator.speed import Speed
from stepeval.simulator.thread import RunningSimulator, running

_S = 1_000_000_000
_BODY = {"model": "step-3.7-flash", "messages": [{"role": "user", "content": "Hello"}]}
_FAST = Speed(scale=0)


def test_requests_are_counted_in_a_sliding_window() -> None:
    account = Account(AccountLimits(requests_per_minute=2))
    assert account.admit(0, 1) is None
    assert account.admit(30 * _S, 1) is None
    refusal = account.admit(59 * _S, 1)
    assert refusal is not None
    assert refusal.status == 429
    assert account.admit(60 * _S, 1) is None  # the first one is a minute old
    assert account.admit(61 * _S, 1) is not None
    assert account.admit(90 * _S, 1) is None


def test_a_refused_request_is_not_counted() -> None:
    account = Account(AccountLimits(requests_per_minute=1))
    assert account.admit(0, 1) is None
    for second in range(1, 60):
        assert account.admit(second * _S, 1) is not None
    assert account.admit(60 * _S, 1) is None


def test_tokens_of_prompts_and_answers_are_counted() -> None:
    account = Account(AccountLimits(tokens_per_minute=100))
    assert account.admit(0, 40) is None
    account.finish(10 * _S, 50)
    assert account.admit(20 * _S, 11) is not None
    assert account.admit(20 * _S, 10) is None
    assert account.admit(60 * _S, 40) is None  # the first prompt has left the window


def test_a_prompt_larger_than_the_limit_is_let_in_when_nothing_else_is() -> None:
    assert Account(AccountLimits(tokens_per_minute=10)).admit(0, 50) is None


def test_concurrency_counts_what_is_running() -> None:
    account = Account(AccountLimits(concurrency=1))
    assert account.admit(0, 1) is None
    assert account.admit(0, 1) is not None
    account.finish(1, 1)
    assert account.admit(1, 1) is None


def test_the_wait_it_tells_of_is_long_enough() -> None:
    account = Account(AccountLimits(requests_per_minute=1, tell_when=True))
    account.admit(0, 1)
    refusal = account.admit(_S // 2, 1)
    assert refusal is not None
    assert refusal.retry_after_s == 60
    assert account.admit(_S // 2 + 60 * _S, 1) is None


def test_a_limit_nothing_can_meet_is_refused() -> None:
    with pytest.raises(UsageError, match="concurrency must be at least 1"):
        AccountLimits(concurrency=0)
    with pytest.raises(UsageError, match="requests_per_minute must be at least 1"):
        AccountLimits(requests_per_minute=-1)
    with pytest.raises(UsageError, match="window_s must be above 0"):
        AccountLimits(window_s=0)


@pytest.mark.parametrize("tell_when", [False, True])
def test_over_the_limit_the_wire_says_429(tell_when: bool) -> None:
    limits = AccountLimits(requests_per_minute=2, tell_when=tell_when)
    with running(SimulatorConfig(speed=_FAST, limits=limits)) as simulator:
        answers = [simulator.post(_BODY) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    refused = answers[-1]
    assert set(refused.json()["error"]) == {"message", "type"}
    assert ("retry-after" in refused.headers) is tell_when


def _occupy(simulator: RunningSimulator) -> socket.socket:
    """A client whose request keeps the account's only place."""
    before = len(simulator.requests())
    client = socket.create_connection(("127.0.0.1", simulator.port))
    body = b'{"model":"step-3.7-flash","messages":[{"role":"user","content":"a"}]}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
    client.sendall(head % len(body) + body)
    while len(simulator.requests()) == before:
        time.sleep(0.005)
    return client


_ONE_PLACE = SimulatorConfig(speed=Speed(ttft_ms=60_000), limits=AccountLimits(concurrency=1))


def test_a_client_that_left_makes_room() -> None:
    refused = {"x-simulate-fault": "503"}
    with running(_ONE_PLACE) as simulator:
        with _occupy(simulator):
            assert simulator.post(_BODY).status == 429
        while simulator.post(_BODY, refused).status == 429:
            time.sleep(0.005)
        assert simulator.post(_BODY, refused).status == 503


def test_requests_that_were_never_let_in_make_no_room() -> None:
    with running(_ONE_PLACE) as simulator:
        assert [simulator.post(b"no json").status for _ in range(3)] == [400] * 3
        with _occupy(simulator):
            assert [simulator.post(_BODY).status for _ in range(3)] == [429] * 3
