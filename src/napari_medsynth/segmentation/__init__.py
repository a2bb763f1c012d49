"""Images become labels: networks, training on rendered and real images, inference, evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .evaluation import EvaluateOptions, evaluate
    from .fitting import misfit
    from .model import SegmentationModel
    from .networks import NetworkSettings
    from .options import PredictOptions
    from .prediction import Prediction, predict
    from .reality_gap import CaseScore, Gap, gap
    from .report import report_html
    from .result_files import read_results, write_results
    from .results import Evaluation
    from .samples import Samples, training_data
    from .settings import Augment, TrainSettings
    from .shifts import SHIFTS, Shift
    from .spec import InputSpec
    from .step import Segment
    from .training import Trained, train
    from .unet import UNet

__all__ = [
    "SHIFTS",
    "Augment",
    "CaseScore",
    "EvaluateOptions",
    "Evaluation",
    "Gap",
    "InputSpec",
    "NetworkSettings",
    "PredictOptions",
    "Prediction",
    "Samples",
    "Segment",
    "SegmentationModel",
    "Shift",
    "TrainSettings",
    "Trained",
    "UNet",
    "evaluate",
    "gap",
    "misfit",
    "predict",
    "read_results",
    "report_html",
    "train",
    "training_data",
    "write_results",
]

_HOME = {
    "SHIFTS": "shifts",
    "Augment": "settings",
    "CaseScore": "reality_gap",
    "EvaluateOptions": "evaluation",
    "Evaluation": "results",
    "Gap": "reality_gap",
    "InputSpec": "spec",
    "NetworkSettings": "networks",
    "PredictOptions": "options",
    "Prediction": "prediction",
    "Samples": "samples",
    "Segment": "step",
    "SegmentationModel": "model",
    "Shift": "shifts",
    "TrainSettings": "settings",
    "Trained": "training",
    "UNet": "unet",
    "evaluate": "evaluation",
    "gap": "reality_gap",
    "misfit": "fitting",
    "predict": "prediction",
    "read_results": "result_files",
    "report_html": "report",
    "train": "training",
    "training_data": "samples",
    "write_results": "result_files",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
