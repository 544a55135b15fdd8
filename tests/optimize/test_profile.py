"""Profiles as perf prints them."""

from __future__ import annotations

from llmcc.optimize.profile import read_profile

PERF = """\
# Overhead  Symbol
# ........  .........................
#
    61.24%  [.] inner_product
     8.5 %  [k] 0xffffffff81
     1.00%  search.part.0
     2.00%  [.] inner_product
     nan%   [.] broken

# (Tip: use perf)
"""


def test_reads_percentages_of_symbols_and_adds_those_of_one_name() -> None:
    assert read_profile(PERF) == {
        "inner_product": 63.24,
        "0xffffffff81": 8.5,
        "search.part.0": 1.0,
    }


def test_a_file_of_something_else_has_no_weights() -> None:
    assert read_profile("int main(void) { return 0; }\n\n\0") == {}
