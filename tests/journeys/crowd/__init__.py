"""A small site whose answers tell what served them, for many clients at once on each kind of server."""

from __future__ import annotations

#: How often a view looks at where it is.
STEPS = 3
