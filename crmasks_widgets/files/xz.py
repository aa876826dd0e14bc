"""Content of xz files, of one or several streams, none of which may take more memory than allowed.

`lzma.LZMAFile` has no such limit: a stream says how much its dictionary needs, and gets it.
"""

import io
import lzma
import os
from typing import IO, Any, Final

MAGIC: Final = b"\xfd7zXZ\x00"
_PART: Final = 1 << 16


class XzStreams(io.RawIOBase):
    """What an xz file unfolds to.

    Parameters
    ----------
    stream : binary file
        At its beginning; it is not closed.
    most : int
        Bytes that unpacking a stream may take.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream, self._most = stream, most
        self._restart()

    def _restart(self) -> None:
        self._stream.seek(0)
        self._at, self._ahead = 0, b""
        self._decoder: lzma.LZMADecompressor | None = None

    def readable(self) -> bool:
        """True: it is there to be read."""
        return True

    def seekable(self) -> bool:
        """True, but it begins anew to go back."""
        return True

    def readinto(self, target: Any) -> int:
        """Read some bytes, as `io.RawIOBase.readinto`."""
        view = memoryview(target).cast("B")
        data = self._some(len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        """Bytes before the next one."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, as `io.IOBase.seek`."""
        if whence == os.SEEK_END:
            while self.read(_PART):
                pass
        wanted = offset + (0 if whence == os.SEEK_SET else self._at)
        if wanted < self._at:
            self._restart()
        while self._at < wanted and self.read(min(_PART, wanted - self._at)):
            pass
        return self._at

    def _some(self, most: int) -> bytes:
        """At most so many bytes; none at the end."""
        while True:
            if self._decoder is None or self._decoder.eof:
                if self._decoder is not None:
                    self._ahead = self._decoder.unused_data
                while len(self._ahead) < len(MAGIC) and (more := self._stream.read(_PART)):
                    self._ahead += more
                # What follows the last stream is filled up, or none of ours.
                if not self._ahead.startswith(MAGIC):
                    return b""
                self._decoder = lzma.LZMADecompressor(memlimit=self._most)
            elif self._decoder.needs_input:
                self._ahead = self._stream.read(_PART)
                if not self._ahead:
                    raise EOFError("the xz file ends before its last stream does")
            data = self._decoder.decompress(self._ahead, most)
            self._ahead = b""
            if data:
                return data
