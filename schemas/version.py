"""The version of this program: that of the distribution which it was installed from."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

DISTRIBUTION: Final = "tenure"


def installed_version() -> str | None:
    """Return the version as pyproject.toml has it; None where it runs from a folder of sources."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return None
