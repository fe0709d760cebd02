"""A baseline as a file for git: JSON with a line for each arm and each item.

The digest is over all of it, and a file is read only if it is, byte for byte but for its line
ends, what would be written of what it says. It comes from whoever can commit: every field is
looked at, and none of it names a file or an address that is opened.
"""

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from stepeval.core.baseline import Baseline, BaselineArm, ItemValues
from stepeval.core.chat import JsonObject, Message, ToolCall
from stepeval.core.errors import StoreError, UsageError
from stepeval.core.record import Mode
from stepeval.core.task import Price, Prompt
from stepeval.store import checked_json as checked
from stepeval.store.checked_json import BadJson
from stepeval.store.codec import dump

_VERSION = 1
_LARGEST = 64 * 1024 * 1024
_MOST_ARMS = 1_000
_MOST_RUNS = 1_000  # of an item
_MOST = 1e12  # milliseconds, or money: nobody waits or pays so much
_VALUES = ("scores", "e2e_ms", "ttft_ms", "costs")
_HEAD = ("stepeval_baseline", "name", "suite", "suite_hash", "scoring", "mode", "made_at", "runs")
_REST = ("untimed", "digest", "arms", "items")
_PRICE = tuple(f.name for f in fields(Price))


def render_baseline(baseline: Baseline) -> str:
    """The file's text, its digest in it."""
    digest = hashlib.sha256(_text(baseline, "").encode("utf-8", "surrogatepass")).hexdigest()
    return _text(baseline, digest)


def write_baseline(baseline: Baseline, path: Path) -> None:
    """All of it or nothing. Raises StoreError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".baseline-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(render_baseline(baseline))
                os.fchmod(handle, 0o644)  # it is for git, and git knows no other
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(f"{path}: the baseline cannot be written: {error.strerror}") from error


def read_baseline(path: Path) -> Baseline:
    """Raises UsageError: it cannot be read, or is not as it was written."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise UsageError(f"{path}: the baseline cannot be read: {reason}") from None
    if len(data) > _LARGEST:
        raise UsageError(f"{path}: larger than a baseline may be ({_LARGEST >> 20} MiB)")
    try:
        return parse_baseline(data)
    except BadJson as error:
        raise UsageError(f"{path}: no baseline that can be used: {error}") from None


def parse_baseline(data: bytes) -> Baseline:
    """Raises BadJson."""
    data = data.replace(b"\r\n", b"\n")
    head = checked.parse_object(data)
    if head.get("stepeval_baseline") != _VERSION:
        raise BadJson(f"it does not begin as one of version {_VERSION} does")
    checked.check_names(head, frozenset((*_HEAD, *_REST)))
    baseline = _read(head)
    if render_baseline(baseline).encode("utf-8", "surrogatepass") != data:
        raise BadJson(
            "it is not as it was written (its digest differs): take the committed file, or make "
            "it anew with stepeval baseline set"
        )
    return baseline


def _text(baseline: Baseline, digest: str) -> str:
    head = {
        "stepeval_baseline": _VERSION,
        **{name: getattr(baseline, name) for name in _HEAD[1:]},
        "runs": list(baseline.runs),
        "untimed": baseline.untimed,
        "digest": digest,
    }
    lines = [f"{_json(name)}: {_json(value)}," for name, value in head.items()]
    lines += ['"arms": [', *_rows([_arm_fields(arm) for arm in baseline.arms]), "],"]
    lines += ['"items": [', *_rows(_item_fields(baseline)), "]"]
    return "{\n" + "\n".join(lines) + "\n}\n"


def _arm_fields(arm: BaselineArm) -> JsonObject:
    return {name: value for name, value in dump(arm).items() if name != "items"}


def _item_fields(baseline: Baseline) -> list[JsonObject]:
    arms = enumerate(baseline.arms)
    return [{"arm": place, **dump(item)} for place, arm in arms for item in arm.items]


def _rows(rows: list[Any]) -> Iterator[str]:
    for place, row in enumerate(rows, 1):
        yield _json(row) + ("," if place < len(rows) else "")


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only its escape can say
        return json.dumps(value, allow_nan=False)
    return text


def _read(head: JsonObject) -> Baseline:
    mode = checked.text(head, "mode")
    if mode not in tuple(Mode):
        raise BadJson(f"mode must be one of {', '.join(Mode)}, not {mode[:40]!r}")
    arms = tuple(_arm(_object(row, "arm")) for row in _list(head, "arms", _MOST_ARMS))
    if len({arm.name for arm in arms}) < len(arms):
        raise BadJson("two of its arms have one name")
    items: list[list[ItemValues]] = [[] for _ in arms]
    for row in _list(head, "items", _LARGEST):
        _add_item(_object(row, "item"), items)
    return Baseline(
        name=checked.text(head, "name"),
        suite=checked.text(head, "suite"),
        suite_hash=checked.text(head, "suite_hash"),
        scoring=checked.text(head, "scoring"),
        mode=Mode(mode),
        made_at=checked.seconds(head, "made_at"),
        runs=tuple(_texts(head, "runs")),
        untimed=_maybe_text(head, "untimed"),
        arms=tuple(replace(arm, items=tuple(own)) for arm, own in zip(arms, items, strict=True)),
    )


def _arm(row: JsonObject) -> BaselineArm:
    checked.check_names(row, frozenset(f.name for f in fields(BaselineArm)) - {"items"})
    return BaselineArm(
        name=checked.text(row, "name"),
        provider=checked.text(row, "provider"),
        server=checked.text(row, "server"),
        model=checked.text(row, "model"),
        prompt=_prompt(checked.mapping(row, "prompt")),
        params=checked.mapping(row, "params"),
        price=None if row["price"] is None else _price(checked.mapping(row, "price")),
    )


def _prompt(row: JsonObject) -> Prompt:
    checked.check_names(row, frozenset(f.name for f in fields(Prompt)))
    form = row["response_format"]
    return Prompt(
        id=checked.text(row, "id"),
        messages=tuple(_message(_object(m, "message")) for m in _list(row, "messages", 10_000)),
        tools=tuple(_object(tool, "tool") for tool in _list(row, "tools", 10_000)),
        response_format=None if form is None else _object(form, "response_format"),
    )


def _message(row: JsonObject) -> Message:
    checked.check_names(row, frozenset(f.name for f in fields(Message)))
    content = row["content"]
    if isinstance(content, list):
        content = tuple(_object(part, "part of a message") for part in content)
    elif content is not None:
        content = checked.text(row, "content")
    calls = tuple(_call(_object(c, "tool call")) for c in _list(row, "tool_calls", 10_000))
    return Message(
        role=checked.text(row, "role"),
        content=content,
        name=_maybe_text(row, "name"),
        tool_calls=calls,
        tool_call_id=_maybe_text(row, "tool_call_id"),
    )


def _call(row: JsonObject) -> ToolCall:
    checked.check_names(row, frozenset(f.name for f in fields(ToolCall)))
    name, arguments = checked.text(row, "name"), checked.text(row, "arguments")
    return ToolCall(_maybe_text(row, "id"), name, arguments)


def _price(row: JsonObject) -> Price:
    checked.check_names(row, frozenset(_PRICE))
    return Price(
        currency=checked.text(row, "currency"),
        input=_number(row["input"], "input", _MOST),
        cached=_number(row["cached"], "cached", _MOST),
        output=_number(row["output"], "output", _MOST),
        as_of=_maybe_text(row, "as_of"),
    )


def _add_item(row: JsonObject, items: list[list[ItemValues]]) -> None:
    """To those of its arm, which stand in the order of their keys."""
    checked.check_names(row, frozenset(f.name for f in fields(ItemValues)) | {"arm"})
    values = {name: _values(row, name, 1.0 if name == "scores" else _MOST) for name in _VALUES}
    if len({len(each) for each in values.values()}) > 1:
        raise BadJson("an item has not as many values of each kind")
    place = checked.count(row, "arm")
    if place >= len(items):
        raise BadJson(f"an item is of arm {place}, and there are {len(items)}")
    key, name = checked.text(row, "key"), checked.text(row, "id")
    if items[place] and items[place][-1].key >= key:
        raise BadJson("its items are out of order, or there twice")
    items[place].append(ItemValues(key, name, _maybe_text(row, "cluster"), **values))


def _values(row: JsonObject, name: str, most: float) -> tuple[float | None, ...]:
    return tuple(
        None if value is None else _number(value, name, most)
        for value in _list(row, name, _MOST_RUNS)
    )


def _number(value: Any, name: str, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadJson(f"{name} must be a number")
    if not 0 <= value <= most or not math.isfinite(value):
        raise BadJson(f"{name} must be between 0 and {most:g}")
    return value


def _list(data: JsonObject, name: str, most: int) -> list[Any]:
    value: Any = data.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise BadJson(f"{name} must be a list of at most {most:,}")
    return value


def _texts(data: JsonObject, name: str) -> Iterator[str]:
    for value in _list(data, name, _MOST_RUNS):
        if not isinstance(value, str):
            raise BadJson(f"{name} must be texts")
        yield value


def _object(value: Any, what: str) -> JsonObject:
    if not isinstance(value, dict):
        raise BadJson(f"a {what} must be a JSON object")
    return value


def _maybe_text(data: JsonObject, name: str) -> str | None:
    return None if data.get(name) is None else checked.text(data, name)
