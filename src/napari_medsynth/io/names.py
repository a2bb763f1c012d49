"""What the name of a file says of its format."""

from __future__ import annotations

from pathlib import Path

NIFTI = (".nii", ".nii.gz")
ITK = (".mha", ".mhd", ".nrrd", ".nhdr")
PNG = (".png",)

#: What is in the folder of a case: meaning, history and checksums, and its parts.
INDEX, IMAGE, LABELS, INSTANCES = "case.json", "image.nii.gz", "labels.nii.gz", "instances.nii.gz"

#: Formats that are written, most capable first; ``.mhd`` and ``.nhdr`` would be two files.
WRITTEN = (".nii.gz", ".nii", ".mha", ".nrrd", ".png")


def split_suffix(path: Path) -> tuple[str, str]:
    """Return name and suffix; ``scan.nii.gz`` is ``("scan", ".nii.gz")``, a hidden file has no empty name."""
    name = path.name
    if name.lower().endswith(".nii.gz") and len(name) > len(".nii.gz"):
        return name[: -len(".nii.gz")], name[-len(".nii.gz") :]
    return path.stem, path.suffix


def format_of(path: Path) -> str:
    """Return the suffix in lower case."""
    return split_suffix(path)[1].lower()
