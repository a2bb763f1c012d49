"""The report of a dataset: one page that is well formed, holds the right figures and fetches nothing."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ReadError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets import DatasetFolder, Split, make_dataset, write_report
from napari_medsynth.datasets import report_figures as figures
from napari_medsynth.datasets.assemble import Outline, assemble
from napari_medsynth.datasets.charts import Bars, Ridge, Spread, bar_chart, histogram, ridges, spreads
from napari_medsynth.datasets.folder import write_metadata
from napari_medsynth.datasets.packing import pack
from napari_medsynth.datasets.parts import parts_in, write_part
from napari_medsynth.datasets.report_sections import expected_shares
from napari_medsynth.datasets.schema import Meta
from napari_medsynth.datasets.svg import figure
from napari_medsynth.phantom.scenarios import builtin_scenarios
from napari_medsynth.phantom.step import Phantom

STRUCTURES = (Label(1, "small"), Label(2, "large"))
VOID = {"meta", "img", "br", "link", "input"}
NASTY = '<script>alert("1")</script>&amp;\'"'


class Page(HTMLParser):
    """Checks that every tag is closed in its order, and keeps what there is."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.addresses, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        assert not [name for name in names if name.startswith("on")]
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href", "action", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    recipe = Recipe(steps=(Phantom(image_size=(16, 20, 18)),), seed=3)
    return finish(make_dataset(recipe, 20, tmp_path_factory.mktemp("phantoms") / "toy", workers=1))


@pytest.fixture(scope="module")
def page(phantoms):
    return Page(write_report(phantoms).read_text(encoding="utf-8"))


def made_of(folder, cases):
    """A dataset that has these cases for training."""
    for index, case in enumerate(cases):
        write_part(folder, index, pack(case, Meta.of(case), index=index, seed=0))
    parts = parts_in(folder)
    finish(assemble(parts, Outline.of(parts.values()), folder / "train.h5", "train"))
    for path in parts.values():
        path.unlink()
    (folder / ".unfinished").rmdir()
    write_metadata(folder)
    return folder


def boxes(name, *, offset=0, image=True, table=None):
    """Two structures of 8 and 24 voxels of 1 mm, with values 100 and 200 (+ offset) in an image of zeros."""
    labels = np.zeros((6, 6, 6), np.uint8)
    labels[1:3, 1:3, 1:3] = 1
    labels[3:5, 1:5, 2:5] = 2
    array = np.array([0, 100 + offset, 200 + offset], np.int16)[labels]
    table = LabelTable(STRUCTURES) if table is None else table
    return Case(id=name, image=Volume(array, modality="CT") if image else None, labels=LabelMap(labels, table=table))


def test_the_page_is_well_formed_and_needs_nothing_beside_it(page):
    assert page.tags.count("html") == page.tags.count("body") == 1
    assert not {"script", "link", "iframe", "object", "base", "form"} & set(page.tags)
    assert page.addresses
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)


def test_nothing_but_the_name_space_of_svg_looks_like_an_address(phantoms):
    text = write_report(phantoms).read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\"' <]*", text)) <= {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in text
    assert "@import" not in text
    assert "url(" not in text


def test_the_same_dataset_gives_the_same_bytes(phantoms):
    first = write_report(phantoms).read_bytes()
    assert write_report(phantoms).read_bytes() == first


def test_light_dark_and_paper_are_provided_for(phantoms):
    text = write_report(phantoms).read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_each_section_is_there_with_its_figures(page, phantoms):
    for heading in ("Cases", "Presence", "Scenarios", "Intensities", "Volumes", "Files and origin", "Recipe"):
        assert heading in page.texts
    assert "20 cases" in page.text
    assert "14 in train" in page.text
    assert "16 × 20 × 18 voxels (z, y, x)" in page.text
    assert "image_size: [16, 20, 18]" in page.text  # the recipe
    for name in DatasetFolder.open(phantoms).structure_names:
        assert name in page.texts


def test_pictures_show_one_case_of_each_scenario(page, phantoms):
    scenarios = []
    for file in DatasetFolder.open(phantoms).splits.values():
        with Split.open(file) as split:
            scenarios += [scenario.replace("_", " ") for scenario in split.scenarios]
    first = scenarios[0]
    shown = {text.partition(": ")[2] for text in page.texts if text.startswith("case_")}
    assert len(shown) == min(len(set(scenarios)), 9) > 4
    pictures = [base64.b64decode(address.partition(",")[2]) for address in page.addresses]
    assert 6 <= len(pictures) <= 9
    assert f"case_000000 (train): {first}" in page.texts
    image = np.asarray(Image.open(io.BytesIO(pictures[0])))
    colourful = (image.max(axis=-1).astype(int) - image.min(axis=-1)) > 40
    assert colourful[: len(image) // 2].sum() == 0  # above, the image alone
    assert colourful[len(image) // 2 :].sum() > 50  # below, with its structures


def test_documented_shares_are_shown_only_where_they_were_drawn(phantoms):
    recipe = DatasetFolder.open(phantoms).metadata
    shares = expected_shares(recipe)
    assert set(shares) == {scenario.name for scenario in builtin_scenarios()}
    assert sum(shares.values()) == pytest.approx(1)
    for settings in ({"scenario": "splenectomy"}, {"scenarios": "mine.yaml"}, {"present": ["liver"]}):
        step = {"phantom": {"scenario": "mixed", "scenarios": None, "present": None} | settings}
        assert expected_shares({"recipe": {"steps": [step]}}) == {}


@pytest.mark.parametrize("recipe", [None, 5, {"steps": 5}, {"steps": [5]}, {"steps": [{"phantom": 5}]}])
def test_a_strange_recipe_in_the_metadata_has_no_shares(recipe):
    assert expected_shares({"recipe": recipe}) == {}


def test_measures_are_those_of_the_voxels(tmp_path):
    dataset = DatasetFolder.open(made_of(tmp_path / "boxes", [boxes("a"), boxes("b", offset=10)]))
    measures = figures.measured(dataset, STRUCTURES, [("train", 0), ("train", 1)])
    assert measures.cases == 2
    assert measures.volumes == [[0.008, 0.008], [0.024, 0.024]]
    assert measures.whole.sum() == 2 * 6**3
    at = {value: int(np.searchsorted(measures.edges, value)) - 1 for value in (100, 110, 200, 210)}
    assert measures.parts[0][[at[100], at[110]]].tolist() == [8, 8]
    assert measures.parts[1][[at[200], at[210]]].tolist() == [24, 24]
    assert measures.parts.sum() == 64


def test_bins_of_whole_numbers_hold_equally_many_of_them(tmp_path):
    dataset = DatasetFolder.open(made_of(tmp_path / "boxes", [boxes("a")]))
    edges = figures.measured(dataset, STRUCTURES, [("train", 0)]).edges
    assert np.all(np.diff(edges) == np.diff(edges)[0])
    assert float(np.diff(edges)[0]).is_integer()
    assert edges[0] % 1 == 0.5
    assert edges[0] < 0 < 200 < edges[-1]
    assert len(edges) <= figures.BINS + 2


def test_a_large_dataset_is_sampled_evenly_and_always_alike(monkeypatch):
    def tally(name, cases):
        empty = np.zeros((2, 3))
        return figures.Tally(name, cases, np.zeros(0, int), {}, {}, empty, f"{name}.h5", 1)

    counted = [tally("train", 700), tally("val", 300)]
    sample = figures.sampled(counted, 64**3)
    assert len(sample) == figures.MOST_CASES
    assert sample[0] == ("train", 0)
    assert sample[-1] == ("val", 299)
    assert sum(split == "train" for split, _ in sample) == 140
    assert len(figures.sampled(counted, 10**9)) == figures.FEWEST_CASES


def test_what_people_call_things_cannot_become_html(tmp_path):
    table = LabelTable((Label(1, NASTY), Label(2, "large")))
    folder = made_of(tmp_path / "<b>boxes", [boxes("a", table=table)])
    text = write_report(folder).read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert "b" not in page.tags[page.tags.index("h1") : page.tags.index("ul")]
    assert "<script" not in text
    assert NASTY in page.texts


def test_values_that_no_table_names_are_measured_and_drawn(tmp_path):
    folder = made_of(tmp_path / "boxes", [boxes("a", table=LabelTable())])
    page = Page(write_report(folder).read_text(encoding="utf-8"))
    assert page.texts.count("label 2") >= 4  # legend, presence, intensities and volumes
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(page.addresses[0].partition(",")[2]))))
    assert ((picture.max(axis=-1).astype(int) - picture.min(axis=-1)) > 40).any()


def test_cases_without_images_have_no_intensities(tmp_path):
    page = Page(write_report(made_of(tmp_path / "boxes", [boxes("a", image=False)])).read_text(encoding="utf-8"))
    assert "Intensities" not in page.texts
    assert "Volumes" in page.texts
    assert "Cases" in page.texts


def test_cases_without_structures_have_a_report_all_the_same(tmp_path):
    case = Case(id="a", image=Volume(np.ones((4, 5, 6), np.float32)), labels=LabelMap(np.zeros((4, 5, 6), np.uint8)))
    page = Page(write_report(made_of(tmp_path / "empty", [case])).read_text(encoding="utf-8"))
    assert "Intensities" in page.texts
    assert not {"Presence", "Scenarios", "Volumes"} & set(page.texts)


def test_2d_cases_have_a_report_too(tmp_path):
    labels = LabelMap(np.eye(8, dtype=np.uint8))
    case = Case(id="a", image=Volume(np.ones((8, 8), np.uint8)), labels=labels)
    page = Page(write_report(made_of(tmp_path / "flat", [case])).read_text(encoding="utf-8"))
    assert "8 × 8 voxels (y, x)" in page.text
    assert "label 1" in page.texts


def test_a_dataset_that_is_not_finished_has_no_report(tmp_path):
    job = make_dataset(Recipe(steps=(Phantom(image_size=(8, 8, 8)),)), 6, tmp_path / "toy", workers=1)
    while next(job).done < 2:
        pass
    job.close()
    with pytest.raises(ReadError, match="not finished"):
        write_report(tmp_path / "toy")
    assert not (tmp_path / "toy" / "report.html").exists()


def numbers(svg, tag, name):
    return [float(value) for value in re.findall(rf"<{tag} [^>]*\b{name}=\"([-0-9.]+)\"", svg)]


def test_bars_are_as_long_as_their_shares():
    svg = bar_chart([Bars("liver", [1.0, 0.5], "75%"), Bars("heart", [0.0, 0.25], "12%")], ["a", "b"], "x")
    full, half, none, quarter = numbers(svg, "rect", "width")
    assert (half / full, none, quarter / full) == pytest.approx((0.5, 0, 0.25), abs=1e-3)


def test_an_expected_share_stands_where_a_bar_of_that_share_ends():
    svg = bar_chart([Bars("a", [0.4], "", 0.4)], ["all"], "x")
    [x], [width] = numbers(svg, "rect", "x"), numbers(svg, "rect", "width")
    [line] = re.findall(r'class="median" x1="([0-9.]+)"', svg)
    assert float(line) == pytest.approx(x + width, abs=0.11)


def test_a_ridge_is_highest_where_most_voxels_are():
    svg = ridges(np.arange(4.0), [Ridge("a", np.array([1.0, 4.0, 2.0]), "#123456")], "x", "HU")
    heights = [float(y) for y in re.findall(r"[L,]?[0-9.]+,([0-9.]+)H", svg)]
    assert np.argmin(heights) == 1
    assert "mean 1.64" in svg


def test_a_histogram_is_logarithmic():
    svg = histogram(np.arange(4.0), np.array([10.0, 100.0, 1000.0]), "x", "HU")
    low, middle, high = (float(y) for y in re.findall(r",([0-9.]+)H", svg))
    assert low - middle == pytest.approx(middle - high, abs=0.2)


def test_spreads_of_very_different_volumes_share_one_axis():
    rows = [Spread("a", (1, 2, 5, 8, 10), "#000000"), Spread("b", (100, 200, 500, 800, 1000), "#000000")]
    svg = spreads(rows, "x", "mL")
    first, second = (float(x) for x in re.findall(r'class="median" x1="([0-9.]+)"', svg))
    left, right = (float(x) for x in re.findall(r'class="whisker" x1="([0-9.]+)"', svg))
    assert second - first == pytest.approx(right - left, abs=0.2)  # both are a hundredfold


@pytest.mark.parametrize(
    ("value", "text"), [(0.012345, "0.0123"), (12.34, "12.3"), (1234.5, "1\u202f234"), (-1000, "−1\u202f000")]
)
def test_figures_are_short(value, text):
    assert figure(value) == text
