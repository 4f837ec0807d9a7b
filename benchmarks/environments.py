"""A virtual environment for each peer, made once and kept beside the harness's own packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peers import Peer

CACHE = Path(sys.prefix) / "benchmarks"


def python_of(peer: Peer) -> Path:
    """The interpreter of a peer's environment, which is made if it is not there as it should be."""
    name = peer.key if peer.requirements else "django"
    directory = CACHE / name
    python, stamp = directory / "bin" / "python", directory / "requirements.txt"
    wanted = "\n".join([sys.version, *peer.everything])
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {', '.join(peer.requirements or ['Django'])} ...", file=sys.stderr, flush=True)
        shutil.rmtree(directory, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, "--no-input", *peer.everything], check=True)
        stamp.write_text(wanted)
    return python
