"""The picture of a sample: true to space, upright, with what the case has and has not."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, WriteError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.record import Record
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets.picture import draw_case, visualize_sample
from napari_medsynth.datasets.planes import planes_of, shown_structures

RED, GREEN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
TABLE = LabelTable((Label(1, "liver", colour=RED), Label(2, "spleen", colour=GREEN), Label(3, "heart")))
NAMES = ("liver", "spleen", "heart")


def body(spacing=(4.0, 1.0, 2.0)):
    """A body whose liver lies low on the right and whose spleen lies low on the left; it has no heart."""
    labels = np.zeros((16, 24, 32), np.uint8)
    labels[2:6, 4:20, 2:12] = 1
    labels[5:7, 6:16, 22:30] = 2
    image = (labels > 0) * 90 + np.arange(16)[:, None, None] * 10
    affine = Affine.from_spacing(spacing)
    history = (Record("phantom", 1, {}, {"scenario": "no_heart"}, {}),)
    return Case(
        id="body",
        image=Volume(image.astype(np.uint8), affine),
        labels=LabelMap(labels, affine, TABLE),
        history=history,
    )


class Cases:
    """The least that can be drawn of."""

    structure_names = NAMES

    def __init__(self, *cases):
        self.cases = cases

    def case(self, index, /):
        return self.cases[index]


def planes(case):
    return planes_of(case, shown_structures(case, NAMES))


def test_structures_have_the_table_s_colours_and_say_whether_they_are_there():
    liver, spleen, heart = shown_structures(body(), NAMES)
    assert (liver.colour, liver.present) == ((255, 0, 0), True)
    assert (spleen.colour, spleen.present) == ((0, 255, 0), True)
    assert not heart.present
    assert heart.colour not in (liver.colour, spleen.colour)


def test_each_plane_cuts_as_many_structures_as_it_can_and_is_near_the_middle_of_them():
    axial, coronal, sagittal = planes(body())
    assert axial.title == "axial 6 / 16"  # only index 5 has both; 4 is the middle of 2 … 6
    assert set(np.unique(axial.structure)) == {0, 1, 2}
    assert set(np.unique(coronal.structure)) == {0, 1, 2}
    assert len(np.unique(sagittal.structure)) == 2


def test_planes_are_upright_with_the_patient_s_right_on_the_left():
    axial, coronal, sagittal = planes(body())
    assert axial.sides == coronal.sides == ("R", "L")
    rows, columns = np.nonzero(coronal.structure == 1)
    assert rows.min() >= 10  # low in the body is low in the picture
    assert columns.max() < 12  # on the right is on the left
    assert (np.diff(coronal.grey[:, 0].astype(int)) <= 0).all()
    assert sagittal.sides == ("A", "P")
    assert np.nonzero(sagittal.structure)[1].min() == 4


@pytest.mark.parametrize("orientation", ["IAR", "RPS"])
def test_it_looks_the_same_however_the_voxels_are_stored(orientation):
    case = body((2.0, 2.0, 2.0))
    turned = replace(
        case,
        image=case.image.reoriented(orientation),
        labels=case.labels.reoriented(orientation),
    )
    for plane, other in zip(planes(case), planes(turned), strict=True):
        assert np.array_equal(plane.structure, other.structure)
        assert np.array_equal(plane.grey, other.grey)


def test_a_millimetre_is_as_long_in_every_direction():
    sizes = [plane.size_mm for plane in planes(body((4.0, 1.0, 2.0)))]
    assert sizes == [(24.0, 64.0), (64.0, 64.0), (64.0, 24.0)]
    plain, _ = planes(body((4.0, 1.0, 2.0)))[0].drawn(3.0, [(0, 0, 0)] * 3)
    assert plain.size == (192, 72)


def test_structures_are_laid_over_the_plane_with_a_line_around_them():
    axial = planes(body((1.0, 1.0, 1.0)))[0]
    plain, overlaid = (np.asarray(picture) for picture in axial.drawn(1.0, [(255, 0, 0), (0, 255, 0), (0, 0, 255)]))
    assert (plain[..., 0] == plain[..., 1]).all()
    outside = axial.structure == 0
    assert np.array_equal(plain[outside], overlaid[outside])
    assert (overlaid[axial.structure == 1, 0] > overlaid[axial.structure == 1, 1]).all()
    assert tuple(overlaid[10, 2]) == (255, 0, 0)
    assert tuple(overlaid[10, 6]) != (255, 0, 0)


def test_ct_is_shown_through_one_window_whatever_it_holds():
    case = body()
    hu = Volume(case.image.array.astype(np.int16) - 1000, case.image.affine, modality="CT")
    assert planes(replace(case, image=hu))[0].grey.max() == 0
    assert planes(replace(case, image=replace(hu, modality="MR")))[0].grey.max() > 200


def test_a_sample_is_drawn_and_written(tmp_path):
    path = tmp_path / "pictures" / "sample.png"
    picture = visualize_sample(Cases(body()), 0, path=path)
    with Image.open(path) as written:
        assert np.array_equal(np.asarray(written), np.asarray(picture))
    assert np.array_equal(np.asarray(visualize_sample(Cases(body()))), np.asarray(picture))


def test_what_is_absent_looks_absent():
    with_heart = body()
    labels = with_heart.labels.array.copy()
    labels[8, 12, 16] = 3
    with_heart = replace(with_heart, labels=replace(with_heart.labels, array=labels))
    legend = [np.asarray(draw_case(case, NAMES))[:, -190:].astype(int).sum() for case in (body(), with_heart)]
    assert legend[0] != legend[1]


def test_a_picture_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriteError, match=r"sample\.png"):
        visualize_sample(Cases(body()), path=tmp_path / "file" / "sample.png")


def test_cases_that_lack_something_are_drawn_as_far_as_they_go():
    case = body()
    flat = Case(
        id="flat",
        image=Volume(case.image.array[5], Affine.from_spacing((1, 2))),
        labels=LabelMap(case.labels.array[5], Affine.from_spacing((1, 2)), TABLE),
    )
    assert [plane.size_mm for plane in planes(flat)] == [(24.0, 64.0)]
    whole, masks, plain = (draw_case(c, NAMES) for c in (case, replace(case, image=None), replace(case, labels=None)))
    assert masks.height == plain.height < whole.height
    for some in (flat, Case(id="empty")):
        assert min(draw_case(some, NAMES).size) > 50


def test_many_structures_fit():
    table = LabelTable.from_names({n: f"structure number {n}" for n in range(1, 80)})
    case = body()
    case = replace(case, labels=replace(case.labels, table=table))
    picture = draw_case(case, [entry.name for entry in table])
    assert picture.width < 2500
    assert picture.height < 1500


def test_a_picture_is_not_written_under_the_name_of_another_kind_of_file(tmp_path):
    with pytest.raises(ConfigError, match=r"sample\.jpg'; expected a name that ends in \.png"):
        visualize_sample(Cases(body()), path=tmp_path / "sample.jpg")
    assert list(tmp_path.iterdir()) == []


def test_without_a_path_it_is_shown_where_someone_looks(monkeypatch):
    """In a terminal by the system's viewer; where output goes to a file, nothing opens."""
    shown = []
    monkeypatch.setattr(Image.Image, "show", lambda self: shown.append(self.size))
    cases = SimpleNamespace(structure_names=("liver",), case=lambda index: body())
    visualize_sample(cases)
    assert not shown
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert [visualize_sample(cases).size] == shown


def test_in_a_notebook_it_is_shown_beneath_the_cell(monkeypatch):
    seen = []
    display = SimpleNamespace(display=seen.append)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=object, display=display))
    cases = SimpleNamespace(structure_names=("liver",), case=lambda index: body())
    assert [visualize_sample(cases)] == seen
