"""The demo's lines for other terminals: they are copied from a screen, and work when they are pasted."""

from __future__ import annotations

import io
import subprocess
from datetime import UTC, datetime

from rich.console import Console

from streams.settings.settings import Settings
from tenure.demo.demo import DIMENSIONS, invitation
from tenure.demo.screen.screen import LiveScreen


def test_lines_for_other_terminals_can_be_copied_from_a_narrow_screen() -> None:
    """A line that the screen breaks is two commands to a shell, of which neither is the one that was meant."""
    url = "unix:///tmp/a folder of which the name is long/tenure-redis-1a2b3c4d/redis.sock"
    output = io.StringIO()
    screen = LiveScreen(Console(file=output, width=40, force_terminal=True, color_system=None), "USD")
    screen.say(invitation(url, Settings(dimensions=DIMENSIONS), datetime(2026, 1, 5, tzinfo=UTC)))
    lines = output.getvalue().splitlines()
    exports = [line for line in lines if line.startswith("  export ")]
    assert [line.count("TENURE_") for line in exports] == [1, 1]
    assert "  tenure cohorts --at 2026-01-05" in lines
    script = "\n".join([*exports, 'printf "%s\\n" "$TENURE_REDIS_URL" "$TENURE_DIMENSIONS"'])
    done = subprocess.run(["/bin/sh", "-c", script], env={}, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [url, ",".join(DIMENSIONS)]
