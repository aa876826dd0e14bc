"""A server as if it were far away: what goes to it and what comes back is late."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future

HOST = "127.0.0.1"
CHUNK = 1 << 16
STARTING = 10.0  # s


@contextlib.contextmanager
def far_away(port: int, round_trip: float) -> Iterator[int]:
    """Stand before a server of this machine, and hold back all that passes.

    Nothing is held back behind what came before it: the delay is that of a distance, and not of a
    slow line.

    Parameters
    ----------
    port : int
        Of the server.
    round_trip : float
        Seconds, one half each way.

    Yields
    ------
    int
        Port where the server seems to be.
    """
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()

    async def serve() -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        relays = set()

        def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            relay = loop.create_task(_relay(port, round_trip / 2, reader, writer))
            relays.add(relay)
            relay.add_done_callback(relays.discard)

        server = await asyncio.start_server(answer, HOST, 0)
        begun.set_result((loop, ended, server.sockets[0].getsockname()[1]))
        await ended.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    loop, ended, seen = begun.result(STARTING)
    try:
        yield seen
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


async def _relay(
    port: int, delay: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Pass on one connection, until both ends are closed."""
    there, back = await asyncio.open_connection(HOST, port)
    await asyncio.gather(_late(reader, back, delay), _late(there, writer, delay))


async def _late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Write what is read, each piece so many seconds after it came."""
    clock = asyncio.get_running_loop().time
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        data = b"."
        while data:
            try:
                data = await reader.read(CHUNK)
            except ConnectionError:
                data = b""
            waiting.put_nowait((clock() + delay, data))

    reading = asyncio.create_task(read())
    with contextlib.closing(writer):
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(max(0.0, due - clock()))
            if not data:
                break
            writer.write(data)
            # An end that is gone is told to the reader of its own side.
            with contextlib.suppress(ConnectionError):
                await writer.drain()
    await reading
