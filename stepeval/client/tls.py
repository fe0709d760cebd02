"""TLS over a socket of ours: decrypted bytes belong to the very read that completed them."""

import asyncio
import socket
import ssl
from contextlib import suppress

_READ_SIZE = 64 * 1024


class TlsLayer:
    """Encrypts and decrypts in memory. ``host`` is named to the server and must be proved by it."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

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
                    await loop.sock_sendall(connection, self._outgoing.read())
                raise
            await loop.sock_sendall(connection, self._outgoing.read())
            if not done:
                data = await loop.sock_recv(connection, _READ_SIZE)
                if not data:
                    raise ConnectionResetError("the connection ended during the TLS handshake")
                self._incoming.write(data)

    def encrypt(self, data: bytes) -> bytes:
        self._tls.write(data)
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """What ``data`` completes, what TLS itself has to answer, and whether it is the end.

        Raises:
            ssl.SSLError: It is not the peer's.
        """
        self._incoming.write(data)
        pieces = []
        ended = False
        try:
            while piece := self._tls.read(_READ_SIZE):
                pieces.append(piece)
            ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            ended = True
        return b"".join(pieces), self._outgoing.read(), ended
