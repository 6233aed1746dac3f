"""A cable that can be pulled: a TCP relay between the browser and the api, which while cut drops what is open and refuses what is new."""

import asyncio
import contextlib
import threading


class Cable:
    """Relays 127.0.0.1:`port` to `target` from a thread of its own until it is closed."""

    def __init__(self, port: int, target: int) -> None:
        """Starts at once."""
        self.port, self._target = port, target
        self._open: set[asyncio.Task[None]] = set()
        self._cut = False
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def pull(self) -> None:
        """Cut everything."""
        self._loop.call_soon_threadsafe(self._pull)

    def plug(self) -> None:
        """Let connections through again."""
        self._cut = False

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._relay, "127.0.0.1", self.port))
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in self._open:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._open, return_exceptions=True))
        self._loop.close()

    def _pull(self) -> None:
        self._cut = True
        for task in self._open:
            task.cancel()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if self._cut or task is None:
            writer.close()
            return
        self._open.add(task)
        other = None
        try:
            read, other = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(_pipe(reader, other), _pipe(read, writer))
        except (OSError, asyncio.CancelledError):
            pass  # pulled, or one side has left
        finally:
            self._open.discard(task)
            for end in (writer, other):
                if end is not None:
                    end.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
