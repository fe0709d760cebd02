"""Tokens counted on this machine, where a server tells none. Never taken for the provider's."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from stepeval.core.chat import Response
from stepeval.core.errors import UsageError
from stepeval.core.record import Record, TokenCount
from stepeval.store.run import RunStore

_MOST_BYTES = 256 << 20
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``label``: the file's name and hash; two files of one name are not the same vocabulary."""

    label: str
    tokenizer: Any

    def count(self, text: str) -> int:
        if not text:
            return 0
        known = text.encode("utf-8", "replace").decode()  # a lone surrogate has no token
        return len(self.tokenizer.encode(known, add_special_tokens=False).ids)


def open_vocabulary(path: Path) -> Vocabulary:
    """A ``tokenizer.json``, as model repositories hold it; only this file is read.

    Raises:
        UsageError: The extra is not installed, or the file is no such vocabulary.
    """
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 -- an extra, and seldom wanted
    except ImportError:
        raise UsageError(
            "--tokenizer needs the extra 'tokens': pip install 'stepeval[tokens]'"
        ) from None
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--tokenizer {path}: {error.strerror}") from None
    if len(data) > _MOST_BYTES:
        raise UsageError(f"--tokenizer {path}: larger than {_MOST_BYTES >> 20} MB")
    try:
        tokenizer = Tokenizer.from_str(data.decode())
    except Exception as error:  # noqa: BLE001 -- the library raises this very class
        raise UsageError(f"--tokenizer {path}: is no tokenizer.json ({error})") from None
    return Vocabulary(f"{path.name} sha256:{hashlib.sha256(data).hexdigest()}", tokenizer)


def count_missing(store: RunStore, vocabulary: Vocabulary) -> None:
    """Counts and keeps the tokens of each answer whose server did not, and which is not counted."""
    reader = store.reader()
    already = {count.cell_id for count in reader.token_counts()}
    new = (record for record in reader.records() if record.cell.id not in already)
    counts = _counts(new, vocabulary)
    while batch := list(islice(counts, _BATCH)):
        store.add_counts(batch)


def _counts(records: Iterator[Record], vocabulary: Vocabulary) -> Iterator[TokenCount]:
    """A tool call's tokens depend on how the model wrote it, which only its server knows: an answer
    with one stays uncounted.
    """
    for record in records:
        result = record.result
        if not isinstance(result, Response) or result.usage.output_tokens is not None:
            continue
        if any(choice.tool_calls for choice in result.choices):
            continue
        reasoning = sum(vocabulary.count(choice.reasoning or "") for choice in result.choices)
        answers = sum(vocabulary.count(choice.text) for choice in result.choices)
        asked = sum(map(vocabulary.count, _texts(record.attempts[-1].exchange.body)))
        yield TokenCount(record.cell.id, asked, reasoning + answers, reasoning)


def _texts(body: str) -> Iterator[str]:
    """The texts of the messages as they were sent."""
    for message in json.loads(body)["messages"]:
        content = message.get("content")
        if isinstance(content, str):
            yield content
        for part in content if isinstance(content, list) else ():
            if isinstance(part.get("text"), str):
                yield part["text"]
