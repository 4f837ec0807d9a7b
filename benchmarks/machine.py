"""What a run was made on; printed with each table."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil
import psycopg

from benchmarks.peers import DJANGO_PGSCHEMAS, DJANGO_TENANTS

#: Of PostgreSQL's settings, those that the figures depend on most.
SETTINGS = ("fsync", "max_connections", "scram_iterations", "shared_buffers")


def machine(url: str) -> dict[str, str]:
    """The processor, the memory, and the versions of everything."""
    with psycopg.connect(url) as connection:
        postgres = f"{connection.info.server_version // 10000}.{connection.info.server_version % 10000}"
        query = "SELECT name || ' ' || current_setting(name) FROM pg_settings WHERE name = ANY(%s)"
        shown = [row[0] for row in connection.execute(query, [list(SETTINGS)])]
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "django": f"{version('Django')}, psycopg {version('psycopg')}",
        "postgresql": f"{postgres} on the disk, over TCP on the loopback, SCRAM; {', '.join(shown)}",
        "peers": f"{DJANGO_TENANTS}, {DJANGO_PGSCHEMAS}",
    }


def processor() -> str:
    """The processor's name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
