"""How gunicorn serves each peer."""

from __future__ import annotations

workers = 2
threads = 4
# Several run at once, which would meet at one socket, and nobody asks it.
control_socket_disable = True
