"""TLS over a socket of ours: decrypted bytes belong to the very read that completed them."""

import asyncio
import socket
import ssl
from contextlib import suppress

_READ_SIZE = 64 * 1024


class TlsLayer:
    """Encrypts and decrypts in memory. ``host`` is named to the server and must be proved by it.

    ``ended``: the peer has said that it sends no more; ``failure``: it has sent what is not its.
    """

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        """Raises ValueError for a host that TLS cannot name."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.ended = False
        self.failure: ssl.SSLError | None = None

    async def handshake(self, connection: socket.socket) -> None:
        """Raises ssl.SSLError (also for a certificate that proves nothing) and OSError."""
        loop = asyncio.get_running_loop()
        done = False
        while not done:
            try:
                self._tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                with suppress(OSError):  # the alert; the error itself says more
                    await loop.sock_sendall(connection, self.answer())
                raise
            await loop.sock_sendall(connection, self.answer())
            if not done:
                data = await loop.sock_recv(connection, _READ_SIZE)
                if not data:
                    raise ConnectionResetError("the connection ended during the TLS handshake")
                self._incoming.write(data)

    @property
    def pending(self) -> bool:
        """Whether bytes have come that belong to nothing decrypted so far."""
        return self._incoming.pending > 0 or self._tls.pending() > 0

    def encrypt(self, data: bytes) -> bytes:
        self._tls.write(data)
        return self.answer()

    def decrypt(self, data: bytes) -> bytes:
        """All that is complete with ``data``; look at ``ended``, ``failure`` and ``answer``."""
        self._incoming.write(data)
        pieces = []
        try:
            while piece := self._tls.read(_READ_SIZE):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            self.failure = error
        return b"".join(pieces)

    def answer(self) -> bytes:
        """What TLS itself has to say to the peer by now."""
        return self._outgoing.read()
