"""Redis as a file system of fsspec, as far as the remote store needs one: a file is a key."""

from __future__ import annotations

from urllib.parse import urlsplit

import redis
from fsspec.spec import AbstractFileSystem


class RedisFiles(AbstractFileSystem):  # type: ignore[misc]
    """``redis://[user:password@]host[:port][/database[/prefix]]``."""

    protocol = ("redis", "rediss")

    def __init__(self, url: str = "redis://localhost", **options: object) -> None:
        super().__init__(**options)
        self._client = redis.Redis.from_url(url)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        """Return the prefix of a URL; a key is returned as it is."""
        if "://" not in path:
            return path
        return "/".join(urlsplit(path).path.split("/")[2:])

    @staticmethod
    def _get_kwargs_from_urls(url: str) -> dict[str, str]:
        parts = urlsplit(url)
        database = "/".join(parts.path.split("/")[:2])
        return {"url": f"{parts.scheme}://{parts.netloc}{database}"}

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **options: object
    ) -> bytes:
        """Read bytes `start` to `end` of a value."""
        value = self._client.getrange(path, start or 0, -1 if end is None else end - 1)
        if not isinstance(value, bytes) or not value:
            raise FileNotFoundError(path)
        return value

    def pipe_file(
        self, path: str, value: bytes, mode: str = "overwrite", **options: object
    ) -> None:
        """Set a value; Redis does it at once."""
        self._client.set(path, value)
