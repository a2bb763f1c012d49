from __future__ import annotations

import pytest

from napari_medsynth.core.errors import SeedError
from napari_medsynth.tumor.synthetic import SyntheticLesion
from napari_medsynth.widgets.tumors.shelf import Shelf


def test_a_folder_that_is_not_there_is_an_empty_library_and_nothing_is_made(tmp_path):
    shelf = Shelf(tmp_path / "new")
    assert (shelf.infos, shelf.problems) == ((), ())
    assert not (tmp_path / "new").exists()


def test_the_first_seed_makes_the_library(tmp_path):
    shelf = Shelf(tmp_path / "new")
    told = []
    shelf.changed.connect(lambda: told.append(len(shelf.infos)))
    seed = SyntheticLesion(diameter_mm=6.0).make()
    assert shelf.store([seed]) == (seed.info.id,)
    shelf.announce()
    assert told == [1]
    assert shelf.thumbnail(seed.info.id).is_file()


def test_a_folder_of_something_else_is_a_problem_and_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    shelf = Shelf(tmp_path)
    assert "not a seed library" in shelf.problems[0]
    with pytest.raises(SeedError):
        shelf.store([SyntheticLesion(diameter_mm=6.0).make()])
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_damaged_seed_is_listed_and_the_rest_is_as_good(library):
    broken, whole = (info.id for info in library.infos)
    (library.folder / f"{broken}_image.nii.gz").write_bytes(b"no longer an image")
    shelf = Shelf(library.folder)
    assert any(broken in line for line in shelf.verify())
    assert shelf.thumbnail(whole).is_file()


def test_merging_copies_the_seeds(library, tmp_path):
    shelf = Shelf(tmp_path / "other")
    assert len(shelf.merge(library.folder)) == 2
    shelf.announce()
    assert {info.id for info in shelf.infos} == {info.id for info in library.infos}


def test_removing_deletes(library):
    shelf = Shelf(library.folder)
    shelf.remove([library.infos[0].id])
    shelf.announce()
    assert len(shelf.infos) == 1
