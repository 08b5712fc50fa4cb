"""Files are written whole or not at all."""

from pathlib import Path

import pytest
from tiny import files_in

from convreg.storage.files import write_whole


def test_folders_are_made_and_old_files_replaced(tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    write_whole({tmp_path / "old": b"new", tmp_path / "a" / "b" / "x": b"x"})
    assert files_in(tmp_path) == ["a/b/x", "old"]
    assert (tmp_path / "old").read_bytes() == b"new"


def test_a_full_disk_leaves_every_file_as_it_was(tmp_path, monkeypatch):
    write, first, second = Path.write_bytes, tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"old")

    def full(path, content):
        write(path, content[:1])
        if "second" in path.name:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_whole({first: b"new", second: b"new"})
    assert files_in(tmp_path) == ["first"]
    assert first.read_bytes() == b"old"


def test_an_interruption_leaves_nothing_beside_the_files(tmp_path, monkeypatch):
    def interrupted(path, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole({tmp_path / "x": b"x"})
    assert files_in(tmp_path) == []


def test_files_come_in_order_the_last_one_last(tmp_path, monkeypatch):
    order, replace = [], Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda part, path: order.append(path.name) or replace(part, path)
    )
    write_whole({tmp_path / name: b"" for name in "bca"})
    assert order == ["b", "c", "a"]


def test_a_place_below_a_file_is_an_error_that_leaves_nothing(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        write_whole({tmp_path / "x": b"x", tmp_path / "file" / "y": b"y"})
    assert files_in(tmp_path) == ["file"]


def test_two_threads_may_write_the_same_file(tmp_path, monkeypatch):
    replace, path = Path.replace, tmp_path / "x"

    def overtaken(part, target):
        monkeypatch.setattr(Path, "replace", replace)
        write_whole({path: b"second"})
        return replace(part, target)

    monkeypatch.setattr(Path, "replace", overtaken)
    write_whole({path: b"first"})
    assert path.read_bytes() == b"first"
    assert files_in(tmp_path) == ["x"]
