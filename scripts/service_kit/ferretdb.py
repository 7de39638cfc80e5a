"""FerretDB, which speaks MongoDB's protocol, built once from its published Go module."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import processes
from .errors import UnavailableError

MODULE, VERSION = "github.com/FerretDB/FerretDB", "v1.24.0"
BUILD_SECONDS_MAX = 900
# Beside the servers' data, not in it: it is built once and stays.
PROGRAM = Path(__file__).resolve().parents[2] / "var" / "tools" / "bin" / "ferretdb"


def lacks() -> str | None:
    if PROGRAM.is_file() or processes.find_program("go"):
        return None
    return "go, which builds ferretdb"


def program() -> Path:
    if not PROGRAM.is_file():
        print(f"building {MODULE} {VERSION}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="bursar-ferretdb-") as folder:
            _build(Path(folder))
    return PROGRAM


def _build(folder: Path) -> None:
    told = json.loads(_go("mod", "download", "-json", f"{MODULE}@{VERSION}", folder=folder))
    source = folder / "source"
    shutil.copytree(told["Dir"], source, copy_function=shutil.copyfile)
    # What its own build tool writes, and what it does not start without.
    (source / "build" / "version" / "version.txt").write_text(f"{VERSION}\n", encoding="ascii")
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    made = folder / "ferretdb"
    _go("build", "-buildvcs=false", "-o", str(made), "./cmd/ferretdb", folder=source)
    shutil.copy2(made, PROGRAM.with_suffix(".new"))
    PROGRAM.with_suffix(".new").replace(PROGRAM)


def _go(*arguments: str, folder: Path) -> str:
    done = subprocess.run(
        [processes.program("go"), *arguments],
        cwd=folder,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-modcacherw"},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        said = " / ".join(done.stderr.strip().splitlines()[-3:])
        raise UnavailableError(f"go {arguments[0]} failed: {said}")
    return done.stdout
