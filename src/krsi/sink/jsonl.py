"""Events as JSON, one a line."""

from collections.abc import Sequence

import msgspec

from krsi.event.model import Event

_encoder = msgspec.json.Encoder()


def lines(events: Sequence[Event]) -> bytes:
    """Return *events* as JSON lines, UTF-8."""
    return _encoder.encode_lines(events)
