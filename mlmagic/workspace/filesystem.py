"""Whether a folder lies where other machines may reach it too."""

from __future__ import annotations

import os
import re
from pathlib import Path

_NETWORK = re.compile(
    r"nfs.*|cifs|smb.*|9p|afs|ceph|lustre|gpfs|beegfs|glusterfs|fuse\..+|virtiofs|prl_fs|vboxsf|vmhgfs"
)
_MOUNTS = Path("/proc/self/mountinfo")


def is_on_network(folder: Path, mounts: Path = _MOUNTS) -> bool:
    """Say whether the folder's file system is one that machines share; where that cannot be told, it is not.

    `mounts` has the form of Linux's mountinfo.
    """
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return False
    path = os.path.realpath(folder)
    # Of two mounts on the same point the later one covers the earlier.
    mounted = [
        (len(point), number, kind)
        for number, line in enumerate(lines)
        for point, kind in [_parse(line)]
        if _is_below(path, point)
    ]
    return bool(mounted) and _NETWORK.fullmatch(max(mounted)[2]) is not None


def _parse(line: str) -> tuple[str, str]:
    # 36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 - ext3 /dev/root rw: the point is the 5th word.
    before, _, after = line.partition(" - ")
    point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), before.split(" ")[4])
    return point, after.split(" ")[0]


def _is_below(path: str, point: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")
