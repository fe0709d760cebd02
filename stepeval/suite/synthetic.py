"""Prompts made of common words, for a server's speed rather than a model's wit."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from stepeval.core.chat import Request
from stepeval.core.load import ASKED_INPUT, ASKED_OUTPUT
from stepeval.core.ports import MakeRequest
from stepeval.core.task import Cell, Sample
from stepeval.suite.lengths import Lengths

# Short and common: nearly every vocabulary has each of them, with its space, as one token.
_TEXT = """
the and for are but not you all any can had her was one our out day get has him his how man new
now old see two way who boy did its let put say she too use that with have this will your from
they know want been good much some time very when come here just like long make many more only
over such take than them well were what year work back call came each even find first give going
great hand help home keep kind last left life line little look made may most move must name need
never next night number off often open other own part people place point right run same school
set should show side small sound still stop story study tell thing think three through turn
under water where while white word world would write
"""
WORDS = tuple(_TEXT.split())
_PASSAGE, _PASSAGES = 16, 512  # words in each; how many there are
_SAMPLES = 64  # lengths that are drawn; the words of a prompt differ from request to request
_TASK = (
    "Take the words above as a beginning and write a very long plain text that goes on from "
    "them, of {words} words or more. Do not stop early and do not sum up."
)
_TASK_TOKENS = 45  # of the task, and of what chat templates put around a message
_WORDS_PER_TOKEN = 0.75


def synthetic_suite() -> str:
    """The YAML of a suite that :func:`synthetic_samples` fill."""
    suite: dict[str, Any] = {
        "stepeval": 1,
        "name": "synthetic",
        "defaults": {"stream": True, "stream_options": {"include_usage": True}},
        "dataset": [{"id": "0", "input": "words"}],
    }
    return json.dumps(suite)


def synthetic_samples(inputs: Lengths, outputs: Lengths, *, seed: int) -> tuple[Sample, ...]:
    """Tasks with the lengths they shall have, in tokens; :func:`fill` makes the rest of them."""
    rng = random.Random(f"{seed}:lengths")
    samples = []
    for number in range(_SAMPLES):
        given, wanted = inputs.draw(rng), outputs.draw(rng)
        task = _TASK.format(words=max(round(wanted * _WORDS_PER_TOKEN), 1))
        lengths = {ASKED_INPUT: given, ASKED_OUTPUT: wanted}
        samples.append(Sample(f"{number:03}", task, metadata=lengths))
    return tuple(samples)


def fill(make: MakeRequest, *, seed: int) -> MakeRequest:
    """Requests of synthetic samples with words in front of the task and a bound on the answer.

    The words depend on the seed, the sample and the epoch: a prompt never comes again in a run,
    and arms get the same ones. A ``max_tokens`` of the arm's own stays.
    """
    passages = _passages(seed)

    def filled(cell: Cell) -> Request:
        request = make(cell)
        lengths = cell.sample.metadata
        count = lengths[ASKED_INPUT] - _TASK_TOKENS
        rng = random.Random(f"{seed}:{cell.sample.id}:{cell.epoch}")
        text = _text(max(count, 0) or lengths[ASKED_INPUT], passages, rng)
        if count > 0:  # else the task alone would be longer than the prompt shall be
            text = f"{text}\n\n{request.messages[0].content}"
        message = replace(request.messages[0], content=text)
        params = {"max_tokens": lengths[ASKED_OUTPUT], **request.params}
        return replace(request, messages=(message, *request.messages[1:]), params=params)

    return filled


def _passages(seed: int) -> tuple[str, ...]:
    rng = random.Random(f"{seed}:passages")
    return tuple(" ".join(rng.choices(WORDS, k=_PASSAGE)) for _ in range(_PASSAGES))


def _text(count: int, passages: Sequence[str], rng: random.Random) -> str:
    """``count`` words: the first ones drawn singly, so that no two prompts begin alike; the rest in
    passages, since requests are made while others are measured (512 words: 8 us, singly 27).
    """
    whole = max(count // _PASSAGE - 1, 0)
    head = rng.choices(WORDS, k=count - whole * _PASSAGE)
    return " ".join([*head, *rng.choices(passages, k=whole)])
