"""The contract of the `medsynth` command: what it prints where, and with which exit status it ends."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest
from tyro.conf import Positional, arg

from napari_medsynth import __version__
from napari_medsynth.cli import app
from napari_medsynth.cli.console import Console
from napari_medsynth.core.errors import ReadError
from napari_medsynth.core.progress import Job, Progress
from napari_medsynth.core.settings import Settings, setting


@dataclass(frozen=True, kw_only=True)
class Blur(Settings):
    width: float = setting(1.0, "width of the kernel", unit="mm", low=0.0, high=10.0)


@dataclass(frozen=True, kw_only=True)
class Toy:
    """Does what it is told."""

    how: Annotated[Positional[str], arg(help="what to do", metavar="HOW")]
    at: Annotated[tuple[float, float, float] | None, arg(help="where", metavar="Z,Y,X")] = None
    image_size: Annotated[tuple[int, int, int], arg(help="voxels", metavar="Z,Y,X")] = (1, 1, 1)
    blur: Blur = field(default_factory=Blur)

    def run(self, console):
        if self.how == "read":
            raise ReadError("scan.nii does not exist;\nexpected a scan")
        if self.how == "bug":
            raise RuntimeError("boom")
        if self.how == "interrupt":
            raise KeyboardInterrupt
        if self.how == "memory":
            raise MemoryError
        console.say(f"at {self.at}, size {self.image_size}, blur {self.blur.width}")
        total = console.finish(self._job())
        console.wrote(Path(f"out{total}"))

    def _job(self) -> Job[int]:
        yield Progress(0, 2, "first")
        yield Progress(1, 2, "second")
        return 2


@pytest.fixture
def toy(monkeypatch):
    """Make `medsynth toy` and `medsynth tumor toy` commands of this file."""
    entry = app.Command("test_app:Toy", "a toy", "medsynth toy go --at 1,2,3")
    monkeypatch.setitem(app.COMMANDS, "toy", entry)
    monkeypatch.setitem(app.COMMANDS, "tumor toy", entry)
    monkeypatch.setitem(sys.modules, "napari_medsynth.cli.test_app", sys.modules[__name__])


def test_a_finished_command_names_what_it_wrote_and_ends_with_0(toy, capsys):
    assert app.main(["toy", "go"]) == 0
    out, err = capsys.readouterr()
    assert out == "at None, size (1, 1, 1), blur 1.0\nwrote out2\n"
    assert err == ""  # no bar: stderr is not a terminal here


def test_an_error_is_one_line_on_stderr_and_status_1(toy, capsys):
    assert app.main(["toy", "read"]) == 1
    assert capsys.readouterr() == ("", "medsynth: scan.nii does not exist; expected a scan\n")


@pytest.mark.parametrize(
    "words", [["--verbose", "toy", "read"], ["toy", "--verbose", "read"], ["toy", "read", "--verbose"]]
)
def test_verbose_shows_the_traceback_wherever_it_stands(toy, capsys, words):
    assert app.main(words) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("medsynth: scan.nii does not exist; expected a scan\n")


def test_a_bug_is_one_line_too(toy, capsys):
    assert app.main(["toy", "bug"]) == 1
    assert capsys.readouterr().err == (
        "medsynth: internal error: RuntimeError: boom; run again with --verbose and report it\n"
    )


def test_lack_of_memory_is_one_line(toy, capsys):
    assert app.main(["toy", "memory"]) == 1
    assert capsys.readouterr().err == "medsynth: there is not enough memory for this\n"


def test_an_interrupted_command_ends_with_130(toy, capsys):
    assert app.main(["toy", "interrupt"]) == 130
    assert capsys.readouterr().err == "medsynth: interrupted\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no command given; see medsynth --help"),
        (["tumor"], "no command given; see medsynth tumor --help"),
        (["tooy"], "there is no command 'tooy'; did you mean 'toy'?"),
        (["tumor", "tooy"], "there is no command 'tumor tooy'; did you mean 'tumor toy'?"),
        (["--progress", "dots", "toy", "go"], "--progress is 'dots'; expected one of bar, json, none"),
        (["toy", "go", "--progress"], "--progress is ''; expected one of bar, json, none"),
        (["toy", "go", "--blur.width", "11"], "Blur.width is 11.0; expected 0 to 10 mm"),
    ],
)
def test_a_command_line_that_cannot_be_used_ends_with_2_and_one_line(toy, capsys, words, said):
    assert app.main(words) == 2
    assert capsys.readouterr() == ("", f"medsynth: {said}\n")


@pytest.mark.parametrize(
    "words",
    [
        ["toy"],
        ["toy", "go", "--att", "1,2,3"],
        ["toy", "go", "--at", "1,2"],
        ["toy", "go", "--at", "1,2,x"],
        ["toy", "go", "more"],
    ],
)
def test_flags_that_cannot_be_used_end_with_2_and_nothing_on_stdout(toy, capsys, words):
    assert app.main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "medsynth toy --help" in err


def test_flags_take_dashes_and_underscores_alike(toy, capsys):
    outs = set()
    for flag in ("--image-size", "--image_size"):
        assert app.main(["toy", "go", flag, "128,128, 64"]) == 0
        outs.add(capsys.readouterr().out.splitlines()[0])
    assert outs == {"at None, size (128, 128, 64), blur 1.0"}


def test_a_tuple_is_one_word_and_may_hold_negative_numbers(toy, capsys):
    assert app.main(["toy", "go", "--at=-10,2.5,3"]) == 0
    assert capsys.readouterr().out.startswith("at (-10.0, 2.5, 3.0)")


def test_json_progress_is_one_object_a_line(toy, capsys):
    assert app.main(["toy", "go", "--progress", "json"]) == 0
    out, err = capsys.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    assert [e["event"] for e in events] == ["note", "progress", "progress", "wrote", "done"]
    assert events[2] == {"event": "progress", "done": 1, "total": 2, "note": "second"}
    assert events[-1] == {"event": "done", "wrote": ["out2"]}
    assert err == ""


@pytest.mark.parametrize(("how", "status"), [("read", 1), ("bug", 1), ("interrupt", 130)])
def test_json_progress_ends_with_the_error_and_stderr_has_it_too(toy, capsys, how, status):
    assert app.main(["--progress=json", "toy", how]) == status
    out, err = capsys.readouterr()
    last = json.loads(out.splitlines()[-1])
    assert (last["event"], last["status"]) == ("error", status)
    assert err == f"medsynth: {last['message']}\n"


def test_json_progress_tells_of_wrong_flags(toy, capsys):
    assert app.main(["--progress=json", "toy", "--att", "1"]) == 2
    assert json.loads(capsys.readouterr().out)["status"] == 2


def test_version(capsys):
    assert app.main(["--version"]) == 0
    assert app.main(["phantom", "--version"]) == 0
    assert capsys.readouterr().out == f"medsynth {__version__}\n" * 2


def test_help_lists_every_command_and_group_once(toy, capsys):
    assert app.main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = [line.split()[0] for line in lines[lines.index("commands:") + 1 :] if line.startswith("  ")]
    assert [w for w in listed if not w.startswith("--")] == list(dict.fromkeys(n.split()[0] for n in app.COMMANDS))


def test_help_of_a_group_lists_its_commands(toy, capsys):
    assert app.main(["tumor", "--help"]) == 0
    out = capsys.readouterr().out
    assert "usage: medsynth tumor COMMAND" in out
    assert "  toy                a toy\n" in out


@pytest.mark.parametrize("name", list(app.COMMANDS))
def test_every_command_has_help_with_an_example_of_itself(name, capsys):
    assert app.main([*name.split(), "--help"]) == 0
    out = capsys.readouterr().out
    assert f"usage: medsynth {name}" in " ".join(out.split())
    assert " ".join(app.COMMANDS[name].example.split()) in " ".join(out.split())


@pytest.mark.parametrize("name", list(app.COMMANDS))
def test_every_example_can_be_parsed_as_its_command(name):
    program, *words = shlex.split(app.COMMANDS[name].example)
    assert program == "medsynth"
    assert words[: len(name.split())] == name.split()
    assert callable(app._command(words, Console()).run)


def test_names_that_would_steer_a_terminal_are_spelled_out(toy, capsys, monkeypatch):
    monkeypatch.setattr(Toy, "_job", lambda self: (yield Progress(0, 1)) or "\x1b[2J\udcff")
    assert app.main(["toy", "go"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == r"wrote out\x1b[2J\udcff"


WAITS = """
import sys, time
from dataclasses import dataclass
from napari_medsynth.cli import app
from napari_medsynth.cli.console import Console
from napari_medsynth.core.progress import Progress

@dataclass
class Wait:
    "Waits."
    def run(self, console):
        console.finish(self.job())
    def job(self):
        try:
            print("ready", flush=True)
            while True:
                time.sleep(0.01)
                yield Progress(0, 1)
        finally:
            time.sleep(0.3 * (len(sys.argv) > 1))
            print("cleaned up", flush=True)

sys.modules["napari_medsynth.cli.waits"] = sys.modules["__main__"]
app.COMMANDS["wait"] = app.Command("waits:Wait", "waits", "medsynth wait")
sys.exit(app.main(["wait"]))
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_the_job_clean_up(number, status):
    child = subprocess.Popen(
        [sys.executable, "-c", WAITS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert child.stdout.readline() == "ready\n"
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (status, "cleaned up\n")
    assert len(err.splitlines()) == 1


def test_a_second_sigterm_does_not_interrupt_the_cleaning_up():
    child = subprocess.Popen([sys.executable, "-c", WAITS, "slowly"], stdout=subprocess.PIPE, encoding="utf-8")
    assert child.stdout.readline() == "ready\n"
    for _ in range(2):
        child.send_signal(signal.SIGTERM)
        time.sleep(0.1)
    out, _ = child.communicate(timeout=60)
    assert (child.returncode, out) == (143, "cleaned up\n")


def test_a_reader_that_goes_away_causes_no_traceback():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "napari_medsynth", "--help"]
    child = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, encoding="utf-8", check=False)
    os.close(write)
    assert (child.returncode, child.stderr) == (1, "")


def test_the_bar_is_drawn_on_a_terminal_and_leaves_nothing_behind(toy, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert app.main(["toy", "go"]) == 0
    assert "second" in capsys.readouterr().err
    assert app.main(["toy", "go", "--progress", "none"]) == 0
    assert capsys.readouterr().err == ""


def test_help_is_shown_on_a_terminal_that_knows_only_ascii():
    """Help and messages hold × and …; LC_ALL=C, as in a bare container, must not turn them into an error."""
    bare = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "napari_medsynth", "tumor", "insert", "--help"]
    done = subprocess.run(command, capture_output=True, env=bare, check=False)
    assert done.returncode == 0
    assert b"--variation.scale" in done.stdout
