"""Make the pictures of docs/gallery.md, all of phantoms: no scan of a patient is shown.

.venv/bin/python docs/make_gallery.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from napari_medsynth import Case, LabelMap, LabelTable, Phantom, Render
from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import Label

IMAGES = Path(__file__).parent / "images"
SEED = 3  # discs that have kept their water

#: Switched off, so that only what a picture is about differs.
STILL = {"warp": {"prob": 0}, "flip": {"prob": 0}}
EVEN = {**STILL, "bias_field": {"prob": 0}}
PLAIN = {**STILL, **{name: {"prob": 0} for name in ("bias_field", "resolution", "noise", "shadow")}}

#: Bytes of a picture.
LARGEST = 150_000

STRENGTHS = (0.25, 0.5, 1.0)


def contrasts() -> None:
    """One spine and one abdomen, with each preset that knows them."""
    spine, belly = body("lumbar spine"), body("abdomen")
    row = [picture(coloured(spine), "labels")]
    row += [picture(shown(render(spine, preset=name)), name) for name in ("spine-t1", "spine-t2")]
    across = [picture(coloured(belly), "labels")]
    across += [picture(shown(render(belly, preset=name)), name) for name in ("abdomen-ct", "abdomen-mr")]
    sheet("gallery_presets", [row, across], width=290)


def alphas() -> None:
    """From T1 to T2 in steps, with one scanner."""
    spine = body("lumbar spine")
    steps = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    images = [render(spine, preset="spine-t1", contrast_alpha=alpha, **EVEN) for alpha in steps]
    sheet("gallery_alpha", [[picture(shown(i), f"alpha {a}") for a, i in zip(steps, images, strict=True)]])


def draws() -> None:
    """Six draws of the preset synthseg, and their labels."""
    spine = body("lumbar spine")
    cases = [Render()(spine, seed=SEED, index=n) for n in range(6)]
    sheet(
        "gallery_synthseg",
        [
            [picture(shown(case), f"draw {n + 1}") for n, case in enumerate(cases)],
            [picture(coloured(case), "its labels") for case in cases],
        ],
    )


def magnetic() -> None:
    """Each artefact of MR alone, at three strengths."""
    spine = body("lumbar spine")
    still = {"preset": "spine-t2", **PLAIN}
    rows = [
        strengths(spine, "motion", still),
        strengths(spine, "ghosting", still, ghosts=[4, 4]),
        strengths(spine, "ghosting", still, kind="breathing"),
        strengths(spine, "wrap", still),
    ]
    sheet("gallery_artefacts_1", rows)
    sheet("gallery_artefacts_2", [strengths(spine, name, still) for name in ("gibbs", "spikes", "zipper")])
    noisy = [("gaussian", s) for s in (0.02, 0.05, 0.1)]
    rows = [
        strengths(spine, "metal", still, radius=[5, 5]),
        [
            clean(spine, still),
            *(one(spine, still, "noise", {"std": [s, s], "kind": k}, f"noise {s}") for k, s in noisy),
        ],
        [
            clean(spine, still),
            *(one(spine, still, "bias_field", {"std": [s, s]}, f"bias {s}") for s in (0.2, 0.4, 0.7)),
        ],
    ]
    sheet("gallery_artefacts_3", rows)


def scanners() -> None:
    """Slices of more and more mm, and the shapes that warping gives."""
    spine = body("lumbar spine")
    still = {"preset": "spine-t2", **PLAIN}
    thick = {"prob_iso": 0, "prob_min": 0, "slices": "coronal"}
    slices = [one(spine, still, "resolution", {**thick, "aniso": [mm, mm]}, f"{mm} mm slices") for mm in (3, 5, 8)]
    shapes = [warped(spine, mm) for mm in (2, 5, 8)]
    smooth = {**still, "texture": {"prob": 0}}
    textures = [
        one(spine, smooth, "texture", {"share": [t, t], "fwhm": [4, 4]}, f"texture {t}") for t in (0.3, 0.6, 1.0)
    ]
    rows = [[clean(spine, still), *slices], [clean(spine, smooth), *textures], [clean(spine, still), *shapes]]
    sheet("gallery_scanners", rows)


def others() -> None:
    """CT with metal, and a lesion under ultrasound."""
    still = {"preset": "abdomen-ct", **PLAIN}
    rows = [strengths(body("abdomen"), "metal", still, kind="ct", radius=[5, 5])]
    still = {"preset": "breast-us", **PLAIN, "speckle": {"prob": 0}, "shadow": {"prob": 0}}
    rows += [strengths(breast(), name, still) for name in ("speckle", "shadow")]
    sheet("gallery_ct_us", rows)


def body(region: str) -> Case:
    """Make labels of a trunk; the spine is cut in the middle, from the side, the abdomen through the kidneys."""
    sizes = {"lumbar spine": ((200, 150, 110), (1.0, 1.0, 1.2)), "abdomen": ((60, 200, 280), (3.0, 1.3, 1.3))}
    size, spacing = sizes[region]
    step = Phantom(
        anatomy="torso", region=region, image_size=size, spacing=spacing, scenario="normal_complete"
    )  # fmt: skip
    return replace(step(Case(id=region.replace(" ", "-")), seed=7), image=None, history=())


def breast() -> Case:
    """Make the labels of a lesion in a breast, as ultrasound shows one."""
    y, x = np.mgrid[:300, :400] * 0.125
    angle = np.arctan2(y - 16, x - 24)
    radius = 1 + 0.08 * np.sin(3 * angle) + 0.05 * np.sin(7 * angle + 1)
    lesion = np.hypot((y - 16) / 6, (x - 24) / 9) < radius
    table = LabelTable((Label(1, "lesion", "lesion", colour=(1.0, 0.6, 0.1)),))
    return Case(id="breast", labels=LabelMap(lesion, Affine.from_spacing((0.125, 0.125)), table))


def render(case: Case, **settings: Any) -> Case:
    return Render.from_json(settings)(case, seed=SEED)


def clean(case: Case, still: dict[str, Any]) -> Image.Image:
    return picture(shown(render(case, **still)), "without")


def one(case: Case, still: dict[str, Any], stage: str, settings: dict[str, Any], title: str) -> Image.Image:
    """The image with one stage changed, in the window of the image without."""
    made = render(case, **{**still, stage: settings})
    return picture(windowed(grey(made), grey(render(case, **still))), title)


def strengths(case: Case, name: str, still: dict[str, Any], **settings: Any) -> list[Image.Image]:
    """The image without an artefact and with it; metal lies somewhere, and is shown where it is."""
    without = render(case, **still)
    made = [render(case, **{**still, name: {"strength": [s, s], **settings}}) for s in STRENGTHS]
    where = most_changed(made[-1], without) if name == "metal" else None
    shown_as = settings["kind"] if name == "ghosting" and "kind" in settings else name
    titles = ("without", *(f"{shown_as} {s}" for s in STRENGTHS))
    found = zip((without, *made), titles, strict=True)
    return [picture(windowed(grey(image, where), grey(without, where)), title) for image, title in found]


def warped(case: Case, elastic: float) -> Image.Image:
    """The spine bent, neither scaled nor turned."""
    warp = {"elastic": elastic, "scaling": 0, "rotation": 0, "shearing": 0}
    return picture(shown(render(case, **{"preset": "spine-t2", **PLAIN, "warp": warp})), f"elastic {elastic} mm")


def plane(case: Case, array: Any, where: int | None = None) -> Any:
    """Cut: a spine from the side, through its discs; an abdomen across, through the kidneys."""
    if array.ndim == 2:
        return array
    discs = case.labels.mask(case.labels.table.values_of(tissue="disc"))
    if "spine" not in case.id:
        return array[round(0.55 * len(array)) if where is None else where]
    return array[::-1, :, round(float(np.median(np.nonzero(discs)[2]))) if where is None else where]


def most_changed(made: Case, without: Case) -> int:
    """Number of the plane that an artefact changes most."""
    change = np.abs(made.image.array - without.image.array)
    return int(change.sum(axis=(0, 1) if "spine" in made.id else (1, 2)).argmax())


def size_of(case: Case) -> tuple[float, float]:
    """Width and height of the plane, in mm."""
    extent = [n * mm for n, mm in zip(case.labels.shape, case.labels.spacing, strict=True)]
    if len(extent) == 2:
        return extent[1], extent[0]
    return (extent[1], extent[0]) if "spine" in case.id else (extent[2], extent[1])


def grey(case: Case, where: int | None = None) -> Any:
    return case, plane(case, case.image.array, where).astype(np.float64)


def shown(case: Case) -> Any:
    return windowed(grey(case), grey(case))


def windowed(found: Any, like: Any) -> Any:
    """8-bit grey: soft tissue in CT, else nearly all values of this image and of another one."""
    case, values = found
    ends = [np.percentile(shown_values, (0.5, 99.5)) for shown_values in (values, like[1])]
    low, high = (-160, 240) if case.image.modality == "CT" else (ends[1][0], max(ends[0][1], ends[1][1]))
    return case, np.clip((values - low) / (high - low) * 255, 0, 255).astype(np.uint8)


def coloured(case: Case) -> Any:
    """The labels in their colours; context is dark."""
    palette = np.zeros((65536, 3), np.uint8)
    for entry in case.labels.table:
        colour = entry.colour or (0.7, 0.7, 0.7)
        palette[entry.value] = np.multiply(colour, 90 if entry.context else 255)
    return case, palette[plane(case, case.labels.array)]


def picture(found: Any, title: str, scale: float = 2.0) -> Image.Image:
    """One cell of a sheet, with square pixels and its title."""
    case, pixels = found
    size = tuple(round(scale * mm) for mm in size_of(case)) if case.labels.ndim == 3 else (800, 600)
    image = Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    image.info["title"] = title
    return image


def sheet(name: str, rows: Sequence[Iterable[Image.Image]], width: int = 200) -> None:
    """Write cells in rows as one JPEG."""
    strips = [strip(list(row), width) for row in rows]
    whole = Image.new("RGB", (max(s.width for s in strips), sum(s.height for s in strips)), "black")
    top = 0
    for part in strips:
        whole.paste(part, (0, top))
        top += part.height
    for quality in range(80, 40, -5):
        whole.save(IMAGES / f"{name}.jpg", quality=quality, optimize=True)
        if (IMAGES / f"{name}.jpg").stat().st_size <= LARGEST:
            return


def strip(row: list[Image.Image], width: int, gap: int = 4, head: int = 20) -> Image.Image:
    cells = [cell.resize((width, round(cell.height * width / cell.width)), Image.Resampling.LANCZOS) for cell in row]
    made = Image.new("RGB", (len(cells) * (width + gap), head + gap + max(cell.height for cell in cells)), "black")
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(size=14)
    for n, (cell, source) in enumerate(zip(cells, row, strict=True)):
        made.paste(cell, (n * (width + gap), head))
        draw.text((n * (width + gap) + 4, 2), source.info["title"], fill="white", font=font)
    return made


def make() -> None:
    """Make them all."""
    IMAGES.mkdir(exist_ok=True)
    for picture_of in (contrasts, alphas, draws, magnetic, scanners, others):
        picture_of()


if __name__ == "__main__":
    make()
