"""Jobs that look at a whole scan: finding the organ, and placing many lesions in it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.case import Case
from ...core.errors import HostError
from ...core.labels import LabelMap
from ...core.progress import Job, Progress
from ...core.rng import stream
from ...tumor.blend import Patch
from ...tumor.host import host_of, prepare_host
from ...tumor.insert import Insertion, InsertTumors, surroundings
from ...tumor.place import Surroundings
from ...tumor.truth import require_image
from .session import Batch, Placed


@dataclass(frozen=True, kw_only=True)
class Scattered:
    """What :func:`scatter` gives: lesions with their voxels, and the batch that says what could not be placed."""

    placed: tuple[Placed, ...]
    patches: tuple[Patch, ...]
    batch: Batch

    @property
    def summary(self) -> str:
        """One line for what was placed, and one for each lesion that was not."""
        missed = self.batch.not_placed
        lines = [f"Placed {len(self.placed)} of {len(self.placed) + len(missed)}."]
        lines += [f"Not placed: lesion {m['lesion']} ({m['seed']}): {m['why']}." for m in missed]
        return "\n".join(lines)


@dataclass(frozen=True)
class Survey:
    """What is known of a scan: the surroundings, and one line if they have no organ."""

    there: Surroundings
    remark: str = ""


def survey(case: Case, organ: LabelMap | None = None, *, find: bool = True) -> Job[Survey]:
    """Find the organ that takes lesions, and the lesions that are there already.

    Parameters
    ----------
    case
        The scan.
    organ
        The organ, if a label map says where it is.
    find
        Whether to look for the lungs otherwise.

    Returns
    -------
    Survey
        Without an organ if none is asked for or none is found: placing by hand works all the same.
    """
    yield Progress(0, 0, "looking for the lungs" if organ is None else "measuring the organ")
    if organ is None and not find:
        return Survey(surroundings(case, None), "lesions are not held inside an organ")
    try:
        host = prepare_host(host_of(case) if organ is None else organ)
    except HostError as error:
        return Survey(surroundings(case, None), f"lesions are not held inside an organ: {error}")
    yield Progress(0, 0, "looking for lesions")
    return Survey(surroundings(case, host))


def scatter(case: Case, step: InsertTumors, seed: int, occurrence: int = 0) -> Job[Scattered]:
    """Place lesions as ``step(case, seed=seed)`` does, lesion by lesion.

    Parameters
    ----------
    case
        The scan as it is now. Its voxels must not change meanwhile.
    step
        How many, of what, and where.
    seed, occurrence
        Which random stream takes the decisions.
    """
    params = yield from step.drawing(case, stream(seed, step=step.name, occurrence=occurrence))
    batch = Batch(
        step=step,
        rng={"seed": seed, "case": 0, "occurrence": occurrence},
        not_placed=tuple(params["not_placed"]),
    )
    return (yield from _placed(case, step, params, batch))


def _placed(case: Case, step: InsertTumors, params: Mapping[str, Any], batch: Batch) -> Job[Scattered]:
    """Blend what was drawn into a copy of the scan."""
    image = require_image(case)
    voxels = np.array(image.array)
    done, patches = [], []
    entries = [Insertion.from_json(entry) for entry in params["lesions"]]
    for number, entry in enumerate(entries, 1):
        yield Progress(number - 1, len(entries), f"blending lesion {number}")
        seed = step.seed_of(entry)
        patch = entry.patch(entry.lesion(seed, image), voxels, image.spacing)
        voxels[patch.box.slices] = patch.values
        done.append(Placed(entry=entry, seed=seed, box=patch.box, batch=batch))
        patches.append(patch)
    return Scattered(placed=tuple(done), patches=tuple(patches), batch=batch)
