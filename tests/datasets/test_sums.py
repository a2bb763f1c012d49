"""The checksums of finished cases outlive a process that is killed while it writes one."""

from __future__ import annotations

import pytest

from napari_medsynth.core.errors import WriteError
from napari_medsynth.datasets.sums import Sums


@pytest.fixture
def sums(tmp_path):
    found = Sums(tmp_path / "sums.txt")
    for n in range(3):
        (tmp_path / str(n)).write_bytes(bytes([n]))
        found.add(n, bytes([n]))
    return found


def test_a_case_is_whole_if_its_file_is_the_one_that_was_noted(tmp_path, sums):
    again = Sums(tmp_path / "sums.txt")
    assert all(n in again and again.match(n, tmp_path / str(n)) for n in range(3))
    assert not again.match(1, tmp_path / "2")
    assert not again.match(1, tmp_path / "none")
    assert 3 not in again


@pytest.mark.parametrize("kept", range(0, 210, 10))
def test_a_line_that_was_cut_short_is_not_known_and_hides_no_other(tmp_path, sums, kept):
    path = tmp_path / "sums.txt"
    path.write_bytes(path.read_bytes()[:kept])
    again = Sums(path)
    known = [n for n in range(3) if n in again]
    assert known == list(range(len(known)))
    assert all(again.match(n, tmp_path / str(n)) for n in known)
    again.add(9, b"x")
    assert [n for n in range(10) if n in Sums(path)] == [*known, 9]


def test_the_last_word_counts(tmp_path, sums):
    sums.add(1, b"new")
    (tmp_path / "1").write_bytes(b"new")
    assert Sums(tmp_path / "sums.txt").match(1, tmp_path / "1")


def test_noise_is_no_line(tmp_path):
    (tmp_path / "sums.txt").write_bytes(b"\xff\xfe\n1 abc\n" + b"9" * 10_000)
    assert 1 not in Sums(tmp_path / "sums.txt")


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(WriteError, match=r"sums\.txt could not be written: No such file"):
        Sums(tmp_path / "none" / "sums.txt").add(1, b"")
