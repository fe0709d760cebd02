"""What is said of a request that a cassette has no answer to."""

import json

import pytest

from stepeval.api.nearest import why_missing
from stepeval.store.cassette_entry import Asked, asked

URL = "https://h/v1/chat/completions"
BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
KNOWN = [asked(URL, BODY, 0), asked(URL, {**BODY, "model": "other", "seed": 1}, 0)]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (asked(URL, BODY, 0), "used up"),
        (asked(URL, BODY, 3), "fewer epochs, and this is epoch 3"),
        (asked("http://127.0.0.1:1/v1/chat/completions", BODY, 0), "add --base-url https://h/v1,"),
        (asked(URL, {**BODY, "temperature": None}, 0), "differs in temperature)"),
        (asked(URL, {**BODY, "seed": 2, "model": "other"}, 0), "differs in seed)"),
        (asked(URL, {"model": "m"}, 0), "differs in messages)"),
    ],
)
def test_the_difference_is_named(wanted: Asked, said: str) -> None:
    told = why_missing(wanted, KNOWN)
    assert said in told
    assert "--record" in told


def test_a_cassette_without_an_entry_is_told() -> None:
    assert "no entry" in why_missing(KNOWN[0], [])


def test_a_hostile_name_is_cut_and_a_million_entries_are_not_read() -> None:
    known = [("u", json.dumps({"x" * 10_000: n}), 0) for n in range(3_000)]
    assert len(why_missing(KNOWN[0], known)) < 400
    assert "messages, model, x" in why_missing(KNOWN[0], [*known, KNOWN[1]])
