"""Files are copied byte for byte, whatever their length, and readable by their owner only."""

import os
import stat
from pathlib import Path

import pytest

from roster_pipeline.home import copy_privately


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 3 * 4096, (8 << 20) + 4096, (8 << 20) + 5])
def test_a_copy_is_equal_and_private(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "from").write_bytes(content)
    copy_privately(tmp_path / "from", tmp_path / "to")
    assert (tmp_path / "to").read_bytes() == content
    assert stat.S_IMODE((tmp_path / "to").stat().st_mode) == 0o600


def test_a_copy_replaces_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "from").write_bytes(b"short")
    (tmp_path / "to").write_bytes(b"much longer than that")
    copy_privately(tmp_path / "from", tmp_path / "to")
    assert (tmp_path / "to").read_bytes() == b"short"


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no file system that keeps its files in memory")
def test_a_file_system_without_a_way_past_the_cache_is_copied_to_all_the_same(tmp_path: Path) -> None:
    target = Path("/dev/shm") / f"copy-{os.getpid()}"
    (tmp_path / "from").write_bytes(b"x" * 5000)
    try:
        copy_privately(tmp_path / "from", target)
        assert target.read_bytes() == b"x" * 5000
    finally:
        target.unlink(missing_ok=True)
