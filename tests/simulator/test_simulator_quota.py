"""Three ways to count a minute, each held against its definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.simulator.limits import Account, AccountLimits, Charge, Dip
from stepeval.simulator.quota import Counting, quota

_S = 1_000_000_000
_MOMENTS = st.lists(st.integers(0, 20 * _S), max_size=80)


def admitted(counting: Counting, gaps: list[int], limit: int) -> list[int]:
    found, now, kept = quota(counting, 60), 17 * _S, []
    for gap in gaps:
        now += gap
        if not found.wait_ns(now, 1, limit):
            found.charge(now, 1, limit)
            kept.append(now)
    return kept


@given(_MOMENTS, st.integers(1, 10))
def test_a_sliding_minute_never_holds_more(gaps: list[int], limit: int) -> None:
    kept = admitted(Counting.SLIDING, gaps, limit)
    assert all(kept[n + limit] - at >= 60 * _S for n, at in enumerate(kept[:-limit]))


@given(_MOMENTS, st.integers(1, 10))
def test_a_minute_of_the_clock_never_holds_more(gaps: list[int], limit: int) -> None:
    minutes = [at // (60 * _S) for at in admitted(Counting.FIXED, gaps, limit)]
    assert all(minutes.count(minute) <= limit for minute in minutes)


@given(_MOMENTS, st.integers(1, 10))
def test_a_bucket_gives_its_content_and_what_flowed_in(gaps: list[int], limit: int) -> None:
    kept = admitted(Counting.BUCKET, gaps, limit)
    for first, begin in enumerate(kept):
        for last, end in enumerate(kept[first:], start=first):
            assert last - first + 1 <= limit + (end - begin) * limit / (60 * _S) + 1e-6


@pytest.mark.parametrize("counting", Counting)
def test_after_the_wait_it_tells_of_there_is_room(counting: Counting) -> None:
    found, now = quota(counting, 60), 5 * _S
    for _ in range(3):
        assert not found.wait_ns(now, 1, 3)
        found.charge(now, 1, 3)
    wait = found.wait_ns(now, 1, 3)
    assert wait > 0
    assert found.wait_ns(now + wait - _S // 100, 1, 3)
    assert not found.wait_ns(now + wait + 1, 1, 3)


@pytest.mark.parametrize(
    ("charge", "at_first", "at_last"),
    [(Charge.PARTS, 60, 10), (Charge.ADMISSION, 10, 10), (Charge.COMPLETION, 110, 10)],
)
def test_tokens_are_charged_when_it_is_said(charge: Charge, at_first: int, at_last: int) -> None:
    """What a prompt of 50 and an answer of 50 leave of 110, before and after the answer's end."""

    def room(*, finished: bool) -> int:
        account = Account(AccountLimits(tokens_per_minute=110, charge=charge))
        assert account.admit(0, 50, 50) is None
        if finished:
            account.finish(0, 50, 50)
        if charge is Charge.COMPLETION:  # whose prompts all fit: what ended shows what is left
            left = 110 - 100 * finished
            account.finish(0, left - 1)
            assert account.admit(1, 1) is None
            account.finish(0, 1)
            return left if account.admit(1, 1) is not None else 0
        return next(left for left in range(200, 0, -1) if account.admit(1, left) is None)

    assert room(finished=False) == at_first
    assert room(finished=True) == at_last


def test_limits_dip_and_recover() -> None:
    account = Account(AccountLimits(concurrency=4, dip=Dip(10, 20)))
    assert [account.admit(at * _S, 1) is None for at in (0, 1, 11)] == [True, True, False]
    assert [account.admit(at * _S, 1) is None for at in (20, 21, 22)] == [True, True, False]
