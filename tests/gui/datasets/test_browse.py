"""The Browse tab: pages, filters, one case as layers of its own, and no layer touched but the previews."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from napari.layers import Layer
from napari.utils._proxies import PublicOnlyProxy
from qtpy.QtCore import QPoint, Qt

from napari_medsynth.core.case import Case
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets.packing import pack
from napari_medsynth.datasets.reader import Split
from napari_medsynth.datasets.schema import Meta
from napari_medsynth.phantom.step import Phantom
from napari_medsynth.widgets.datasets.case_layers import layers_of, origin_of
from napari_medsynth.widgets.datasets.checklist import Checklist
from napari_medsynth.widgets.datasets.opened import Opened, Wanted, describe_case, scenario_counts
from napari_medsynth.widgets.datasets.panel import DatasetPanel
from napari_medsynth.widgets.datasets.preview import Preview
from napari_medsynth.widgets.layers import history_of, labels_of, volume_of
from napari_medsynth.widgets.previews import is_preview

from .conftest import SOON, at_rest


@pytest.fixture
def train(dataset):
    with Split.open(dataset / "train.h5") as split:
        yield split


def shows(tab, split, case):
    """Whether the previews hold the voxels of a case."""
    layers = tab.preview.layers
    return np.array_equal(layers["image"].data, split.image(case)) and np.array_equal(
        layers["labels"].data, split.labels(case)
    )


def rows(tab):
    return tab.table.indices.tolist()


def one_case(path, case):
    path.write_bytes(pack(case, Meta.of(case), index=0, seed=0))
    return path


class TestPages:
    def test_the_first_case_of_the_first_split_is_shown(self, browse, train):
        assert (browse.split.currentText(), browse.split.count()) == ("train", 3)
        assert browse.number.suffix() == " of 14"
        assert shows(browse, train, 0)

    @pytest.mark.parametrize("how", ["slider", "number", "table"])
    def test_slider_number_and_table_page_together(self, qtbot, browse, train, how):
        {"slider": lambda: browse.slider.setValue(5), "number": lambda: browse.number.setValue(6),
         "table": lambda: browse.table.setCurrentIndex(browse.table.model().index(5, 0))}[how]()  # fmt: skip
        qtbot.waitUntil(lambda: shows(browse, train, 5), timeout=SOON)
        where = (browse.slider.value(), browse.number.value(), browse.table.currentIndex().row())
        assert where == (5, 6, 5)
        assert browse.case.text().startswith(train.case_ids[5])

    def test_the_same_two_layers_show_every_case_as_a_person_set_them(self, qtbot, viewer, browse, train):
        before = dict(browse.preview.layers)
        before["image"].contrast_limits = (20, 120)
        before["labels"].opacity = 0.2
        browse.slider.setValue(3)
        qtbot.waitUntil(lambda: shows(browse, train, 3), timeout=SOON)
        assert browse.preview.layers == before
        assert list(viewer.layers) == list(before.values())
        assert (tuple(before["image"].contrast_limits), before["labels"].opacity) == ((20, 120), 0.2)

    def test_of_many_wishes_the_last_one_is_shown_in_the_end(self, qtbot, browse, train):
        for number in (*range(14), 4):
            browse.slider.setValue(number)
        qtbot.waitUntil(lambda: not browse.pager.is_busy, timeout=SOON)
        assert shows(browse, train, 4)

    def test_names_and_places_are_those_of_the_case(self, browse, train):
        labels = browse.preview.layers["labels"]
        assert volume_of(browse.preview.layers["image"]).same_grid(train.case(0).image)
        assert labels.features["name"].tolist() == [train.table[v].name for v in train.case(0).labels.values()]
        assert [str(unit) for unit in labels.units] == ["millimeter"] * 3

    def test_another_split_shows_its_cases(self, qtbot, browse, dataset):
        browse.split.setCurrentText("test")
        with Split.open(dataset / "test.h5") as split:
            qtbot.waitUntil(lambda: shows(browse, split, 0), timeout=SOON)
            assert rows(browse) == [0, 1]

    def test_structures_are_coloured_and_what_is_around_them_is_clear(self, train):
        (_, _, _), (_, how, _) = layers_of(train, 0)
        colours = how["colormap"].color_dict
        body = train.table.values_of(name="body")[0]
        assert colours[body][3] == 0
        assert all(colours[entry.value][3] == 1 for entry in train.meta.structures)

    def test_the_viewer_that_plugins_are_given_shows_every_case_in_the_same_layers(self, viewer, train):
        preview = Preview(PublicOnlyProxy(viewer))
        preview.show(layers_of(train, 0))
        before = list(viewer.layers)
        preview.show(layers_of(train, 1))
        assert [id(layer) for layer in viewer.layers] == [id(layer) for layer in before]
        np.testing.assert_array_equal(before[0].data, train.image(1))

    @pytest.mark.parametrize(
        ("region", "window"), [("thorax", (-600, 400)), ("abdomen", (-160, 240)), ("lumbar spine", (-160, 240))]
    )
    def test_the_window_of_a_ct_is_that_of_soft_tissue_unless_lungs_are_in_it(self, tmp_path, region, window):
        step = Phantom(anatomy="torso", image_size=(40, 32, 36), region=region, scenario="normal_complete")
        with Split.open(one_case(tmp_path / "one.h5", step(Case(id="one"), seed=2))) as split:
            assert layers_of(split, 0)[0][1]["contrast_limits"] == window

    def test_bytes_are_shown_from_end_to_end(self, train):
        assert layers_of(train, 0)[0][1]["contrast_limits"] == (0, 255)


class TestFilter:
    def test_a_scenario(self, qtbot, browse, train):
        name = next(iter(scenario_counts(train)))
        browse.scenario.setCurrentIndex(browse.scenario.findData(name))
        assert rows(browse) == [n for n, found in enumerate(train.scenarios) if found == name]
        qtbot.waitUntil(lambda: shows(browse, train, rows(browse)[0]), timeout=SOON)

    @pytest.mark.parametrize("present", [True, False])
    def test_structures(self, browse, train, present):
        name = "spleen"
        (browse.has if present else browse.lacks).tick(name)
        column = train.structure_names.index(name)
        assert rows(browse) == np.flatnonzero(train.presence[:, column] == present).tolist()
        count = int(train.presence[:, column].sum())
        assert f"spleen in {count} ({count / 14:.0%})" in browse.found.text()

    def test_the_case_that_is_shown_stays_if_it_is_among_them(self, qtbot, browse, train):
        case = int(np.flatnonzero(train.presence[:, train.structure_names.index("spleen")])[-1])
        browse.slider.setValue(case)
        browse.has.tick("spleen")
        assert browse.case_number == case
        assert browse.table.currentIndex().row() == rows(browse).index(case)

    def test_none_at_all(self, qtbot, browse):
        browse.has.tick("liver")
        browse.lacks.tick("liver")
        assert rows(browse) == []
        assert browse.found.text().startswith("0 of 14 cases")
        assert not browse.load.isEnabled()
        assert not any(layer.visible for layer in browse.preview.layers.values())
        browse.lacks.clear()
        qtbot.waitUntil(lambda: all(layer.visible for layer in browse.preview.layers.values()), timeout=SOON)

    def test_it_stays_in_another_split(self, browse):
        browse.has.tick("liver")
        browse.split.setCurrentText("val")
        assert browse.has.ticked == ("liver",)
        assert rows(browse) == Wanted(has=("liver",)).found_in(browse._split).tolist()

    def test_a_structure_that_a_split_does_not_know_is_in_none_of_its_cases(self, train):
        assert Wanted(has=("tail",)).found_in(train).size == 0
        assert Wanted(lacks=("tail",)).found_in(train).size == 14


class TestChecklist:
    @pytest.fixture
    def checklist(self, qtbot):
        made = Checklist("Choose", "nothing")
        qtbot.addWidget(made)
        made.offer(["left_lung", "liver", "heart", "L1"], ["1", "2", "3", "4"])
        return made

    def test_the_button_says_what_is_ticked(self, qtbot, checklist):
        assert checklist.text() == "nothing"
        with qtbot.waitSignal(checklist.changed):
            checklist.tick("left_lung")
        assert (checklist.text(), checklist.ticked) == ("left lung", ("left_lung",))
        for name in ("heart", "L1"):
            checklist.tick(name)
        assert checklist.text() == "left lung, heart + 1"
        checklist.clear()
        assert (checklist.text(), checklist.ticked) == ("nothing", ())

    def test_ticks_stay_if_their_names_are_still_on_offer(self, checklist):
        checklist.tick("heart")
        checklist.tick("liver")
        checklist.offer(["heart", "L2"], ["1", "2"])
        assert checklist.ticked == ("heart",)

    @pytest.mark.parametrize("x", [8, 100], ids=["on the box", "on the name"])
    def test_a_click_ticks_once(self, qtbot, checklist, x):
        checklist.list.resize(checklist.list.sizeHint())
        checklist.list.show()
        place = checklist.list.visualItemRect(checklist.list.item(1))
        for expected in (("liver",), ()):
            qtbot.mouseClick(checklist.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, place.center().y()))
            assert checklist.ticked == expected


class TestLoading:
    def test_enter_loads_the_case_as_layers_to_keep(self, qtbot, viewer, browse, train):
        browse.slider.setValue(2)
        qtbot.keyClick(browse.table, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=SOON)
        image, labels = viewer.layers[-2:]
        case = train.case(2)
        assert (image.name, labels.name) == (case.id, f"{case.id} labels")
        np.testing.assert_array_equal(volume_of(image).array, case.image.array)
        np.testing.assert_array_equal(labels_of(labels).array, case.labels.array)
        assert labels_of(labels).table == case.labels.table
        assert history_of(image) == case.history
        assert origin_of(image) == (train.path, 2)
        assert not is_preview(image)

    def test_so_does_a_double_click(self, qtbot, viewer, browse):
        place = browse.table.visualRect(browse.table.model().index(0, 0)).center()
        qtbot.mouseClick(browse.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
        qtbot.mouseDClick(browse.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
        qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=SOON)

    def test_paging_on_leaves_it_alone_and_shows_the_preview_again(self, qtbot, viewer, browse, train):
        browse.load_case()
        qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=SOON)
        assert not any(layer.visible for layer in browse.preview.layers.values())
        loaded = viewer.layers[-2].data.copy()
        browse.slider.setValue(1)
        qtbot.waitUntil(lambda: shows(browse, train, 1), timeout=SOON)
        np.testing.assert_array_equal(viewer.layers[-2].data, loaded)
        assert all(layer.visible for layer in browse.preview.layers.values())

    def test_a_second_time_gets_names_of_its_own(self, qtbot, viewer, browse):
        for count in (4, 6):
            browse.load_case()
            qtbot.waitUntil(lambda n=count: len(viewer.layers) == n, timeout=SOON)
        assert len({layer.name for layer in viewer.layers}) == 6

    def test_layers_of_a_person_are_never_touched(self, qtbot, viewer, browse, train):
        mine = viewer.add_image(np.ones((4, 5, 6)), name="case (preview)")
        browse.slider.setValue(1)
        qtbot.waitUntil(lambda: shows(browse, train, 1), timeout=SOON)
        assert mine in viewer.layers
        assert mine.data.min() == mine.data.max() == 1

    def test_previews_that_were_deleted_come_again(self, qtbot, viewer, browse, train):
        viewer.layers.remove(browse.preview.layers["labels"])
        browse.slider.setValue(1)
        qtbot.waitUntil(lambda: not browse.pager.is_busy, timeout=SOON)
        assert shows(browse, train, 1)


class TestOtherDatasets:
    def test_labels_alone(self, qtbot, panel, viewer, labels, tmp_path):
        panel.look_through(one_case(tmp_path / "one.h5", Case(id="brain", labels=labels)))
        qtbot.waitUntil(lambda: bool(panel.browse.preview.layers), timeout=SOON)
        assert list(panel.browse.preview.layers) == ["labels"]
        assert panel.browse.split.currentText() == "one"

    def test_lesions_are_shown_too(self, qtbot, panel, ct, labels, tmp_path):
        case = Case(id="p1", image=ct, labels=labels, instances=LabelMap(labels.array == 7, labels.affine))
        panel.look_through(one_case(tmp_path / "one.h5", case))
        qtbot.waitUntil(lambda: len(panel.browse.preview.layers) == 3, timeout=SOON)
        assert panel.browse.preview.layers["instances"].data.max() == 1

    def test_slices_take_the_place_of_volumes_and_back(self, qtbot, panel, viewer, browse, train, tmp_path):
        flat = one_case(
            tmp_path / "flat.h5", Case(id="flat", image=Volume(np.arange(30, dtype=np.uint8).reshape(5, 6)))
        )
        panel.look_through(flat)
        qtbot.waitUntil(lambda: list(browse.preview.layers) == ["image"], timeout=SOON)
        assert browse.preview.layers["image"].data.shape == (5, 6)
        assert len(viewer.layers) == 1
        panel.look_through(train.path)
        qtbot.waitUntil(lambda: len(browse.preview.layers) == 2, timeout=SOON)
        assert shows(browse, train, 0)


class TestProblems:
    def test_a_folder_without_dataset_is_told_in_one_line(self, browse, tmp_path):
        before = rows(browse)
        browse.open(tmp_path)
        assert str(tmp_path) in browse.told.text()
        assert rows(browse) == before

    def test_a_damaged_file_is_told_in_one_line(self, browse, tmp_path):
        (tmp_path / "bad.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
        browse.open(tmp_path / "bad.h5")
        assert "bad.h5" in browse.told.text()
        assert rows(browse) == []
        assert not browse.load.isEnabled()

    def test_a_damaged_case_is_told_and_the_next_one_shown(self, qtbot, panel, dataset, tmp_path):
        damaged = damage(dataset, tmp_path, case=1)
        panel.look_through(damaged)
        tab = panel.browse
        qtbot.waitUntil(lambda: bool(tab.preview.layers), timeout=SOON)
        tab.slider.setValue(1)
        qtbot.waitUntil(lambda: "case 1" in tab.told.text(), timeout=SOON)
        tab.slider.setValue(2)
        qtbot.waitUntil(lambda: tab.told.isHidden(), timeout=SOON)

    def test_verify_names_what_is_wrong(self, qtbot, panel, dataset, tmp_path):
        panel.look_through(damage(dataset, tmp_path, case=1))
        panel.browse.check.click()
        qtbot.waitUntil(lambda: at_rest(panel) and bool(panel.browse.told.text()), timeout=SOON)
        assert "case 1" in panel.browse.told.text()

    def test_verify_says_that_all_is_well(self, qtbot, panel, browse):
        browse.check.click()
        qtbot.waitUntil(lambda: at_rest(panel) and bool(browse.told.text()), timeout=SOON)
        assert browse.told.text() == "Everything is whole and as recorded."

    def test_before_anything_is_open_buttons_say_why(self, panel):
        assert panel.browse.load.toolTip() == "Not now: choose a case first"
        assert panel.browse.check.toolTip() == "Not now: open a dataset first"
        assert panel.browse.number.suffix() == " of 0"


class TestPanel:
    def test_a_case_that_is_selected_opens_its_dataset(self, qtbot, viewer, train):
        data, how, _ = layers_of(train, 3)[0]
        viewer.add_layer(Layer.create(data, how, "image"))
        panel = DatasetPanel(viewer)
        qtbot.waitUntil(lambda: bool(panel.browse.preview.layers), timeout=SOON)
        assert panel.tabs.currentIndex() == 1
        assert panel.browse.case_number == 3
        panel.deleteLater()
        qtbot.waitUntil(lambda: len(viewer.layers) == 1)

    def test_closing_it_takes_the_previews_away_and_nothing_else(self, qtbot, viewer, panel, browse):
        mine = viewer.add_image(np.zeros((4, 5, 6)))
        panel.deleteLater()
        qtbot.waitUntil(lambda: list(viewer.layers) == [mine])


def test_a_case_in_words(train):
    index = next(n for n, present in enumerate(train.presence) if not present.all())
    absent = [train.structure_names[n].replace("_", " ") for n in np.flatnonzero(~train.presence[index])]
    words = describe_case(train, index)
    assert words.startswith(f"{train.case_ids[index]} · {train.scenarios[index].replace('_', ' ')} · ")
    assert f"{13 - len(absent)} of 13 structures · without {absent[0]}" in words


def test_splits_are_listed_in_their_order(dataset):
    assert Opened(dataset).split_names == ("train", "val", "test")


def damage(dataset, tmp_path, case):
    """Copy a dataset's training file and change a byte in the image of one case."""
    import h5py

    path = tmp_path / "train.h5"
    shutil.copy(dataset / "train.h5", path)
    with h5py.File(path, "r") as file:
        images = file["images"].id
        place = images.get_chunk_info_by_coord((case, 0, 0, 0)).byte_offset
    with path.open("r+b") as file:
        file.seek(place + 20)
        file.write(b"\xff" * 40)
    return path
