"""An authority of the test's own, and the certificates that it gives a server on 127.0.0.1 and a client; by openssl."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

#: Who a client is by its certificate.
CLIENT: Final = "tenure-client"
KEY_PASSWORD: Final = "k3y-h0rse"


class Certificates:
    """Files in PEM: `authority`; a server's `certificate`, `key`, and both in one, `both`; and a client's.

    `client_certificate` is CN=tenure-client, `client_key` its key, which KEY_PASSWORD encrypts.
    """

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
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        plain, encrypted = [*new_key, "-nodes"], [*new_key, "-passout", f"pass:{KEY_PASSWORD}"]
        self.client_certificate, self.client_key = folder / "client.pem", folder / "client-key.pem"
        of_client = folder / "client-request.pem"
        sign = ["x509", "-req", "-CA", self.authority, "-CAkey", authority_key, "-CAcreateserial", "-days", "2"]
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", encoding="utf-8")
        for arguments in (
            ["req", "-x509", *plain, "-keyout", authority_key, "-out", self.authority, "-subj", "/CN=authority"],
            ["req", *plain, "-keyout", self.key, "-out", request, "-subj", "/CN=server"],
            [*sign, "-in", request, "-extfile", names, "-out", self.certificate],
            ["req", *encrypted, "-keyout", self.client_key, "-out", of_client, "-subj", f"/CN={CLIENT}"],
            [*sign, "-in", of_client, "-out", self.client_certificate],
        ):
            subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
        self.both.write_text(self.key.read_text() + self.certificate.read_text(), encoding="utf-8")
