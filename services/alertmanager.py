"""A real Alertmanager for the tests, alone: it looks for no others."""

import shutil
import urllib.request
from pathlib import Path

from services.process import Process, free_port


class Alertmanager:
    """One server: `url` is its address."""

    def __init__(self, folder: Path, *, config: Path, port: int | None = None) -> None:
        """Lay out a server.

        Args:
            folder: Where its data lie; it exists.
            config: Its configuration, YAML; templates are looked for beside it.
            port: Where it listens, on loopback; None takes any free one.

        Raises:
            FileNotFoundError: Alertmanager is missing.
        """
        # Debian calls it by another name than its authors.
        program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        if program is None:
            message = "no Alertmanager: run `make services`"
            raise FileNotFoundError(message)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = Process(
            [
                program,
                f"--config.file={config}",
                f"--storage.path={folder}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                f"--web.external-url={self.url}/",
                "--cluster.listen-address=",
            ],
            log=folder / "alertmanager.log",
        )

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        self.process.start()
        self.process.wait_until(self._is_ready, seconds=60.0, what=f"Alertmanager on {self.url}")

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False  # it does not listen yet
