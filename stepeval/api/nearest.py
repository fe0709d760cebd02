"""Why a cassette has no answer to a request: how the most similar one that it has differs."""

import json
from collections.abc import Sequence
from itertools import islice

from stepeval.core.chat import JsonObject
from stepeval.store.cassette_entry import Asked

_COMPARED = 2_000  # a cassette may have a million
_LONGEST_NAME = 60
_AGAIN = "record it again with stepeval run SUITE --record FILE"


def why_missing(wanted: Asked, known: Sequence[Asked]) -> str:
    """The second half of a sentence, and what to do. ``known`` are all requests of the cassette."""
    url, body, epoch = wanted
    if wanted in known:
        return f"those it has are used up: {_AGAIN}"
    epochs = {has for its_url, its_body, has in known if (its_url, its_body) == (url, body)}
    if epochs:
        return f"it was recorded with fewer epochs, and this is epoch {epoch}: {_AGAIN}"
    for its_url, its_body, _ in known:
        if its_body == body:
            recorded = its_url.removesuffix("/chat/completions")[:_LONGEST_NAME]
            return f"it was recorded from another address: add --base-url {recorded}, or {_AGAIN}"
    names = _differing(json.loads(body), known)
    if not names:
        return f"it has no entry: {_AGAIN}"
    listed = ", ".join(name[:_LONGEST_NAME] for name in names)
    return f"the suite has changed since (the nearest request differs in {listed}): {_AGAIN}"


def _differing(body: JsonObject, known: Sequence[Asked]) -> list[str]:
    """The names of the body's fields that the most similar one has not, or has otherwise."""
    others = (json.loads(text) for text in islice(dict.fromkeys(k[1] for k in known), _COMPARED))
    nothing = object()
    found = (
        [name for name in sorted(body.keys() | other.keys())
         if body.get(name, nothing) != other.get(name, nothing)]
        for other in others
    )  # fmt: skip
    return min(found, key=len, default=[])
