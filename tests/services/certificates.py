"""An authority of the test's own, and the certificate that it gives a server on 127.0.0.1; made by openssl."""

import shutil
import subprocess
from pathlib import Path


class Certificates:
    """Files in PEM: `authority`, `certificate`, `key`, and `certificate` and `key` in one, `both`."""

    def __init__(self, folder: Path) -> None:
        """Make them, in a folder that does not exist yet.

        Raises:
            FileNotFoundError: openssl is missing.
        """
        if shutil.which("openssl") is None:
            message = "no openssl: run `make services`"
            raise FileNotFoundError(message)
        folder.mkdir()
        self.authority, self.certificate = folder / "authority.pem", folder / "certificate.pem"
        self.key, self.both = folder / "key.pem", folder / "both.pem"
        authority_key, request, names = folder / "authority-key.pem", folder / "request.pem", folder / "names.cnf"
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", encoding="utf-8")
        for arguments in (
            ["req", "-x509", *new_key, "-keyout", authority_key, "-out", self.authority, "-subj", "/CN=authority"],
            ["req", *new_key, "-keyout", self.key, "-out", request, "-subj", "/CN=server"],
            ["x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", authority_key, "-CAcreateserial",
             "-days", "2", "-extfile", names, "-out", self.certificate],
        ):  # fmt: skip
            subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
        self.both.write_text(self.key.read_text() + self.certificate.read_text(), encoding="utf-8")
