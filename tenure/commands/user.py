"""The name of the user who runs a command, for the audit logs of targets and losses."""

from __future__ import annotations

import getpass

from streams.errors import UsageError


def current_user() -> str:
    """Return the name of the user who is logged in.

    Raises:
        UsageError: There is none; `--as` gives one.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise UsageError("--as is missing: the user who runs this has no name") from error
