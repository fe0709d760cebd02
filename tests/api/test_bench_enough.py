"""What so few requests cannot tell is told before they are paid for."""

import pytest

from stepeval.api.bench.asking import LoadAsk, plan_load
from stepeval.api.bench.enough import too_few


@pytest.mark.parametrize(
    ("ask", "arms", "told"),
    [
        (LoadAsk(), 1, ["p99 needs 459 requests; 100 are asked for"]),
        (LoadAsk(), 2, ["p95 needs 90 requests and p99 459; 50 are asked for of each arm"]),
        (LoadAsk(rate=20, duration="3s"), 1, ["p95 needs 90 requests and p99 459; 60 are asked"]),
        (LoadAsk(requests=100, repeats=5), 1, []),
        (LoadAsk(duration="3s"), 1, []),  # of a closed loop only its end can tell
        (
            LoadAsk(rate=5, requests=72, slo=("ttft=1s",)),
            1,
            ["p95 needs", "95% keep the objectives takes 73; 72 are asked for"],
        ),
        (LoadAsk(find_rate="5:9", requests=19, slo=("ttft=1s",)), 1, ["p95 needs"]),
        (LoadAsk(find_rate="5:9", requests=18, slo=("e2e=1s",)), 1, ["p95", "4 times at most"]),
    ],
)
def test_hints(ask: LoadAsk, arms: int, told: list[str]) -> None:
    hints = list(too_few(plan_load(ask), arms))
    assert len(hints) == len(told)
    assert all(part in hint for part, hint in zip(told, hints, strict=True)), hints
