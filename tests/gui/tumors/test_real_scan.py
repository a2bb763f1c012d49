"""A real chest CT: its lungs hold what is placed, and its history gives the same voxels again."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.case import Case
from napari_medsynth.core.progress import finish
from napari_medsynth.core.step import replay
from napari_medsynth.io import read_volume
from napari_medsynth.tumor.insert import InsertTumors
from napari_medsynth.widgets.layers import history_of, image_layer_data, volume_of
from napari_medsynth.widgets.tumors.placer import Placer
from napari_medsynth.widgets.tumors.scatter import survey
from napari_medsynth.widgets.tumors.sources import Source


@pytest.mark.data
def test_lesions_by_hand_and_scattered(viewer, data_dir):
    data, how, _ = image_layer_data(read_volume(data_dir / "lung4d_113" / "113_HM10395_ct.nii.gz"), name="ct")
    placer = Placer(viewer, viewer.add_image(data, **how))
    placer.take_survey(finish(survey(placer.case)))
    host = placer.host
    deepest = np.unravel_index(np.argmax(host.wall_mm), host.wall_mm.shape)
    middle = [a + int(i) * s for a, i, s in zip(host.box.start, deepest, host.stride, strict=True)]
    placer.choose(Source.from_kind("spiculated", 15.0, seed=3))
    placer.place(middle)
    placer.commit()
    placer.take_scattered(finish(placer.scatter_job(InsertTumors(count=(2, 2)), seed=5)()))
    image, instances = placer.outputs.layers
    lesions = instances.data > 0
    assert np.mean(host.labels.array[lesions] > 0) > 0.95
    np.testing.assert_array_equal(image.data[~_near(lesions)], placer.layer.data[~_near(lesions)])
    again = replay(Case(id="ct", image=volume_of(placer.layer)), history_of(image))
    np.testing.assert_array_equal(again.image.array, image.data)
    np.testing.assert_array_equal(again.instances.array, instances.data)


def _near(mask):
    """A box of voxels around every lesion, generous."""
    found = np.zeros(mask.shape, dtype=bool)
    for index in np.argwhere(mask)[::50]:
        found[tuple(slice(max(i - m, 0), i + m) for i, m in zip(index, (10, 30, 30), strict=True))] = True
    return found
