"""Preset, contrast, intensities and names: what is chosen is what the step gets."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_medsynth.core.errors import ConfigError, MedsynthError, ReadError
from napari_medsynth.core.schemes import scheme_names
from napari_medsynth.rendering.presets import preset, preset_names
from napari_medsynth.rendering.prior import read_prior
from napari_medsynth.widgets.rendering.contrast_box import ContrastBox
from napari_medsynth.widgets.rendering.intensity_box import IntensityBox
from napari_medsynth.widgets.rendering.names_box import NamesBox

T1, T2 = preset("brain-t1").prior, preset("brain-t2").prior


class TestContrast:
    @pytest.fixture
    def box(self, qtbot):
        made = ContrastBox()
        qtbot.addWidget(made)
        return made

    def test_all_presets_are_offered_with_what_they_are(self, box):
        names = [box.presets.itemData(n) for n in range(box.presets.count())]
        box.presets.showPopup()
        box.presets.hidePopup()
        tips = [box.presets.itemData(n, Qt.ItemDataRole.ToolTipRole) for n in range(box.presets.count())]
        assert names == list(preset_names())
        assert tips == [preset(name).description for name in names]

    def test_the_ends_of_the_slider_are_named(self, box):
        box.choose("brain-t1", 0.25)
        assert (box.near.text(), box.far.currentText()) == ("T1", "T2")
        assert box.slider.isEnabled()
        assert (box.alpha, box.toward) == (0.25, None)

    def test_the_slider_has_the_room_that_the_far_end_does_not_need(self, box):
        box.choose("synthseg")
        wide = box.far.minimumSizeHint().width()
        box.choose("brain-t1")
        assert box.far.minimumSizeHint().width() < wide

    def test_another_of_the_same_kind_can_be_at_the_far_end(self, box):
        box.choose("brain-t1", 0.25)
        box.far.showPopup()
        box.far.hidePopup()
        offered = [box.far.itemData(n) for n in range(box.far.count())]
        assert offered[0] == "brain-t2"
        assert {"brain-flair", "spine-t2"} < set(offered)
        assert not {"brain-t1", "abdomen-ct", "breast-us"} & set(offered)
        changes = []
        box.changed.connect(lambda: changes.append(box.toward))
        box.far.setCurrentIndex(offered.index("brain-flair"))
        assert changes == ["brain-flair"]
        box.slider.setValue(0)
        assert box.toward is None

    def test_a_preset_without_an_opposite_can_be_moved_towards_another(self, box):
        box.choose("abdomen-mr")
        assert not box.slider.isEnabled()
        box.far.showPopup()
        box.far.hidePopup()
        box.far.setCurrentIndex(box.far.findData("spine-t2"))
        box.slider.setValue(0.5)
        assert (box.slider.isEnabled(), box.near.text(), box.toward) == (True, "", "spine-t2")

    def test_at_its_own_end_it_is_the_preset_itself(self, box):
        box.choose("brain-t1")
        assert box.alpha is None

    def test_a_preset_without_an_opposite_says_so(self, box):
        box.choose("brain-t1", 0.5)
        box.choose("synthseg")
        assert not box.slider.isEnabled()
        assert (
            box.slider.toolTip()
            == "Not now: preset synthseg has no opposite to move towards; choose another on the right"
        )
        assert box.alpha is None


class TestIntensities:
    @pytest.fixture
    def box(self, qtbot):
        made = IntensityBox(list)
        qtbot.addWidget(made)
        made.show_preset(preset("brain-t1"))
        return made

    def test_they_are_those_of_the_preset_at_first(self, box):
        assert box.path is None
        assert box.prior == T1
        box.require_saved()

    def test_what_was_estimated_stays_with_another_preset_but_not_on_another_scale(self, box):
        box.take_estimate(T2, "my scan")
        box.show_preset(preset("spine-t1"))
        assert box.prior == T2
        box.show_preset(preset("abdomen-ct"))
        assert box.path is None
        assert box.text() == "of the preset"
        assert box.prior == preset("abdomen-ct").prior

    def test_what_was_estimated_is_taken_and_waits_to_be_saved(self, box, tmp_path):
        box.take_estimate(T2, "my scan")
        assert box.prior == read_prior(box.path) == T2
        assert box.text() == "from my scan (not saved)"
        with pytest.raises(ConfigError, match="in no file yet"):
            box.require_saved()
        box.save(tmp_path / "mine.yaml")
        assert box.path == tmp_path / "mine.yaml"
        assert read_prior(box.path) == T2
        box.require_saved()

    def test_another_estimate_is_another_file(self, box):
        box.take_estimate(T2, "a")
        first = box.path
        box.take_estimate(T1, "b")
        assert box.path != first

    def test_the_presets_can_be_saved_to_begin_with(self, box, tmp_path):
        box.save(tmp_path / "t1.yaml")
        assert read_prior(tmp_path / "t1.yaml") == T1
        assert box.path is None

    def test_a_file_is_taken_and_given_back(self, box, tmp_path):
        box.save(tmp_path / "t1.yaml")
        box.load(tmp_path / "t1.yaml")
        assert (box.path, box.text()) == (tmp_path / "t1.yaml", "from t1.yaml")
        box.take_own()
        assert (box.path, box.text()) == (None, "of the preset")

    def test_a_file_that_is_none_is_refused_and_nothing_changes(self, box, tmp_path):
        box.take_estimate(T2, "my scan")
        (tmp_path / "bad.yaml").write_text("classes: {x: {mean: 3}}")
        for name, kind in (("gone.yaml", ReadError), ("bad.yaml", MedsynthError)):
            with pytest.raises(kind, match=name):
                box.load(tmp_path / name)
        assert box.prior == T2

    def test_without_an_image_on_the_grid_nothing_can_be_estimated(self, box):
        box.menu().aboutToShow.emit()
        assert not box.from_image.isEnabled()
        assert "no image lies on the labels' grid" in box.from_image.title()


class TestNames:
    def test_a_scheme_can_take_the_place_of_the_layers_own(self, qtbot):
        box = NamesBox()
        qtbot.addWidget(box)
        box.show_own(preset("brain-t1"), has_table=True)
        assert (box.scheme, box.currentText()) == (None, "the layer's own")
        assert [box.itemData(n) for n in range(1, box.count())] == list(scheme_names())
        box.choose("spider")
        assert box.scheme == "spider"

    def test_without_a_table_the_presets_scheme_names_them(self, qtbot):
        box = NamesBox()
        qtbot.addWidget(box)
        box.show_own(preset("brain-t1"), has_table=False)
        assert box.currentText() == "as freesurfer (preset)"
