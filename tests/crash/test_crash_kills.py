"""SIGKILL at random instants of whole runs over real sockets; ``python -m benchmarks --only crash``
does the same 200 times.
"""

from pathlib import Path

from benchmarks.kills import CONCURRENCY, sessions


def test_a_killed_run_loses_no_acknowledged_answer_and_asks_for_none_of_them_again(
    tmp_path: Path,
) -> None:
    seen = list(sessions(tmp_path, kills=25, seed=3))
    assert sum(session.killed for session in seen) == 25
    assert sum(0 < session.after < session.before + session.asked for session in seen) > 5
    for session in seen:
        assert session.intact, session
        assert session.doubled == 0, session
        assert session.acknowledged_missing == 0, session
        assert session.asked_again == 0, session
        # The open commit window, and that with what was on its way between server and client.
        assert session.handed_over_missing <= CONCURRENCY, session
        assert session.served_missing <= 2 * CONCURRENCY, session
        if not session.killed:
            assert session.complete, session
            assert session.asked == session.after - session.before, session
