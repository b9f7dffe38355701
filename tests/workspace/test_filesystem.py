from __future__ import annotations

from pathlib import Path

import pytest

from mlmagic.workspace.filesystem import is_on_network

MOUNTS = r"""22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:21 / /home rw,relatime shared:1 - nfs4 filer:/home rw
24 22 0:22 / /home/local rw,relatime - xfs /dev/vdb rw
25 22 0:23 / /mnt/my\040drive rw,relatime - fuse.sshfs host: rw
26 22 0:24 / /over rw,relatime - cifs //host/share rw
27 22 0:25 / /over rw,relatime - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/srv/w", False),
        ("/home", True),
        ("/home/me/w", True),
        ("/homes/me", False),
        ("/home/local/w", False),
        ("/mnt/my drive/w", True),
        ("/over/w", False),
    ],
)
def test_the_innermost_last_mount_counts(tmp_path: Path, folder: str, expected: bool) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert is_on_network(Path(folder), mounts) is expected


def test_where_mounts_are_unknown_it_is_not(tmp_path: Path) -> None:
    assert is_on_network(tmp_path, tmp_path / "none") is False
