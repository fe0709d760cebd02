"""A seeded StepFun that listens on loopback."""

import asyncio
import ipaddress
from collections.abc import Callable

from stepeval.core.errors import UsageError
from stepeval.simulator.answers import AnswerKey
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.connection import Connection, Incoming
from stepeval.simulator.reply import Reply
from stepeval.simulator.service import Service
from stepeval.simulator.truth import TruthLog


class Simulator:
    """Serves POST /v1/chat/completions, also below /step_plan, GET /v1/models and GET /health.

    ``on_request`` is told of each request as it was read, on the simulator's own loop.
    """

    def __init__(
        self,
        config: SimulatorConfig,
        key: AnswerKey,
        on_request: Callable[[Incoming], None] | None = None,
    ) -> None:
        self._config, self._key, self._on_request = config, key, on_request
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._log: TruthLog | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listens; port 0 means any free one. Returns the port.

        Raises:
            UsageError: The address is not loopback's and the config does not allow others, it
                cannot be bound, or the truth log cannot be written.
        """
        if not self._config.allow_remote and not _is_loopback(host):
            raise UsageError(f"the simulator only listens on loopback (127.0.0.1), not on {host}")
        if self._config.truth_log is not None:
            self._log = TruthLog(self._config.truth_log)
        service = Service(self._config, self._key, self._log)
        answer = self._observed(service)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Connection(answer, self._connections), host, port, backlog=4096
            )
        except OSError as error:
            await self.close()
            raise UsageError(f"cannot listen on {host}:{port}: {error}") from error
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Ends every connection and writes what the truth log still holds."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.abort()
        await asyncio.gather(*[connection.closed for connection in self._connections])
        if self._server is not None:
            await self._server.wait_closed()
        if self._log is not None:
            self._log.close()
        self._server = self._log = None

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    def _observed(self, service: Service) -> Callable[[Incoming], Reply]:
        listener = self._on_request
        if listener is None:
            return service.answer

        def answer(incoming: Incoming) -> Reply:
            listener(incoming)
            return service.answer(incoming)

        return answer


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
