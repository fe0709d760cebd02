"""What a gate's verdicts and a race's picks are worth, and what they cost in calls.

Every bar is that of the very classes that ``gate``, ``run --gate`` and ``run --race`` drive, in
worlds whose truth is known: 500 items, a margin of 5 points, 5% per verdict, baselines of five runs
an item. Calls are those of the whole course before confirmation, canary included.
"""

from collections.abc import Iterator

from benchmarks.bars import Bar
from benchmarks.false_alarms import alarms
from benchmarks.gate_trials import MARGIN, Tally, fixed, least_calls, scenes, tally
from benchmarks.race_trials import SCENES, raced
from benchmarks.worlds import World
from stepeval.analysis.design import Rules

_FULL, _QUICK = 2_000, 200
_POINTS = 100
_MOST_WRONG = 0.05
_NOMINAL = 1 - Rules(MARGIN).alpha_safe - Rules(MARGIN).alpha_drop


def bars(*, quick: bool) -> Iterator[Bar]:
    n = _QUICK if quick else _FULL
    for name, world in scenes():
        yield from _unchanged(name, world, n)
        yield from _at_the_margin(name, world, n)
        yield from _far_worse(name, world, n)
    yield from _epochs(n)
    yield from _anytime(n)
    yield from _false_alarms(n)
    yield from _races(n // 4)


def _unchanged(name: str, world: World, n: int) -> Iterator[Bar]:
    found, whole = tally(world, 0.0, n), fixed(world, 0.0, n)
    least = f"no procedure below {least_calls(world):.0f}; {_confirmed(found)}"
    yield Bar(f"unchanged, {name}: calls", found.calls, 180, "calls", least)
    yield _percent(f"unchanged, {name}: regressed", found.regressed, 4, _whole(whole.regressed))
    yield _percent(f"unchanged, {name}: safe", found.safe, 94, _whole(whole.safe), at_least=True)
    coverage = f"of a nominal {_POINTS * _NOMINAL:.1f}"
    yield _percent(
        f"unchanged, {name}: interval covers", found.covered, 90, coverage, at_least=True
    )


def _at_the_margin(name: str, world: World, n: int) -> Iterator[Bar]:
    found, whole = tally(world, MARGIN, n), fixed(world, MARGIN, n)
    after = f"{_confirmed(found)}; {_whole(whole.regressed)}"
    yield _percent(f"5 worse, {name}: caught", found.caught, 85, after, at_least=True)
    most = _POINTS * (_MOST_WRONG + found.noise(_MOST_WRONG))
    yield _percent(f"5 worse, {name}: safe", found.safe, most, _whole(whole.safe))


def _far_worse(name: str, world: World, n: int) -> Iterator[Bar]:
    found = tally(world, 2 * MARGIN, n)
    yield Bar(f"10 worse, {name}: calls", found.calls, 140, "calls", _confirmed(found))
    caught = found.caught + found.drifted
    yield _percent(f"10 worse, {name}: caught", caught, 99, _confirmed(found), at_least=True)


def _epochs(n: int) -> Iterator[Bar]:
    rules = Rules(MARGIN, epochs=3)
    for name, world in list(scenes())[:2]:
        same, worse = (tally(world, drop, n, rules=rules) for drop in (0.0, MARGIN))
        where = f"3 epochs, {name}"
        said = f"safe {_POINTS * same.safe:.1f}% after {same.calls:.0f} calls"
        yield _percent(f"unchanged, {where}: regressed", same.regressed, 4, said)
        most = _POINTS * (_MOST_WRONG + worse.noise(_MOST_WRONG))
        yield _percent(f"5 worse, {where}: safe", worse.safe, most, _confirmed(worse))


def _anytime(n: int) -> Iterator[Bar]:
    rules = Rules(MARGIN, anytime=True)
    same, worse = (tally(World(), drop, n, rules=rules) for drop in (0.0, MARGIN))
    said = f"safe {_POINTS * same.safe:.1f}% after {same.calls:.0f} calls"
    yield _percent("unchanged, anytime: regressed", same.regressed, 4, said)
    most = _POINTS * (_MOST_WRONG + worse.noise(_MOST_WRONG))
    yield _percent("5 worse, anytime: safe", worse.safe, most, _confirmed(worse))


def _false_alarms(n: int) -> Iterator[Bar]:
    for repeats in (1, 5):
        found = alarms(n, 100, repeats)
        plain = (
            f"2 points down at a plain threshold: {_POINTS * found.plain:.1f}%; above 10% for "
            f"{_POINTS * found.unlucky_plain:.0f}% of baselines, with the gate for "
            f"{_POINTS * found.unlucky_gate:.0f}%"
        )
        name = f"false alarms, {n:,} baselines of {repeats} {'run' if repeats == 1 else 'runs'}"
        yield _percent(name, found.gate, 5, plain)
        worse = alarms(n, 5, repeats, drop=0.1)
        said = f"plain threshold: {_POINTS * worse.plain:.1f}%"
        yield _percent(f"{name}: 10 points caught", worse.gate, 98, said, at_least=True)


def _races(n: int) -> Iterator[Bar]:
    for name, changes in SCENES.items():
        found = raced(changes, n)
        said = f"grid {_POINTS * found.grid_errors:.1f}%"
        yield Bar(f"race, {name}: cheaper", found.saving, 2, "x", said, at_least=True)
        more = found.race_errors - found.grid_errors
        wrong = f"race {_POINTS * found.race_errors:.1f}%, {said}"
        yield Bar(f"race, {name}: more wrong picks", _POINTS * more, 3, "points", wrong)


def _percent(name: str, share: float, limit: float, said: str, *, at_least: bool = False) -> Bar:
    return Bar(name, _POINTS * share, limit, "%", said, at_least)


def _confirmed(found: Tally) -> str:
    return (
        f"after confirmation {_POINTS * found.regressed:.1f}% regressed, "
        f"{found.fresh_calls:.0f} calls more"
    )


def _whole(share: float) -> str:
    return f"all 500 items at once {_POINTS * share:.1f}%"
