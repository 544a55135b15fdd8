"""Loops of a small project on disk: built, recorded, looked through, taught, merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from llmcc.eligibility import Driver
from llmcc.outcome import Outcome
from llmcc.training.dataset import PairRecord, read_pairs, write_pairs
from llmcc.training.harvest import harvest_tree, merge
from llmcc.training.judgement import Judgement
from llmcc.training.judging import Case
from llmcc.training.leave_it import is_left_alone
from llmcc.training.packages import PACKAGES, Package
from llmcc.training.project_loops import ProjectLoops, find_project_loops, prompt_records
from llmcc.training.project_units import ProjectUnit, compiled_units
from llmcc.training.teach import candidates, teach_records

_SUM = """
int sum(const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
"""
_OTHER = """
#include "other.h"
TYPE total(const TYPE *b, int m) { TYPE t = 0; for (int j = 0; j < m; j++) t += b[j]; return t; }
void flip(unsigned char *p, long n) { for (long i = 0; i < n; i++) p[i * 2] ^= 1; }
int wait_for(volatile int *p, int n) { int s = 0; while (n--) s += *p; return s; }
"""
_MAKEFILE = "all:\n\t$(CC) -O2 -c sum.c\n\t$(CC) -O2 -c other.c\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "tests").mkdir(parents=True)
    (folder / "sum.c").write_text(_SUM)
    (folder / "other.c").write_text(_OTHER)
    (folder / "other.h").write_text("#define TYPE int\n")
    (folder / "tests" / "own_test.c").write_text(_SUM.replace("sum", "of_a_test"))
    (folder / "Makefile").write_text(_MAKEFILE)
    return folder


def _found(project: Path) -> ProjectLoops:
    units = compiled_units(project, timeout_s=60)
    return find_project_loops(units, scratch=project.parent, timeout_s=60)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[PairRecord]:
    folder = tmp_path_factory.mktemp("harvest") / "project"
    folder.mkdir()
    (folder / "other.c").write_text(_OTHER)
    (folder / "other.h").write_text("#define TYPE int\n")
    return prompt_records("tiny", "test", _found(folder).loops)


class _Judges:
    """Stands in for the pool: calls every text that a test names faster, all others not."""

    def __init__(self, ratios: dict[str, float]) -> None:
        self.ratios = ratios
        self.asked = 0

    def judge(self, cases: Sequence[Case]) -> list[Judgement]:
        self.asked += len(cases)
        return [self._one(case.text) for case in cases]

    def _one(self, text: str) -> Judgement:
        ratio = self.ratios.get(text)
        if ratio is None:
            return Judgement(Outcome.NOT_FASTER, 1.0, 1.0, 0.9, 1.1)
        return Judgement(Outcome.ACCEPTED, 1.0, ratio, ratio - 0.1, ratio + 0.1)


def test_a_build_with_llmcc_in_record_mode_gives_the_units_the_product_sees(
    project: Path, tmp_path: Path
) -> None:
    package = Package("tiny", "train", "make")
    found = harvest_tree(package, project, store=tmp_path / "store", timeout_s=60)
    assert found.facts["how"] == "build"
    assert found.facts["units"] == 2
    assert {record.opt for record in found.records} == {"O2"}
    assert {record.split for record in found.records} == {"train"}


def test_a_build_that_fails_gives_the_files_that_compile_alone(
    project: Path, tmp_path: Path
) -> None:
    package = Package("tiny", "train", "echo no compiler like that >&2; false")
    found = harvest_tree(package, project, store=tmp_path / "store", timeout_s=60)
    assert (found.facts["how"], found.facts["status"]) == ("files", 1)
    assert "no compiler like that" in str(found.facts["error"])
    assert found.facts["units"] == 4  # two files, two levels; the test's file is left out
    assert found.records


def test_a_shape_is_kept_once_and_volatile_loops_never(project: Path) -> None:
    found = _found(project)
    functions = Counter(loop.region.function for loop in found.loops)
    assert found.endings["again"] >= 1  # total() is sum() with other names
    assert "flip" in functions
    assert "wait_for" not in functions
    assert found.endings["MAY_BE_VOLATILE"] >= 1
    assert found.endings["loop"] == len(found.loops)


def test_no_unit_is_looked_at_after_the_time_is_over(project: Path) -> None:
    units = list(compiled_units(project, timeout_s=60))
    found = find_project_loops(units, scratch=project.parent, timeout_s=-1)
    assert (found.units, found.loops, found.is_complete) == (0, (), False)


def test_a_record_says_whose_loop_it_is_and_has_no_rewrite(records: list[PairRecord]) -> None:
    assert {record.isa for record in records} == {"avx2", "avx512"}
    for record in records:
        assert (record.group, record.family, record.split) == ("tiny", "real", "test")
        assert record.rewrite == ""
        assert "other.c" in record.provenance
    assert len({record.id for record in records}) == len(records)


def test_the_level_is_the_last_one_that_the_command_names() -> None:
    def level(*argv: str) -> str:
        return ProjectUnit("x.c", "", Driver(Path("gcc"), ("gcc", *argv), Path("/"), None)).level

    assert level("-O2", "-c", "x.c", "-O3") == "O3"
    assert level("-O", "x.c") == "O1"
    assert level("-c", "x.c") == "O0"


def test_the_fastest_of_the_right_rewrites_is_kept(records: list[PairRecord]) -> None:
    (flip,) = [r for r in records if " flip," in r.provenance and r.isa == "avx2"][:1]
    assert flip.region is not None
    slow, fast = candidates(flip.region, "avx2")[:2]
    endings: Counter[str] = Counter()
    judges = _Judges({slow.text: 1.3, fast.text: 1.7})
    (taught,) = teach_records([flip], endings, pool=judges, timeout_s=60)
    assert taught.rewrite == fast.text
    assert f"{fast.teacher}, 1.70x" in taught.provenance
    assert endings[f"record: taught by {fast.teacher.partition(' ')[0]}"] == 1


def test_compilers_are_teachers_too(records: list[PairRecord]) -> None:
    (flip,) = [r for r in records if " flip," in r.provenance and r.isa == "avx2"][:1]
    assert flip.region is not None
    teachers = [candidate.teacher for candidate in candidates(flip.region, "avx2")]
    assert "lift gcc whole" in teachers
    assert "unroll2" in {teacher.partition(" ")[0] for teacher in teachers}


def test_a_loop_nothing_is_faster_for_stays_a_prompt(records: list[PairRecord]) -> None:
    endings: Counter[str] = Counter()
    taught = teach_records(records, endings, pool=_Judges({}), timeout_s=60)
    assert [record.rewrite for record in taught] == [""] * len(records)
    assert {replace(record, provenance="") for record in taught} == {
        replace(record, provenance="") for record in records
    }
    ended = Counter(key for key in endings.elements() if key.startswith("record: "))
    assert ended.keys() <= {"record: no teacher is faster", "record: no candidate"}
    assert all(is_left_alone(r) == r.provenance.endswith("faster") for r in taught)
    assert ended.total() == len(records)


def test_records_that_time_did_not_suffice_for_say_so(records: list[PairRecord]) -> None:
    judges = _Judges({})
    taught = teach_records(records, Counter(), pool=judges, timeout_s=-1)
    assert judges.asked == 0
    assert all(record.provenance.endswith("not tried by a teacher") for record in taught)


def test_a_shape_of_a_test_project_is_in_no_training_project(
    records: list[PairRecord], tmp_path: Path
) -> None:
    (tmp_path / "harvested").mkdir()
    (tmp_path / "taught").mkdir()
    own = [replace(record, group="b", split="train", id=record.id + "b") for record in records]
    write_pairs(tmp_path / "harvested" / "a.jsonl", records[:2])
    write_pairs(tmp_path / "harvested" / "b.jsonl", own)
    packages = (Package("b", "train"), Package("a", "test"), Package("missing", "train"))
    assert merge(tmp_path, packages) == len(records)
    merged = list(read_pairs(tmp_path / "regions.jsonl"))
    assert [record.id for record in merged if record.split == "test"] == [
        record.id for record in records[:2]
    ]
    write_pairs(tmp_path / "taught" / "a.jsonl", [replace(records[0], rewrite="\tjmp\t.LH\n")])
    merge(tmp_path, packages)
    assert next(read_pairs(tmp_path / "regions.jsonl")).rewrite == "\tjmp\t.LH\n"


def test_every_package_has_a_split_and_well_known_ones_are_held_out() -> None:
    splits = {package.name: package.split for package in PACKAGES}
    assert len(splits) == len(PACKAGES)
    assert {splits[name] for name in ("zlib", "lz4", "lua5.4", "sqlite3")} == {"test"}
    shares = Counter(splits.values())
    assert set(shares) == {"train", "validation", "test"}
    assert shares["train"] > 3 * shares["test"]
