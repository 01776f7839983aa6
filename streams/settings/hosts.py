"""Names and addresses of hosts: which texts can be one, and which are this machine's own."""

import ipaddress


def is_host(text: str) -> bool:
    """Return whether text can be the name or the address of a host: what cannot would fail when it is looked up."""
    try:
        text.encode("idna")
    except UnicodeError:  # an empty part, or one of more than 63 characters
        return False
    return bool(text) and len(text) <= 253 and text.isprintable() and " " not in text


def is_loopback(host: str) -> bool:
    """Return whether a host is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
