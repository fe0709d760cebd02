"""When a service counts as down, when it is tried again, when it is given up."""

import pytest

from stepeval.core.chat import Choice, Failure, FailureKind, Response, Timing, Usage
from stepeval.execution.circuit import Circuit, CircuitState, Patience

ANSWER = Response("1", "m", (Choice(0, "42"),), Usage(), Timing(0, 0, 0, 0))
DOWN = Failure(FailureKind.SERVER, "no", 500)
LIMITED = Failure(FailureKind.RATE_LIMIT, "slow down", 429)
PATIENCE = Patience(give_up_after_s=20.0, failures=3, first_s=1.0, longest_s=4.0)


def state_of(circuit: Circuit) -> CircuitState:
    return circuit.state


def opened(at: float = 0.0) -> Circuit:
    circuit = Circuit(PATIENCE)
    for _ in range(3):
        circuit.note(DOWN, at, probe=False)
    assert state_of(circuit) is CircuitState.OPEN
    return circuit


def test_only_failures_in_a_row_open_it() -> None:
    circuit = Circuit(PATIENCE)
    for result in (DOWN, DOWN, ANSWER, DOWN, DOWN, Failure(FailureKind.BAD_REQUEST, "", 400), DOWN):
        circuit.note(result, 0.0, probe=False)
    assert state_of(circuit) is CircuitState.CLOSED
    circuit.note(DOWN, 0.0, probe=False)
    circuit.note(DOWN, 0.0, probe=False)
    assert state_of(circuit) is CircuitState.OPEN


def test_a_refusal_for_rate_neither_counts_nor_clears() -> None:
    """Else a busy account would pause itself, or a dead service hide behind its rate limiter."""
    circuit = Circuit(PATIENCE)
    for _ in range(50):
        circuit.note(LIMITED, 0.0, probe=False)
    assert state_of(circuit) is CircuitState.CLOSED
    for result in (DOWN, LIMITED, DOWN, LIMITED, DOWN):
        circuit.note(result, 0.0, probe=False)
    assert state_of(circuit) is CircuitState.OPEN


@pytest.mark.parametrize("kind", [FailureKind.CONNECT, FailureKind.TLS])
def test_an_address_that_never_answered_is_a_mistake_and_no_outage(kind: FailureKind) -> None:
    circuit = Circuit(PATIENCE)
    nobody = Failure(kind, "refused")
    for _ in range(10):
        circuit.note(nobody, 0.0, probe=False)
    assert state_of(circuit) is CircuitState.CLOSED
    circuit.note(ANSWER, 0.0, probe=False)
    for _ in range(3):
        circuit.note(nobody, 0.0, probe=False)
    assert state_of(circuit) is CircuitState.OPEN


def test_one_probe_leaves_when_it_is_due_and_none_beside_it() -> None:
    circuit = opened(at=10.0)
    assert circuit.due_s == 11.0
    assert not circuit.admit(10.9)
    assert circuit.admit(11.0)
    assert not circuit.admit(11.0)
    assert not circuit.admit(1_000.0)


@pytest.mark.parametrize("sign", [ANSWER, LIMITED, Failure(FailureKind.BAD_REQUEST, "", 400)])
def test_any_sign_of_life_closes_it(sign: Response | Failure) -> None:
    circuit = opened()
    circuit.admit(1.0)
    circuit.note(sign, 1.5, probe=True)
    assert state_of(circuit) is CircuitState.CLOSED
    assert circuit.admit(1.5)
    assert circuit.in_a_row == 0


def test_waits_double_to_the_longest_and_the_last_probe_leaves_at_the_end() -> None:
    circuit, now, waits = opened(), 0.0, []
    while circuit.state is not CircuitState.GIVEN_UP:
        waits.append(circuit.due_s - now)
        now = circuit.due_s
        assert circuit.admit(now)
        circuit.note(DOWN, now, probe=True)
    assert waits == [1, 2, 4, 4, 4, 4, 1]
    assert now == 20.0
    assert circuit.in_a_row == 3 + len(waits)
    circuit.note(ANSWER, now, probe=False)
    assert state_of(circuit) is CircuitState.GIVEN_UP
    assert not circuit.admit(now)


def test_stragglers_can_only_close_it() -> None:
    """They left before it opened: their failures say nothing new, their answers do."""
    circuit = opened()
    circuit.note(DOWN, 5.0, probe=False)
    assert circuit.due_s == 1.0
    circuit.note(ANSWER, 5.0, probe=False)
    assert state_of(circuit) is CircuitState.CLOSED


def test_a_probe_that_was_never_sent_makes_room_for_the_next() -> None:
    circuit = opened()
    assert circuit.admit(1.0)
    circuit.lose_probe(1.2)
    assert circuit.admit(1.2)
    assert state_of(circuit) is CircuitState.PROBING


def test_nothing_but_refusals_for_so_long_ends_it() -> None:
    """An account with nothing left for today would be asked for ever."""
    circuit = Circuit(PATIENCE)
    for now in (0.0, 10.0, 19.0):
        circuit.note(LIMITED, now, probe=False)
    assert state_of(circuit) is CircuitState.CLOSED
    circuit.note(LIMITED, 20.0, probe=False)
    assert state_of(circuit) is CircuitState.GIVEN_UP
    assert circuit.is_refused
    assert circuit.down_for_s(20.0) == 20.0


def test_one_answer_between_refusals_begins_the_time_anew() -> None:
    circuit = Circuit(PATIENCE)
    for result, now in ((LIMITED, 0.0), (ANSWER, 19.0), (LIMITED, 20.0), (LIMITED, 39.0)):
        circuit.note(result, now, probe=False)
    assert state_of(circuit) is CircuitState.CLOSED
