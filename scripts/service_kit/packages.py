"""Debian packages, installed without starting anything."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile

from .errors import UnavailableError

# The guard tells Debian's package scripts not to start services: ours run on their own ports and folders.
# A guard that the machine has already is put back, whatever happens.
_INSTALL = r"""
set -eu
guard=/usr/sbin/policy-rc.d
saved=
restore() { rm -f "$guard"; if [ -n "$saved" ]; then mv "$saved" "$guard"; fi; }
if [ -e "$guard" ]; then saved=$guard.before-bursar; mv "$guard" "$saved"; fi
trap restore EXIT
trap 'exit 130' HUP INT TERM
printf '#!/bin/sh\nexit 101\n' > "$guard"
chmod 755 "$guard"
DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends "$@"
"""


def install(alternatives: tuple[tuple[str, ...], ...]) -> None:
    """Install the first set of packages that this Debian knows; UnavailableError says why not."""
    wanted = " or ".join(" ".join(packages) for packages in alternatives)
    if shutil.which("apt-get") is None:
        raise UnavailableError(f"not installed, and there is no apt-get here (Debian packages: {wanted})")
    administrator = _administrator()
    if administrator is None:
        raise UnavailableError(f"not installed; as root: apt-get install {wanted}")
    _update()
    for packages in alternatives:
        if _known(packages):
            print(f"installing {' '.join(packages)}", file=sys.stderr, flush=True)
            _run([*administrator, "sh", "-c", _INSTALL, "sh", *packages])
            return
    raise UnavailableError(f"not installed, and apt-get does not know {wanted}")


def _administrator() -> list[str] | None:
    """What goes before a command to make it root's; None when nothing would."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if allowed else None


@functools.cache
def _update() -> None:
    """Once per call of scripts/services. Failing only warns: what is listed already may still install."""
    try:
        _run([*(_administrator() or []), "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "update"])
    except UnavailableError as error:
        print(f"apt-get update: {error}", file=sys.stderr)


def _known(packages: tuple[str, ...]) -> bool:
    shown = subprocess.run(["apt-cache", "show", *packages], capture_output=True, check=False)
    return shown.returncode == 0


def _run(arguments: list[str]) -> None:
    """Runs to its end even when we are interrupted: half an installation is worse than a late one."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        child = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # out of reach of the terminal's Ctrl-C
        )
        try:
            code = child.wait()
        except BaseException:
            child.wait()
            raise
        if code != 0:
            output.seek(0)
            said = " / ".join(output.read().strip().splitlines()[-3:])
            raise UnavailableError(f"apt-get failed: {said}")
