"""Scripts that Redis runs as one step: the texts beside this file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from redis.exceptions import NoScriptError

_Client = Any  # redis.asyncio.Redis | RedisCluster: their commands are typed as sync or async, which helps nobody


class Script:
    """A script that Redis runs as one step."""

    def __init__(self, name: str) -> None:
        """Take the name of its file in this folder."""
        self._text = (Path(__file__).parent / name).read_text()
        self._sha1 = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, client: _Client, keys: Sequence[str], arguments: Sequence[bytes | str | int]) -> Any:
        """Run it; a Redis that has restarted since is given the text again.

        By EVAL, not by loading it first: the client would load it on all nodes of a cluster, also on one that is down.
        """
        try:
            return await client.evalsha(self._sha1, len(keys), *keys, *arguments)
        except NoScriptError:
            return await client.eval(self._text, len(keys), *keys, *arguments)


LOAD: Final = Script("load.lua")
CLAIM: Final = Script("claim.lua")
ASK: Final = Script("ask.lua")
