"""A real Prometheus for the tests, on data of their own."""

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.process import Process, free_port

Labels = Mapping[str, str]


class Prometheus:
    """One server: `url` is its address, `data` the folder of its blocks."""

    def __init__(
        self,
        folder: Path,
        *,
        config: str = "global: {}\n",
        options: Sequence[str] = (),
        port: int | None = None,
    ) -> None:
        """Lay out a server whose configuration and data lie in `folder`, which exists.

        Args:
            folder: Where it lives.
            config: Its configuration, YAML.
            options: More of its arguments, for example ("--web.enable-lifecycle",).
            port: Where it listens, on loopback; None takes any free one.

        Raises:
            FileNotFoundError: prometheus or promtool is missing.
        """
        programs = [shutil.which(name) for name in ("prometheus", "promtool")]
        if None in programs:
            message = "no prometheus, or no promtool: run `make services`"
            raise FileNotFoundError(message)
        self.data = folder / "data"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        configuration = folder / "prometheus.yml"
        configuration.write_text(config, encoding="utf-8")
        self.process = Process(
            [
                str(programs[0]),
                f"--config.file={configuration}",
                f"--storage.tsdb.path={self.data}",
                "--storage.tsdb.retention.time=400d",
                f"--web.listen-address=127.0.0.1:{self.port}",
                f"--web.external-url={self.url}/",
                *options,
            ],
            log=folder / "prometheus.log",
        )

    def load(self, openmetrics: Path) -> None:
        """Make blocks of a file, as docs/history.md says; before the server starts, or a minute before they are seen.

        Raises:
            subprocess.CalledProcessError: promtool refused it.
        """
        self.data.mkdir(exist_ok=True)
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=768h"]
        subprocess.run([*command, str(openmetrics), str(self.data)], check=True, capture_output=True, text=True)

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        self.process.start()
        self.process.wait_until(self._is_ready, seconds=60.0, what=f"Prometheus on {self.url}")

    def query(self, expression: str, *, at_seconds: float | None = None) -> list[tuple[dict[str, str], float]]:
        """Return the samples of an instant query, as labels and value.

        Args:
            expression: PromQL.
            at_seconds: The instant (seconds since 1970 UTC); None is now.
        """
        parameters = {"query": expression} | ({} if at_seconds is None else {"time": str(at_seconds)})
        answer = self.get("/api/v1/query?" + urllib.parse.urlencode(parameters))
        assert answer["status"] == "success", answer
        return [(found["metric"], float(found["value"][1])) for found in answer["data"]["result"]]

    def get(self, path: str) -> Any:
        """Return what the server's API answers, out of its JSON."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False  # it is still reading its data
