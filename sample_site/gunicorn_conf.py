"""How gunicorn serves the sample site: ``gunicorn --config python:sample_site.gunicorn_conf sample_site.wsgi``."""

from __future__ import annotations

workers = 2
threads = 4
graceful_timeout = 5
# Other gunicorns of this user would meet at its one socket, and nobody asks it.
control_socket_disable = True
