"""Runs that were told to decide something, made by hand."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from report_runs import MadeRun, Text, made_run

from stepeval.analysis.canary import Canary
from stepeval.analysis.looks import Decision, Look, Stage
from stepeval.analysis.race import Drop, Pick, Why
from stepeval.analysis.race_record import Round, pick_note, round_note
from stepeval.core.baseline import Baseline, BaselineArm, ItemValues, rules_id
from stepeval.core.gate import GatePlan, Way


@dataclass(frozen=True)
class GatedRun(MadeRun):
    made_baseline: Baseline | None = None
    made_looks: tuple[Mapping[str, Any], ...] = ()

    def baseline(self) -> Baseline | None:
        return self.made_baseline

    def looks(self) -> tuple[Mapping[str, Any], ...]:
        return self.made_looks


def look(stage: Stage, number: int, items: int, drop: float, decision: Decision) -> Look:
    return Look(
        stage, number, items, items, -0.1, 0.03, -0.17, -0.02, -2.0, 2.1, drop, 2.4, decision
    )


def gated_run(way: Way = Way.SEQUENTIAL, text: Text = str) -> GatedRun:
    """Of 60 items 40 were asked: a drop was seen at the second look and is confirmed."""
    whole = made_run(items=60, arms=["low"], text=text)
    (arm,) = whole.made_suite.arms
    again = replace(arm, name=text("low (confirmation)"))
    records = whole.made_records if way is Way.FIXED else whole.made_records[:40]
    aside = [
        replace(r, cell=replace(r.cell, id=f"again-{r.cell.id}", arm=again, epoch=1))
        for r in records[:5]
    ]
    return GatedRun(
        run_info=replace(
            whole.run_info, gate=GatePlan(way, {"score": 0.05}, None, arm.name, "old")
        ),
        made_suite=replace(whole.made_suite, asides=(again,)),
        made_records=(*records, *(() if way is Way.FIXED else aside)),
        made_scores=tuple(
            s for s in whole.made_scores if s.cell_id in {r.cell.id for r in records}
        ),
        made_baseline=_baseline(whole, text),
        made_looks=() if way is Way.FIXED else _looks(),
    )


def _baseline(run: MadeRun, text: Text) -> Baseline:
    suite = run.made_suite
    items = tuple(
        ItemValues(s.key, s.id, None, (1.0,), (900.0,), (700.0,), (0.001,)) for s in suite.samples
    )
    prompt = replace(suite.prompts[0], id=text("before"))
    server = text("https://api.example")
    arm = BaselineArm("old", "stepfun", server, text("older"), prompt, {}, None, items)
    at = run.run_info.created_at - 40 * 86_400
    return Baseline(
        *(text("main"), suite.name, "h", rules_id(suite.scoring), run.run_info.mode, at),
        *((text("run"),), text("replayed"), (arm,)),
    )


def _looks() -> tuple[Mapping[str, Any], ...]:
    looks = (
        look(Stage.FIRST, 0, 20, 1.5, Decision.GO_ON),
        look(Stage.FIRST, 1, 40, 2.6, Decision.CONFIRM),
        look(Stage.FRESH, 0, 5, 2.7, Decision.REGRESSED),
    )
    canary = {"canary": asdict(Canary(5, 0.02, 0.6, 0.3))}
    return (canary, *({"look": asdict(each)} for each in looks), {"verdict": "regressed"})


def raced_run(text: Text = str) -> GatedRun:
    """Three arms, of which one left after 25 items; medium is the pick."""
    whole = made_run(items=50, text=text)
    low, medium, high = (arm.name for arm in whole.made_suite.arms)
    first = {sample.key for sample in whole.made_suite.samples[:25]}
    records = tuple(
        r for r in whole.made_records if r.cell.arm.name != low or r.cell.sample.key in first
    )
    kept = {record.cell.id for record in records}
    drop = Drop(low, Why.TOO_MUCH_WORSE, high, 25, -0.2, 0.05, 3.0, 2.6)
    rounds = (
        Round(25, {low: 0.7, medium: 0.9, high: 0.92}, (drop,)),
        Round(50, {medium: 0.91, high: 0.92}, ()),
    )
    pick = Pick(medium, 50, (drop,), (high,), 0.08, 400, 50)
    return GatedRun(
        run_info=replace(whole.run_info, gate=GatePlan(Way.RACE, {"score": 0.03})),
        made_suite=whole.made_suite,
        made_records=records,
        made_scores=tuple(s for s in whole.made_scores if s.cell_id in kept),
        made_looks=(*map(round_note, rounds), pick_note(pick)),
    )
