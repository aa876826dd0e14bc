"""The files of `crmasks lab`'s server: a page may ask for its notebook before that is complete."""

import asyncio
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class PatientContents(AsyncLargeFileManager):
    """Files on disk; what is in a notebook is told as soon as one has been stored.

    The page loads while the kernel makes the dashboard, and would show a notebook without it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._stored = asyncio.Event()

    async def get(self, path: str, content: bool = True, *more: Any, **options: Any) -> Any:
        """Look at a file or folder; arguments and result as of the base class."""
        if content and path.endswith(".ipynb"):
            await self._stored.wait()
        return await super().get(path, content, *more, **options)  # type: ignore[no-untyped-call]

    async def save(self, model: dict[str, Any], path: str = "") -> Any:
        """Store a file; arguments and result as of the base class."""
        saved = await super().save(model, path)  # type: ignore[no-untyped-call]
        if path.endswith(".ipynb"):
            self._stored.set()
        return saved
