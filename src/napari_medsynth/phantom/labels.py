"""What the labels of a made thorax mean."""

from __future__ import annotations

from ..core.labels import Label, LabelTable

#: Lungs include their vessels, as expert contours do.
THORAX = LabelTable(
    (
        Label(1, "fat", "fat", colour=(0.85, 0.75, 0.45)),
        Label(2, "muscle", "muscle", colour=(0.65, 0.25, 0.22)),
        Label(3, "skin", "skin", colour=(0.90, 0.72, 0.62)),
        Label(4, "vertebrae", "bone", colour=(0.95, 0.93, 0.80)),
        Label(5, "discs", "disc", colour=(0.60, 0.75, 0.90)),
        Label(6, "spinal canal", "cord", colour=(0.95, 0.85, 0.20)),
        Label(7, "ribs", "bone", colour=(0.90, 0.88, 0.70)),
        Label(8, "sternum", "bone", colour=(0.85, 0.82, 0.62)),
        Label(9, "shoulder girdle", "bone", colour=(0.80, 0.78, 0.58)),
        Label(10, "right lung", "lung", "right", colour=(0.45, 0.70, 0.90)),
        Label(11, "left lung", "lung", "left", colour=(0.35, 0.55, 0.85)),
        Label(12, "airways", "air", colour=(0.60, 0.95, 0.95)),
        Label(13, "heart", "heart", colour=(0.80, 0.20, 0.25)),
        Label(14, "aorta", "vessel", colour=(0.95, 0.25, 0.20)),
        Label(15, "pulmonary arteries", "vessel", colour=(0.30, 0.35, 0.85)),
        Label(16, "great veins", "vessel", colour=(0.25, 0.25, 0.65)),
        Label(17, "esophagus", "esophagus", colour=(0.75, 0.50, 0.35)),
        Label(18, "liver", "liver", colour=(0.55, 0.25, 0.15)),
        Label(19, "spleen", "spleen", colour=(0.50, 0.20, 0.45)),
        Label(20, "stomach", "stomach", colour=(0.85, 0.60, 0.60)),
        Label(21, "tumor", "lesion", colour=(0.20, 0.90, 0.30)),
    )
)

#: Value of each structure by its name.
VALUE = {entry.name: entry.value for entry in THORAX}
