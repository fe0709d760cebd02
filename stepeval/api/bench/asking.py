"""What a benchmark is asked for becomes a plan, or one sentence that says what does not fit."""

import re
from dataclasses import dataclass

from stepeval.api.bench.pace import Pace
from stepeval.api.bench.words import numbers, objectives, seconds, span, within
from stepeval.core.errors import UsageError
from stepeval.core.load import LoadPlan, Shape

_FEWEST_REQUESTS = 100  # p95 needs 90 of them
_IN_FLIGHT_SHARE = 2  # measured requests for each one in flight, at least
_USUAL_CONCURRENCY = 8.0
_USUAL_WARMUP_S = 2.0
_MOST_IN_FLIGHT = 20_000
_SLOWEST_RATE, _FASTEST_RATE = 1e-9, 1e6  # requests a second; slower ones have no time in 64 bits
_BURSTINESS = (0.01, 1000.0)  # beyond, gaps are nothing or all alike to the clock
_REPLAY_SPEED = (0.001, 1000.0)
_LONGEST_REPLAY_S = 30 * 86_400.0
_ARRIVALS = (Shape.CONSTANT, Shape.POISSON, Shape.GAMMA)


@dataclass(frozen=True, slots=True)
class LoadAsk:
    """As on the command line; None and empty: not said. ``trace``: arrivals to replay, in ns."""

    concurrency: int | None = None
    rate: float | None = None
    arrivals: str | None = None
    burstiness: float | None = None
    ramp: str | None = None
    sweep: str | None = None
    find_rate: str | None = None
    trace: tuple[int, ...] | None = None
    replay_speed: float | None = None
    requests: int | None = None
    duration: str | None = None
    warmup: str | None = None
    repeats: int = 1
    slo: tuple[str, ...] = ()
    seed: int = 0
    workers: int = 1
    unique_prefix: bool = False
    vocabulary: str | None = None


@dataclass(frozen=True, slots=True)
class _Loads:
    """``start``: where a ramp begins; ``search``: between which loads."""

    shape: Shape
    loads: tuple[float, ...]
    start: float = 0.0
    search: tuple[float, ...] = ()


def plan_load(ask: LoadAsk) -> Pace:
    """Raises UsageError: the wishes contradict each other, or one cannot be read."""
    chosen = _loads(ask)
    limits = objectives(ask.slo)
    if chosen.search and not limits:
        raise UsageError("--find-rate needs to know what is fast enough: --slo ttft=500ms")
    requests, duration_s = _bounds(ask, chosen)
    warm_requests, warm_s, words = _warmup(ask.warmup, chosen.shape)
    _check_crowd(ask, chosen)
    _check_rates(chosen)
    plan = LoadPlan(
        shape=chosen.shape,
        loads=chosen.loads,
        requests=requests,
        duration_s=duration_s,
        warmup=words,
        repeats=ask.repeats,
        seed=ask.seed,
        workers=ask.workers,
        burstiness=1.0 if ask.burstiness is None else ask.burstiness,
        search=bool(chosen.search),
        unique_prefix=ask.unique_prefix,
        objectives=limits,
        vocabulary=ask.vocabulary,
    )
    return Pace(plan, warm_requests, warm_s, chosen.start, ask.trace or (), chosen.search)


def _loads(ask: LoadAsk) -> _Loads:
    given = {
        "--concurrency": ask.concurrency,
        "--rate": ask.rate,
        "--ramp": ask.ramp,
        "--sweep": ask.sweep,
        "--find-rate": ask.find_rate,
        "--replay": ask.trace,
    }
    said = [option for option, value in given.items() if value is not None]
    if len(said) > 1:
        raise UsageError(f"{said[0]} and {said[1]} both say what the load is; leave one out")
    option = said[0] if said else "--concurrency"
    arrivals = _arrivals(ask, option)
    if ask.replay_speed is not None and ask.trace is None:
        raise UsageError("--replay-speed goes with --replay")
    if ask.trace is not None:
        return _Loads(Shape.REPLAY, (_speed(ask.trace, ask.replay_speed),))
    if ask.ramp is not None:
        start, stop = span(ask.ramp, "--ramp", "FROM:TO", least=0)
        return _Loads(Shape.RAMP, (stop,), start)
    if ask.find_rate is not None:
        low, high = span(ask.find_rate, "--find-rate", "LOW:HIGH")
        if low >= high:
            raise UsageError(f"--find-rate {ask.find_rate}: the lower rate comes first")
        return _Loads(arrivals or Shape.CONSTANT, (), search=(low, high))
    if ask.sweep is not None:
        return _Loads(arrivals or Shape.CLOSED, numbers(ask.sweep, "--sweep"))
    if ask.rate is not None:
        return _Loads(arrivals or Shape.CONSTANT, (ask.rate,))
    return _Loads(Shape.CLOSED, (float(ask.concurrency or _USUAL_CONCURRENCY),))


def _arrivals(ask: LoadAsk, option: str) -> Shape | None:
    if ask.arrivals is not None and option not in {"--rate", "--sweep", "--find-rate"}:
        raise UsageError(f"--arrivals {ask.arrivals} goes with --rate, --sweep or --find-rate")
    shape = None if ask.arrivals is None else Shape(ask.arrivals)
    if ask.burstiness is not None and shape is not Shape.GAMMA:
        raise UsageError("--burstiness goes with --arrivals gamma")
    if shape is Shape.GAMMA and ask.burstiness is None:
        raise UsageError("--arrivals gamma needs --burstiness: below 1 in bursts, above 1 evenly")
    if ask.burstiness is not None:
        within(ask.burstiness, "--burstiness", *_BURSTINESS)
    return shape


def _speed(trace: tuple[int, ...], asked: float | None) -> float:
    speed = 1.0 if asked is None else within(asked, "--replay-speed", *_REPLAY_SPEED)
    takes_s = (max(trace) - min(trace)) / 1e9 / speed
    if takes_s > _LONGEST_REPLAY_S:
        raise UsageError(
            f"--replay: these arrivals take {takes_s / 86_400:,.0f} days, and "
            f"{_LONGEST_REPLAY_S / 86_400:.0f} at most are replayed; if their times are in "
            "milliseconds, say --replay-unit ms"
        )
    return speed


def _check_rates(chosen: _Loads) -> None:
    if chosen.shape in (Shape.CLOSED, Shape.REPLAY):
        return
    starts = (chosen.start,) if chosen.start else ()
    for rate in (*chosen.loads, *chosen.search, *starts):
        if not _SLOWEST_RATE <= rate <= _FASTEST_RATE:
            raise UsageError(
                f"{rate:g} requests a second is no rate: it is above 0 "
                f"(at least {_SLOWEST_RATE:g}) and at most {_FASTEST_RATE:,.0f}"
            )


def _bounds(ask: LoadAsk, chosen: _Loads) -> tuple[int | None, float | None]:
    if ask.requests is not None and ask.duration is not None:
        raise UsageError("--requests and --duration both say when to end; leave one out")
    if ask.duration is not None:
        return None, seconds(ask.duration, "--duration")
    if chosen.shape is Shape.RAMP:
        raise UsageError("--ramp needs --duration: the time in which the rate is to rise")
    if ask.requests is not None or chosen.shape is Shape.REPLAY:
        return ask.requests, None
    in_flight = max(chosen.loads) if chosen.shape is Shape.CLOSED else 0
    return max(_FEWEST_REQUESTS, round(_IN_FLIGHT_SHARE * in_flight)), None


def _warmup(text: str | None, shape: Shape) -> tuple[int | None, float | None, str]:
    """Requests, seconds, and both in words."""
    if text is None:
        if shape is Shape.CLOSED:
            return None, None, "one request for each in flight"
        if shape in _ARRIVALS:
            return None, _USUAL_WARMUP_S, f"{_USUAL_WARMUP_S:g} s"
        return 0, None, "none"
    if re.fullmatch("[0-9]{1,9}", text.strip()):
        if shape is Shape.RAMP and int(text):
            raise UsageError("--warmup of a ramp is a time: its first part, such as 5s")
        return int(text), None, f"{int(text):,} requests" if int(text) else "none"
    warm_s = seconds(text, "--warmup (a number of requests, or a time)")
    return None, warm_s, f"{warm_s:g} s"


def _check_crowd(ask: LoadAsk, chosen: _Loads) -> None:
    if chosen.shape is not Shape.CLOSED:
        return
    for load in chosen.loads:
        if load != round(load):
            raise UsageError(
                f"--sweep {ask.sweep}: {load:g} requests cannot be in flight; "
                "rates are swept with --arrivals constant"
            )
        if load > _MOST_IN_FLIGHT:
            raise UsageError(f"{load:,.0f} in flight is more than {_MOST_IN_FLIGHT:,}")
    if ask.requests is not None and ask.requests < max(chosen.loads):
        raise UsageError(
            f"--requests {ask.requests} cannot hold {max(chosen.loads):.0f} in flight; "
            f"ask for {max(chosen.loads):.0f} or more"
        )
    if ask.workers > min(chosen.loads):
        raise UsageError(
            f"--workers {ask.workers}: with {min(chosen.loads):.0f} in flight there is no work "
            "for each"
        )
