"""One run, while it trains and after: :class:`RunView`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from ..controls import allow, button, remark, row
from ..copying import CopyButton
from .curves import Curves
from .keeper import is_alive
from .order import Order
from .sample_view import SampleView
from .watch import Look, Standing

if TYPE_CHECKING:
    from napari.components import ViewerModel

_WORDS: dict[Standing, str] = {
    "starting": "Starting…",
    "running": "Training",
    "stopping": "Stopping…",
    "finished": "Finished",
    "stopped": "Stopped; the best model is kept",
    "failed": "Failed",
    "interrupted": "Interrupted",
}
_ACTIVE = ("starting", "running", "stopping")
_RESUMED = ("stopped", "interrupted", "failed")
_STEPS = 1000  #: of the bar
_MOST_NAMED = 8  #: structures that are named


class RunView(QWidget):
    """How a run stands, its curves and pictures, and what can be done with it.

    Parameters
    ----------
    viewer
        Whose theme the curves follow.

    Attributes
    ----------
    stop_wanted, resume_wanted, delete_wanted, use_wanted : Signal(Look)
        A person asked for it.
    """

    stop_wanted = Signal(object)
    resume_wanted = Signal(object)
    delete_wanted = Signal(object)
    use_wanted = Signal(object)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.seen: Look | None = None
        self.state, self.told, self.dice = QLabel(), remark(), remark()
        self.bar, self.curves, self.samples = QProgressBar(), Curves(viewer), SampleView()
        self.stop = button("Stop and keep best", self._asks(self.stop_wanted), "End it; its best model is kept")
        self.resume = button("Resume", self._asks(self.resume_wanted), "Go on where it ended")
        self.delete = button("Delete…", self._asks(self.delete_wanted), "Delete the run and, if wanted, its model")
        self.use = button("Use it", self._asks(self.use_wanted), "Segment images with its best model")
        self.copy = CopyButton(
            {"Command": self._text("command"), "Python": self._text("python"), "Config": self._text("config")}
        )
        self._arrange()
        self.show_look(None)

    def show_look(self, seen: Look | None) -> None:
        """Show how a run stands; None: there is none."""
        other = seen is None or self.seen is None or seen.run != self.seen.run
        self.seen = seen
        if other:
            self.samples.show_samples(())
            self.curves.show_log(())
        if seen is not None:
            self.curves.show_log(seen.log)
            self.samples.show_samples(seen.samples)
        self._show_text(seen)
        self._show_bar(seen)
        self._allow(seen)

    def _arrange(self) -> None:
        self.state.setStyleSheet("font-weight: bold")
        self.bar.setTextVisible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.state, self.bar, self.told, self.curves, self.dice, self.samples):
            layout.addWidget(part)
        layout.addLayout(row(self.stop, self.resume))
        layout.addLayout(row(self.use, self.copy, self.delete))
        layout.addStretch()

    def _show_text(self, seen: Look | None) -> None:
        self.state.setText("No run is chosen" if seen is None else f"{seen.run.name}: {_WORDS[seen.state]}")
        self.told.setText("" if seen is None else _told(seen))
        self.told.setVisible(bool(self.told.text()))
        self.dice.setText("" if seen is None else _dice(seen))
        self.dice.setVisible(bool(self.dice.text()))

    def _show_bar(self, seen: Look | None) -> None:
        self.bar.setVisible(seen is not None and seen.state in _ACTIVE)
        share = None if seen is None else seen.share
        self.bar.setRange(0, 0 if share is None else _STEPS)
        self.bar.setValue(0 if share is None else round(share * _STEPS))

    def _allow(self, seen: Look | None) -> None:
        for part, obstacle in (
            (self.stop, _keeps_from_stopping(seen)),
            (self.resume, _keeps_from_resuming(seen)),
            (self.delete, _keeps_from_deleting(seen)),
            (self.use, _keeps_from_using(seen)),
            (self.copy, "" if seen is not None else _NONE),
        ):
            allow(part, obstacle)
        self.stop.setText("Stopping…" if seen is not None and seen.state == "stopping" else "Stop and keep best")

    def _asks(self, signal: Signal) -> Callable[[], None]:
        return lambda: signal.emit(self.seen)

    def _text(self, kind: str) -> Callable[[], str]:
        def made() -> str:
            if self.seen is None:
                return ""
            return str(getattr(Order.of(self.seen.run), kind)())

        return made


_NONE = "no run is chosen"


def _keeps_from_stopping(seen: Look | None) -> str:
    if seen is None:
        return _NONE
    return {"running": "", "starting": "", "stopping": "it is about to end"}.get(seen.state, "it does not run")


def _keeps_from_resuming(seen: Look | None) -> str:
    if seen is None:
        return _NONE
    if seen.state in _ACTIVE or is_alive(seen.run):
        return "it still runs"
    if seen.state not in _RESUMED:
        return "it has come to its end"
    return "" if seen.is_ours else "it was not started in this panel; repeat its command with --resume"


def _keeps_from_deleting(seen: Look | None) -> str:
    if seen is None:
        return _NONE
    return "it still runs; stop it first" if seen.state in _ACTIVE or is_alive(seen.run) else ""


def _keeps_from_using(seen: Look | None) -> str:
    if seen is None:
        return _NONE
    return "" if seen.has_model else "it has no model yet; one is kept after the first epoch"


def _told(seen: Look) -> str:
    """How far it is, how long that took and takes, where it runs; or why it does not."""
    parts = [seen.message] if seen.message else []
    done = len(seen.log)
    epochs = seen.fit.get("epochs")
    limited = isinstance(epochs, int) and seen.fit.get("minutes") is None
    if seen.log:
        parts.append(f"epoch {seen.log[-1]['epoch']}" + (f" of {epochs}" if limited else ""))
    elif seen.progress.note and seen.state in _ACTIVE:
        parts.append(seen.progress.note)
    if seen.seconds:
        parts.append(clock(seen.seconds))
    if seen.state == "running" and seen.seconds_left is not None:
        parts.append(f"{clock(seen.seconds_left)} left")
    device = seen.about.get("device") or seen.fit.get("device")
    if device and seen.state in _ACTIVE and (done or seen.about):
        parts.append(str(device))
    return " · ".join(parts)


def _dice(seen: Look) -> str:
    """What the best model reached in validation, by structure."""
    best = seen.best
    if best is None or not isinstance(best.get("dice"), dict):
        return ""
    known = {name: value for name, value in best["dice"].items() if value is not None}
    names = sorted(known, key=lambda name: float(known[name]))[:_MOST_NAMED] if len(known) > _MOST_NAMED else known
    mean = best.get("val_dice")
    if mean is None:
        return f"Kept: epoch {best['epoch']}; with one patient there was nothing to validate on"
    head = f"Best: epoch {best['epoch']}, validation Dice {mean:.3f}"
    listed = " · ".join(f"{name} {known[name]:.2f}" for name in names)
    return f"{head}\n{'worst of ' + str(len(known)) + ': ' if names is not known else ''}{listed}" if listed else head


def clock(seconds: float) -> str:
    """Return a time as ``1:05`` or ``2:03:09``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
