"""A resumed run goes on with the limits that it had learned, and says so."""

from program import Serve, Shell

from stepeval.simulator.limits import AccountLimits
from stepeval.simulator.speed import Speed
from stepeval.store.run import RunReader

SUITE = """\
stepeval: 1
name: s
defaults: {model: step-3.7-flash, max_tokens: 20}
dataset: [%s]
scoring: [numeric]
"""


def test_what_was_learned_of_an_account_is_kept_over_a_pause(shell: Shell, serve: Serve) -> None:
    rows = [f'{{id: s{n}, input: "What is {n} + 1?", target: "{n + 1}"}}' for n in range(120)]
    suite = shell.suite(SUITE % ", ".join(rows))
    server = serve(limits=AccountLimits(concurrency=6), speed=Speed(ttft_ms=20, itl_ms=1))
    began = ("run", suite, "--base-url", server.base_url, "--no-report", "--max-requests", "90")
    shell(*began, code=4)
    before = RunReader(shell.run_folder()).limit_changes()
    assert any(change.why == "refused" for change in before)
    shown = shell("resume", "latest", "--no-report", "--max-requests", "1000")
    assert "times for no verdict" in shown.out
    after = RunReader(shell.run_folder()).limit_changes()[len(before) :]
    first = next(change for change in after if change.kind == "concurrency")
    last = [change for change in before if change.kind == "concurrency"][-1]
    assert (first.why, first.level) == ("kept", last.level)
    sent = sum(request.method == "POST" for request in server.requests())
    assert sent <= 120 + 30  # what was learned once was not learned by refusals again
