"""Files and folders appear whole under their name, or not at all."""

from __future__ import annotations

import os

import pytest

from napari_medsynth.core.errors import ConfigError, ReadError, WriteError
from napari_medsynth.io import atomic_folder, atomic_path, limits, write_bytes, write_json, write_text


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_the_file_appears_when_the_block_ends(tmp_path):
    with atomic_path(tmp_path / "new" / "scan.nii.gz") as temp:
        temp.write_bytes(b"whole")
        assert temp.parent == tmp_path / "new"
        assert temp.name.startswith(".scan.")
        assert temp.name.endswith(".partial.nii.gz")
        assert names(tmp_path / "new") == [temp.name]
    assert names(tmp_path / "new") == ["scan.nii.gz"]
    assert (tmp_path / "new" / "scan.nii.gz").read_bytes() == b"whole"


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_nothing_changes_when_the_block_fails(tmp_path, stop):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(stop), atomic_path(tmp_path / "a.txt") as temp:  # noqa: PT012
        temp.write_text("half of the n")
        raise stop
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_nothing_changes_when_the_rename_fails(tmp_path, monkeypatch):
    write_text(tmp_path / "a.txt", "old")

    def fails(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(WriteError, match=r"a\.txt could not be written: Input/output error"):
        write_text(tmp_path / "a.txt", "new")
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_the_data_reach_the_disk_before_the_name(tmp_path, monkeypatch):
    done = []
    replace, fsync = os.replace, os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("flush"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("rename"), replace(*paths)))
    write_bytes(tmp_path / "a.bin", b"x")
    assert done[:2] == ["flush", "rename"]


def test_errors_of_reading_within_the_block_stay_what_they_are(tmp_path):
    with pytest.raises(ReadError, match="source"), atomic_path(tmp_path / "a.txt"):
        raise ReadError("source is damaged")


def test_json_is_readable_and_refuses_nan(tmp_path):
    write_json(tmp_path / "a.json", {"größe": 1.5})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n "größe": 1.5\n}\n'
    for value in (float("nan"), {1, 2}):
        with pytest.raises(WriteError, match=r"b\.json cannot hold these values as JSON"):
            write_json(tmp_path / "b.json", value)
    assert names(tmp_path) == ["a.json"]


def test_a_folder_appears_when_the_block_ends(tmp_path):
    with atomic_folder(tmp_path / "new" / "case") as temp:
        (temp / "sub").mkdir()
        (temp / "sub" / "a").write_text("x")
        assert not (tmp_path / "new" / "case").exists()
    assert (tmp_path / "new" / "case" / "sub" / "a").read_text() == "x"
    assert names(tmp_path / "new") == ["case"]


@pytest.mark.parametrize("replace", [False, True])
def test_a_folder_stays_as_it_was_when_the_block_fails(tmp_path, replace):
    (tmp_path / "case").mkdir()
    if replace:
        (tmp_path / "case" / "old").touch()
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / "case", replace=replace) as temp:  # noqa: PT012
        (temp / "new").touch()
        raise KeyboardInterrupt
    assert names(tmp_path) == ["case"]
    assert names(tmp_path / "case") == (["old"] if replace else [])


def test_without_an_exchange_a_failing_rename_puts_the_old_folder_back(tmp_path, monkeypatch):
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "old").touch()
    monkeypatch.setattr("napari_medsynth.io.atomic.exchange", lambda *_: False)
    rename = type(tmp_path).rename

    def fails_for_the_new(self, target):
        if ".partial" in self.name and (self / "new").exists():
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", fails_for_the_new)
    with (
        pytest.raises(WriteError, match="case could not be written"),
        atomic_folder(tmp_path / "case", replace=True) as t,
    ):
        (t / "new").touch()
    assert names(tmp_path) == ["case"]
    assert names(tmp_path / "case") == ["old"]


def test_a_folder_in_the_place_of_a_file_is_an_error(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(WriteError, match=r"a\.txt could not be written"):
        write_text(tmp_path / "a.txt", "x")
    assert names(tmp_path) == ["a.txt"]


def test_the_budget(monkeypatch):
    monkeypatch.delenv(limits.VARIABLE, raising=False)
    assert limits.budget() > 10**8
    monkeypatch.setenv(limits.VARIABLE, "5000")
    assert limits.budget() == 5000
    assert limits.budget(7) == 7
    for text in ("much", "0", "-3", "1e9"):
        monkeypatch.setenv(limits.VARIABLE, text)
        with pytest.raises(ConfigError):
            limits.budget()
