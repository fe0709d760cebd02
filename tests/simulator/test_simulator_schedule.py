from itertools import pairwise
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.core.errors import UsageError
from stepeval.simulator.behaviour import plan
from stepeval.simulator.cache import PromptCache
from stepeval.simulator.schedule import EventKind, duration_ns, schedule
from stepeval.simulator.speed import Speed

_BODY = {"model": "step-3.7-flash", "messages": [{"role": "user", "content": "Hello"}]}
_MS = 1_000_000


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 200),
    n=st.integers(1, 3),
    limit=st.none() | st.integers(1, 60),
    scale=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_the_events_add_up_to_the_plan(seed: int, n: int, limit: int | None, scale: float) -> None:
    planned = plan({**_BODY, "n": n, "max_tokens": limit}, {}, seed)
    events = schedule(planned, Speed(scale=scale))
    assert sum(event.tokens for event in events) == planned.completion_tokens
    assert [event.delay_ns for event in events] == sorted(event.delay_ns for event in events)
    for index, choice in enumerate(planned.choices):
        own = [event for event in events if event.choice == index]
        assert [event.first for event in own] == [True] + [False] * (len(own) - 1)
        assert own[-1].kind is EventKind.FINISH
        for kind, tokens in (
            (EventKind.REASONING, choice.reasoning),
            (EventKind.ANSWER, choice.answer),
        ):
            assert "".join(e.text for e in own if e.kind is kind) == "".join(tokens)


def test_choices_take_turns_even_without_delays() -> None:
    events = schedule(plan({**_BODY, "n": 2}, {}, 1), Speed(scale=0))
    order = [event.choice for event in events]
    assert order not in (sorted(order), sorted(order, reverse=True))


def test_without_jitter_the_pace_is_regular() -> None:
    body = {**_BODY, "max_tokens": 64}
    events = schedule(plan(body, {}, 1), Speed(ttft_ms=200, itl_ms=20, jitter=0))
    spoken = [event for event in events if event.tokens]
    assert [event.tokens for event in spoken] == [1] * 64
    assert spoken[0].delay_ns == 200 * _MS
    gaps = {b.delay_ns - a.delay_ns for a, b in pairwise(spoken)}
    assert gaps == {20 * _MS}


def test_a_fast_model_sends_several_tokens_in_a_chunk() -> None:
    sizes = {event.tokens for event in schedule(plan(_BODY, {}, 1), Speed()) if event.text}
    assert max(sizes) > 1
    assert len(sizes) > 2


def test_more_effort_waits_longer_for_its_first_token_and_in_all() -> None:
    first, whole = [], []
    for effort in ("low", "medium", "high"):
        plans = [plan({**_BODY, "reasoning_effort": effort}, {}, seed) for seed in range(100)]
        timed = [next(e for e in schedule(p, Speed()) if e.tokens).delay_ns for p in plans]
        first.append(mean(timed))
        whole.append(mean(duration_ns(p, Speed()) for p in plans))
    assert first == sorted(first)
    assert whole == sorted(whole)


def test_a_cached_prompt_is_read_sooner() -> None:
    cold = plan(_BODY, {}, 1)
    warm = plan(_BODY, {}, 1, cached_tokens=cold.prompt_tokens)
    assert duration_ns(warm, Speed()) < duration_ns(cold, Speed())
    first = [schedule(each, Speed())[0].delay_ns for each in (warm, cold)]
    assert first[0] < first[1] / 5


def test_scale_zero_waits_for_nothing() -> None:
    planned = plan(_BODY, {}, 1)
    assert duration_ns(planned, Speed(scale=0)) == 0
    assert {event.delay_ns for event in schedule(planned, Speed(scale=0))} == {0}


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_an_absurd_speed_is_refused(value: float) -> None:
    with pytest.raises(UsageError, match="itl_ms must be 0 or more"):
        Speed(itl_ms=value)


def test_the_prompt_cache_counts_whole_blocks_of_the_prefix() -> None:
    cache = PromptCache()
    prompt = b"a" * 1024 + b"b" * 1024 + b"c" * 100
    assert cache.read(prompt) == 0
    assert cache.read(prompt) == 512
    assert cache.read(b"a" * 1024 + b"x" * 1024) == 256
    assert cache.read(b"b" * 1024) == 0  # the same block, but not at the start
    assert cache.read(b"a" * 1023) == 0  # under 256 tokens nothing is cached


def test_a_prompt_whose_start_was_forgotten_is_not_cached() -> None:
    cache = PromptCache(blocks=2)
    prompt = b"a" * 1024 + b"b" * 1024 + b"c" * 1024
    assert [cache.read(prompt), cache.read(prompt)] == [0, 0]


def test_the_prompt_cache_forgets_what_was_used_longest_ago() -> None:
    cache = PromptCache(blocks=2)
    for prompt in (b"a", b"b", b"a", b"c"):
        cache.read(prompt * 1024)
    assert cache.read(b"a" * 1024) == 256
    assert cache.read(b"b" * 1024) == 0
