"""The page of `llmcc-ctl report`: whole, escaped, readable by a real browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from llmcc.ctl import plots
from llmcc.outcome import Outcome
from llmcc.store.records import LoopRecord, SpeedupInterval
from llmcc.store.unit_records import UnitRecords
from tests.ctl.conftest import ACCEPTED, failing, loop, run, unit

HOSTILE = "<script>document.title='owned'</script>"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --dump-dom"
).split()
_VOID = {"meta", "link", "br", "line", "circle", "rect"}


class _Page(HTMLParser):
    """Counts elements, keeps what they refer to and the text, and checks that they are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.references: list[str] = []
        self.ids: set[str] = set()
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        names = dict(attrs)
        self.references += [str(names[name]) for name in ("src", "href", "action") if name in names]
        self.ids |= {str(names["id"])} if "id" in names else set()
        assert not any(name.startswith("on") for name in names)
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] not in (["script"], ["style"]):
            self.text += data


def _page(folder: Path, *arguments: str) -> str:
    output = folder / "page.html"
    run("report", "--output", str(output), *arguments)
    return output.read_text(encoding="utf-8")


@pytest.fixture
def hostile(build: Path, own_cache: Path) -> Path:
    """The build, and in it a unit all of whose names want to be markup."""
    record = LoopRecord(HOSTILE, HOSTILE, HOSTILE, replace(ACCEPTED, rewrite=HOSTILE, isa=HOSTILE))
    refused = loop(Outcome.WRONG_OUTPUT, name=HOSTILE, detail=HOSTILE)
    name = f"{HOSTILE}.c".replace("/", "|")
    folder = build / HOSTILE.replace("/", "|")
    put = unit(record, refused, name=name, folder=folder, finished_s=1051.0)
    UnitRecords(own_cache).put(put)
    return build


def test_loads_nothing_and_every_link_leads_somewhere(build: Path) -> None:
    text = _page(build)
    page = _Page(text)
    inside = {reference[1:] for reference in page.references if reference.startswith("#")}
    assert inside <= page.ids
    assert [r for r in page.references if not r.startswith("#")] == ["data:,"]
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_says_what_its_headline_is_of(build: Path) -> None:
    text = " ".join(_Page(_page(build)).text.split())
    assert "speed in the 2 loops that got a fast path, of 3 tried." in text
    assert "4.00" in text
    assert "interval 3.00 to 5.00" in text
    assert "not of whole programs" in text


def test_has_all_of_the_build_and_nothing_of_older_ones(build: Path) -> None:
    page = _Page(_page(build))
    assert page.elements["details"] == 4  # two accepted loops, two reasons
    for wanted in ("sum", "top", "slow", "1.00 to 1.01", "the loop calls a function", "b.c"):
        assert wanted in page.text
    assert "old.c" not in page.text
    assert "old.c" in _Page(_page(build, "--all")).text


def test_every_drawing_has_a_title(build: Path) -> None:
    page = _Page(_page(build))
    assert page.elements["svg"] > 8
    assert page.elements["title"] == page.elements["svg"] + 1


def test_keeps_to_a_path(build: Path) -> None:
    text = _Page(_page(build, str(build / "a.c"))).text
    assert "sum" in text
    assert "b.c" not in text


def test_names_become_no_markup(hostile: Path) -> None:
    page = _Page(_page(hostile))
    assert page.elements["script"] == 1
    assert page.text.count(HOSTILE) >= 6


def test_bytes_that_are_no_text_do_not_stop_it(build: Path, own_cache: Path) -> None:
    put = unit(
        loop(Outcome.HAS_CALL, name="f\x00\x1b"), name="\udcff.c", folder=build, finished_s=1051.0
    )
    UnitRecords(own_cache).put(put)
    assert "\\xff.c" in _Page(_page(build)).text


def test_build_without_a_fast_path_has_its_page(build: Path) -> None:
    page = _Page(_page(build, str(build / "b.c")))
    assert "0 loops got a fast path, of 0 tried" in " ".join(page.text.split())


def test_folds_away_what_is_too_much_for_a_plot(build: Path, own_cache: Path) -> None:
    loops = [LoopRecord(f"f{number}", ".L2", "", ACCEPTED) for number in range(43)]
    UnitRecords(own_cache).put(unit(*loops, name="c.c", folder=build, finished_s=1051.0))
    assert "The other 5" in _Page(_page(build)).text


def test_tells_the_same_as_json(build: Path) -> None:
    told = json.loads(run("report", "--json"))
    assert told["summary"]["accepted"] == 2
    assert [one["source"] for one in told["units"]] == [str(build / "a.c"), str(build / "b.c")]
    assert not (build / "llmcc-report.html").exists()


def test_says_what_to_do_when_there_is_nothing_yet(tmp_path: Path) -> None:
    assert "no units yet. Compile something with llmcc." in failing("report")
    assert json.loads(run("report", "--json"))["units"] == []
    assert f"no units of {tmp_path} yet" in failing("report", str(tmp_path))


def test_says_what_to_do_when_the_page_cannot_be_written(build: Path) -> None:
    output = build / "nowhere" / "page.html"
    assert "Name another with --output" in failing("report", "--output", str(output))


def test_browser_shows_it_without_complaint(hostile: Path, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        pytest.skip("no browser is installed: apt install chromium")
    page = tmp_path / "page.html"
    page.write_text(_page(hostile), encoding="utf-8")
    shown = subprocess.run(
        [browser, *_FLAGS, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "CONSOLE" not in shown.stderr
    assert shown.stdout.count("<section") == 7
    assert shown.stdout.count('<details class="loop') == 6
    # The page's own script ran: a button in each head of the two tables that can be sorted.
    assert shown.stdout.count("<button") == 12
    assert "<title>llmcc: " in shown.stdout


def test_scale_is_logarithmic_and_holds_all() -> None:
    scale = plots.Scale.of([0.5, 8.0])
    assert scale.percent(0.5) == 3.0
    assert scale.percent(8.0) == 97.0
    assert scale.percent(2.0) == 50.0
    assert scale.ticks == (0.5, 1.0, 2.0, 5.0)


def test_scale_without_ratios_is_around_one() -> None:
    assert plots.Scale.of([]).ticks == (1.0,)


def test_interval_is_drawn_from_end_to_end() -> None:
    drawn = plots.interval(plots.Scale.of([0.5, 8.0]), SpeedupInterval(2.0, 0.5, 8.0))
    assert 'x1="3.0%" x2="97.0%"' in drawn
    assert 'cx="50.0%"' in drawn
    assert "<title>2.00 times gcc&#39;s speed, between 0.50 and 8.00</title>" in drawn


def test_bar_of_few_is_not_invisible() -> None:
    assert 'width="0.5%"' in plots.bar(0.0001, "1 of 10000 loops")
    assert 'width="0%"' in plots.bar(0.0, "none")
