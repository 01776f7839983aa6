"""Members that only describe an event, in the form in which the stream keeps them, so that it has nothing to mend.

The rules are those of the stream (`schemas.decoding.mending`); what cannot be mended is left out.
"""

from collections.abc import Mapping
from typing import Final

from schemas.adapters.adapter import Members
from schemas.decoding.mending import MENDERS
from schemas.events import EVENT_TYPES, Form, forms_of

#: Of all members that only describe an event; all others are dimensions of the settings.
_FORMS: Final[Mapping[str, Form]] = {
    member: form for kind in EVENT_TYPES for member, form in forms_of(kind).items() if form in MENDERS
}


def described(members: Mapping[str, str]) -> Members:
    """Return members that only describe an event, as it keeps them; without those that are empty."""
    kept = {name: MENDERS[_FORMS.get(name, "segment")](text) for name, text in members.items() if text}
    return {name: text for name, text in kept.items() if text is not None}
