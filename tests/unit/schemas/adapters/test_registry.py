"""Every adapter is made by its name, reads foreign bytes without an exception, and says which option is wrong."""

import pytest

from schemas.adapters.adapter import OptionsFault
from schemas.adapters.registry import ADAPTERS, adapter_of


@pytest.mark.parametrize("value", [b"", b"\xff", b"[]", b"{}", b"null", b'{"a": ' * 5_000])
@pytest.mark.parametrize("name", ["stripe"])
def test_foreign_bytes_are_refused_under_the_adapters_name(name: str, value: bytes) -> None:
    """A record never raises: one wrong one would stop a topic."""
    found = adapter_of(name).translate(value)
    assert found.events == ()
    assert found.refusal is not None
    assert found.refusal.detail.startswith(f"{name}: ")


def test_unknown_adapter_and_unknown_option_are_named_with_what_may_have_been_meant() -> None:
    """Names are typed by hand."""
    with pytest.raises(OptionsFault, match="stripes: there is no such adapter; did you mean stripe"):
        adapter_of("stripes")
    with pytest.raises(OptionsFault, match=r"\[stripe\] plan: there is no such option; did you mean plans"):
        adapter_of("stripe", {"plan": {}})
    with pytest.raises(OptionsFault, match=r"\[stripe\] Expected `object`"):
        adapter_of("stripe", {"plans": "pro"})


def test_list_holds_what_the_adapters_are_named() -> None:
    """A name that differs from the list's is never found again in a dead letter."""
    assert set(ADAPTERS) >= {"stripe"}
    assert all(adapter_of(name).name == name for name in ("stripe",))
