"""Counting what a server did not tell, in a stored run."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from load_runs import INFO, PLAN, LoadRun, S, answered, phase, silent

from stepeval.api.bench.counting import Vocabulary, count_missing, open_vocabulary
from stepeval.core.chat import Response, ToolCall
from stepeval.core.record import Record
from stepeval.store.run import RunStore, create_run


def words(folder: Path) -> Vocabulary:
    model = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
    path = folder / "tokenizer.json"
    told = {"version": "1.0", "model": model, "pre_tokenizer": {"type": "Whitespace"}}
    path.write_text(json.dumps(told), "utf-8")
    return open_vocabulary(path)


def _called(record: Record) -> Record:
    (attempt,) = record.attempts
    result = attempt.exchange.result
    assert isinstance(result, Response)
    choice = replace(result.choices[0], tool_calls=(ToolCall("1", "look", "{}"),))
    exchange = replace(attempt.exchange, result=replace(result, choices=(choice,)))
    return replace(record, attempts=(replace(attempt, exchange=exchange),))


def _keep(store: RunStore, *records: Record, final: bool = True) -> None:
    async def write() -> None:
        for one in records:
            await store.add_attempt(one.cell, one.attempts[0], final=final)

    asyncio.run(write())


def test_counts_come_in_the_order_of_the_records_and_are_made_once(tmp_path: Path) -> None:
    """One pass joins them; a search for a rate counts after every load."""
    begin, vocabulary = phase().steady_ns, words(tmp_path)
    first, second, third = (silent(begin + n * S) for n in range(3))
    with create_run(tmp_path, INFO, LoadRun((), (), PLAN).suite()) as store:
        _keep(store, second, final=False)  # known before the others, and finished after them
        _keep(store, third)
        count_missing(store, vocabulary)
        _keep(store, first, answered(begin + 9 * S, ()), second)
        count_missing(store, vocabulary)
        counts = list(store.reader().token_counts())
    assert [one.cell_id for one in counts] == [r.cell.id for r in (third, first, second)]
    assert {one.output_tokens for one in counts} == {3}  # "1 2 3"


def test_an_answer_with_a_tool_call_stays_uncounted(tmp_path: Path) -> None:
    """Its texts are not all that the model wrote."""
    with create_run(tmp_path, INFO, LoadRun((), ()).suite()) as store:
        _keep(store, _called(silent(phase().steady_ns)))
        count_missing(store, words(tmp_path))
        assert list(store.reader().token_counts()) == []
