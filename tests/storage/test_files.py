"""Files are written whole or not at all."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tiny import files_in

from convreg.storage.files import remove_parts, write_whole


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


def test_all_is_on_the_disk_before_it_has_its_name_and_its_name_after(tmp_path, monkeypatch):
    """The folders last as well: each that is made, in the one above it."""
    steps, sync, replace = [], os.fsync, Path.replace

    def noted(descriptor):
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}")).relative_to(tmp_path)
        steps.append(f"sync {path.parent / path.name.split('.')[1] if path.suffix else path}")
        sync(descriptor)

    def renamed(part, path):
        steps.append(f"rename {path.relative_to(tmp_path)}")
        replace(part, path)

    if not Path("/proc/self/fd").exists():
        pytest.skip("descriptors have no names here")
    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(Path, "replace", renamed)
    write_whole({tmp_path / "a/b/x": b"x", tmp_path / "a/y": b"y"})
    before = ["sync .", "sync a", "sync a/b/x", "sync a/y"]
    assert steps[:6] == [*before, "rename a/b/x", "rename a/y"]
    assert sorted(steps[6:]) == ["sync a", "sync a/b"]


def test_a_file_that_cannot_be_brought_to_the_disk_is_not_written(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    (tmp_path / "x").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole({tmp_path / "x": b"new"})
    assert files_in(tmp_path) == ["x"]
    assert (tmp_path / "x").read_bytes() == b"old"


def test_a_folder_that_cannot_be_brought_to_the_disk_is_no_error(tmp_path, monkeypatch):
    sync = os.fsync

    def network(descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(22, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", network)
    write_whole({tmp_path / "a/x": b"x"})
    assert (tmp_path / "a/x").read_bytes() == b"x"


@pytest.mark.parametrize("leads", ["to a file", "nowhere", "to a folder", "in a circle"])
def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(leads, tmp_path):
    theirs = tmp_path / "theirs"
    if leads == "to a file":
        theirs.write_bytes(b"precious")
    elif leads == "to a folder":
        theirs.mkdir()
    (tmp_path / "x").symlink_to("x" if leads == "in a circle" else theirs)
    write_whole({tmp_path / "x": b"new"})
    assert not (tmp_path / "x").is_symlink()
    assert (tmp_path / "x").read_bytes() == b"new"
    if leads == "to a file":
        assert theirs.read_bytes() == b"precious"
    assert files_in(tmp_path) == ["theirs", "x"] if leads == "to a file" else ["x"]


def test_a_folder_in_the_place_of_a_file_is_found_before_any_is_renamed(tmp_path):
    (tmp_path / "first").write_bytes(b"old")
    (tmp_path / "second").mkdir()
    with pytest.raises(IsADirectoryError, match="second"):
        write_whole({tmp_path / "first": b"new", tmp_path / "second": b"new"})
    assert (tmp_path / "first").read_bytes() == b"old"
    assert files_in(tmp_path) == ["first"]


def test_what_cannot_be_removed_hides_no_error(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(30, "Read-only file system")

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(OSError, match="No space"):
        write_whole({tmp_path / "x": b"new"})


def test_the_longest_name_that_the_disk_takes_can_be_written(tmp_path):
    for name in ("x" * 255, "é" * 127):
        write_whole({tmp_path / name: b"x"})
        assert (tmp_path / name).read_bytes() == b"x"


def test_many_threads_write_the_same_files_in_folders_that_they_make(tmp_path):
    together = threading.Barrier(8)

    def write(number):
        together.wait()
        for turn in range(5):
            names = (f"{turn}/a/b", f"{turn}/c")
            write_whole({tmp_path / name: bytes([number]) * 1000 for name in names})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert len(files_in(tmp_path)) == 10
    for name in files_in(tmp_path):
        content = (tmp_path / name).read_bytes()
        assert content == content[:1] * 1000


def test_only_parts_of_ours_are_removed(tmp_path):
    for name in (".a.01234567.part", ".b.01234567.part", "below/.a.01234567.part"):
        write_whole({tmp_path / name: b""})
    for name in (".a.0123456.part", ".a.0123456g.part", "a.01234567.part", ".a.01234567.part~"):
        write_whole({tmp_path / name: b""})
    before = set(files_in(tmp_path))
    remove_parts(tmp_path, ["a"])
    assert before - set(files_in(tmp_path)) == {".a.01234567.part"}
    remove_parts(tmp_path)
    assert before - set(files_in(tmp_path)) == {".a.01234567.part", ".b.01234567.part"}
