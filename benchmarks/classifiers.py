"""Can a classifier tell inserted nodules from real ones?

No test patch is met in training, neither as the source of a seed nor as a host: patches are split into four folds, a
test set is what has source *and* host in one fold, and its training set what has neither there. The AUC is the mean
over the folds of four such splits, each seed counting the same; its interval (95 %) is a bootstrap over patches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS, SPLITS, RESAMPLES = 4, 4, 400


@dataclass(frozen=True, eq=False)
class Sample:
    """What is measured of one nodule; ``source`` and ``host`` number patches and are equal for a real one."""

    source: int
    host: int
    profile: npt.NDArray[np.float64]
    features: npt.NDArray[np.float64]
    noise: npt.NDArray[np.float64]
    picture: npt.NDArray[np.float32]


def folds(patches: int) -> npt.NDArray[np.int64]:
    """The fold of each patch in each split, ``(splits, patches)``."""
    return np.array([np.random.default_rng(split).permutation(patches) % FOLDS for split in range(SPLITS)])


@dataclass(frozen=True, eq=False)
class Scores:
    """What a classifier said of one test set."""

    real: npt.NDArray[np.float64]
    real_patch: npt.NDArray[np.int64]
    made: npt.NDArray[np.float64]
    made_patches: npt.NDArray[np.int64]

    def auc(self, weight: npt.NDArray[np.float64]) -> float:
        """Area under the ROC curve with a weight for each patch; each seed counts the same; NaN if a side has none."""
        source = self.made_patches[:, 0]
        made = weight[self.made_patches].prod(axis=1) / np.bincount(source)[source]
        pairs = weight[self.real_patch][:, None] * made[None]
        above = (self.made[None] > self.real[:, None]) + 0.5 * (self.made[None] == self.real[:, None])
        return float((pairs * above).sum() / pairs.sum()) if pairs.sum() > 0 else float("nan")


@dataclass(frozen=True)
class Judge:
    """A classifier, and what it is shown."""

    name: str
    forest: bool
    noise: bool

    def fitted(self, train: list[Sample], seed: int) -> object:
        model = (
            RandomForestClassifier(150, min_samples_leaf=2, class_weight="balanced", random_state=seed, n_jobs=2)
            if self.forest
            else make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000))
        )
        return model.fit(self.shown(train), [s.source != s.host for s in train])

    def shown(self, samples: list[Sample]) -> npt.NDArray[np.float64]:
        return np.array([np.concatenate([s.features, s.noise]) if self.noise else s.features for s in samples])

    def scores(self, model: object, test: list[Sample]) -> Scores:
        said = model.predict_proba(self.shown(test))[:, 1]
        where = np.array([(s.source, s.host) for s in test])
        made = where[:, 0] != where[:, 1]
        return Scores(said[~made], where[~made, 0], said[made], where[made])


JUDGES = (
    Judge("logistic regression", forest=False, noise=False),
    Judge("random forest", forest=True, noise=False),
    Judge("… with noise features", forest=True, noise=True),
)


def classify(real: list[Sample], made: list[Sample], judge: Judge, patches: int) -> list[Scores]:
    """Train and test on every fold of every split; real are only nodules whose seed was placed somewhere."""
    placed = {s.source for s in made}
    samples = [*(s for s in real if s.source in placed), *made]
    found = []
    for split, fold in enumerate(folds(patches)):
        for number in range(FOLDS):
            hits = [int(fold[s.source] == number) + int(fold[s.host] == number) for s in samples]
            train, test = ([s for s, n in zip(samples, hits, strict=True) if n == wanted] for wanted in (0, 2))
            found.append(judge.scores(judge.fitted(train, split), test))
    return found


def interval(scores: list[Scores], patches: int) -> tuple[float, float, float]:
    """Mean AUC and its 95 % interval."""
    rng = np.random.default_rng(0)
    drawn = [np.ones(patches)]
    drawn += [np.bincount(rng.integers(patches, size=patches), minlength=patches) for _ in range(RESAMPLES)]
    values = [np.nanmean([s.auc(weight) for s in scores]) for weight in drawn]
    low, high = np.percentile(values[1:], (2.5, 97.5))
    return float(values[0]), float(low), float(high)
