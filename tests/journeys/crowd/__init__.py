"""A small site whose answers tell what served them, for many clients at once on each kind of server."""

from __future__ import annotations

#: The crowd's tenants, by the engine that they are on; other journeys have tenants of their own in the registry.
FILES = ("files-one", "files-two")
SERVED = ("served-one", "served-two")
TENANTS = (*FILES, *SERVED)
#: How often a view looks at where it is.
STEPS = 3
