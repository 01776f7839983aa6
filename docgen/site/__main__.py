"""Builds the documentation site, strictly, and follows its links.

`python -m docgen.site [FOLDER]`, in a checkout; without a folder it is `build/site`. Ends with 1 if mkdocs warns of
anything, or a link of the built site finds nothing. Nothing is fetched from a network.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from docgen.site.links import broken_links

ROOT: Final = Path(__file__).resolve().parents[2]
MKDOCS: Final = (sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build and check; return the exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    site = Path(given[0]).resolve() if given else ROOT / "build" / "site"
    # Without the variable its theme advertises its successor on each run.
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [*MKDOCS, "--site-dir", str(site)]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:  # noqa: S603 - nothing of it is a guest's
        return 1
    broken = broken_links(site)
    sys.stderr.writelines(f"{line}\n" for line in broken)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
