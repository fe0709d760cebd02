"""What is under way is known, and since when, whether or not anything is ever answered."""

import asyncio

import pytest

from stepeval.core.chat import Exchange, Request
from stepeval.execution.outstanding import Outstanding

ASKED = Request("p", "m", ())


def test_the_oldest_is_known_until_it_ends_however_it_ends() -> None:
    gates = [asyncio.Event() for _ in range(3)]
    waiting = iter(gates)

    async def send(request: Request, *, scheduled_ns: int) -> Exchange:
        del request, scheduled_ns
        await next(waiting).wait()
        raise ConnectionError

    async def watch() -> None:
        outstanding = Outstanding(send)
        assert (len(outstanding), outstanding.oldest_ns) == (0, None)
        tasks, since = [], []
        for _ in gates:
            tasks.append(asyncio.create_task(outstanding(ASKED, scheduled_ns=0)))
            await asyncio.sleep(0.002)
            since.append(outstanding.oldest_ns)
        assert len(outstanding) == 3
        assert len(set(since)) == 1
        gates[0].set()
        with pytest.raises(ConnectionError):
            await tasks[0]
        assert len(outstanding) == 2
        assert outstanding.oldest_ns is not None
        assert since[0] is not None
        assert outstanding.oldest_ns > since[0]
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(outstanding) == 0

    asyncio.run(watch())
