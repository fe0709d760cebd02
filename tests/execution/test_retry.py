"""Which failures are worth another attempt, and after how long."""

import pytest

from stepeval.core.chat import Failure, FailureKind
from stepeval.execution.retry import decide

AGAIN = {
    FailureKind.CONNECT,
    FailureKind.CONNECT_TIMEOUT,
    FailureKind.TLS_TIMEOUT,
    FailureKind.WRITE_TIMEOUT,
    FailureKind.FIRST_BYTE_TIMEOUT,
    FailureKind.READ_TIMEOUT,
    FailureKind.TOTAL_TIMEOUT,
    FailureKind.DISCONNECTED,
    FailureKind.PROTOCOL,
    FailureKind.LONG_HEAD,
    FailureKind.EXTRA_RESPONSE,
    FailureKind.BAD_STREAM,
    FailureKind.RATE_LIMIT,
    FailureKind.SERVER,
}


@pytest.mark.parametrize("kind", FailureKind)
def test_only_what_may_pass_is_tried_again(kind: FailureKind) -> None:
    assert (decide(Failure(kind, "", 418), 1, 4, 0.0) is not None) == (kind in AGAIN)


@pytest.mark.parametrize(("status", "again"), [(408, 1), (409, 1), (425, 1), (422, 0), (413, 0)])
def test_some_statuses_without_a_kind_of_their_own_may_pass(status: int, again: int) -> None:
    assert (decide(Failure(FailureKind.HTTP, "", status), 1, 4, 0.0) is not None) == bool(again)


@pytest.mark.parametrize(
    ("attempt", "jitter", "seconds"),
    [
        (1, 1.0, 0.5),
        (1, 0.0, 0.25),
        (2, 1.0, 1.0),
        (3, 0.5, 1.5),
        (6, 1.0, 16.0),
        (7, 1.0, 30.0),
        (7, 0.0, 15.0),
        (5000, 1.0, 30.0),
    ],
)
def test_the_wait_doubles_up_to_half_a_minute(attempt: int, jitter: float, seconds: float) -> None:
    assert decide(Failure(FailureKind.SERVER, ""), attempt, 10_000, jitter) == seconds


@pytest.mark.parametrize(
    ("asked", "jitter", "seconds"),
    [(7.0, 0.0, 7.0), (7.0, 1.0, 8.0), (0.0, 0.5, 0.5), (9999.0, 0.0, 120.0)],
)
def test_a_server_gets_the_wait_it_asks_for(asked: float, jitter: float, seconds: float) -> None:
    failure = Failure(FailureKind.RATE_LIMIT, "", 429, retry_after_s=asked)
    assert decide(failure, 3, 4, jitter) == seconds


def test_a_wait_that_is_named_makes_no_failure_worth_retrying() -> None:
    failure = Failure(FailureKind.BAD_REQUEST, "", 400, retry_after_s=1.0)
    assert decide(failure, 1, 4, 0.0) is None


def test_the_last_attempt_is_the_last() -> None:
    failure = Failure(FailureKind.SERVER, "")
    assert decide(failure, 3, 4, 0.0) is not None
    assert decide(failure, 4, 4, 0.0) is None
    assert decide(failure, 1, 1, 0.0) is None


@pytest.mark.parametrize(
    ("spent_s", "asked", "again"),
    [(0.0, None, True), (1799.0, None, True), (1800.0, None, False), (1700.0, 120.0, False)],
)
def test_a_cell_is_tried_for_half_an_hour_at_most(
    spent_s: float, asked: float | None, again: bool
) -> None:
    """The wait counts: one that ends too late is not begun."""
    failure = Failure(FailureKind.SERVER, "", 500, retry_after_s=asked)
    assert (decide(failure, 1, 10, 0.0, spent_s) is not None) == again
