"""autoconf and libtool: every verdict of configure, every object and library is the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.builds.conftest import Installed, build_twice, need, run, write_units

# The probe under AC_LANG_WERROR fails if the compiler says one word too much.
CONFIGURE = """\
AC_INIT([units], [1])
AC_CONFIG_HEADERS([config.h])
AC_CONFIG_MACRO_DIRS([m4])
AM_INIT_AUTOMAKE([foreign silent-rules])
AM_PROG_AR
AC_PROG_CC
LT_INIT
AC_LANG_PUSH([C])
AC_LANG_WERROR
AC_CACHE_CHECK([whether -O3 is quiet], [my_cv_quiet],
  [CFLAGS="$CFLAGS -O3"
   AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int f(const int *a, int n) { int s = 0;
     for (int i = 0; i < n; i++) s += a[i]; return s; }]])], [my_cv_quiet=yes], [my_cv_quiet=no])])
AC_CACHE_CHECK([whether a link is quiet], [my_cv_quiet_link],
  [AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [my_cv_quiet_link=yes], [my_cv_quiet_link=no])])
AC_CACHE_CHECK([whether nonsense is refused], [my_cv_refused],
  [AC_COMPILE_IFELSE([AC_LANG_SOURCE([[nonsense]])], [my_cv_refused=no], [my_cv_refused=yes])])
AC_CHECK_FUNCS([memfd_create no_such_function])
AC_C_BIGENDIAN
AC_CHECK_SIZEOF([long])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
"""
AUTOMAKE = """\
ACLOCAL_AMFLAGS = -I m4
lib_LTLIBRARIES = libunits.la
libunits_la_SOURCES = unit0.c unit1.c unit2.c
bin_PROGRAMS = program
program_SOURCES = main.c
program_LDADD = libunits.la
"""


def _verdicts(log: bytes) -> dict[str, str]:
    """Return the cache variables at the end of config.log, but for the compiler's own name."""
    found = dict(re.findall(r"^(\w+_cv_\w+)=(.*)$", log.decode(), re.MULTILINE))
    names = ("prog_CC", "ac_ct_CC", "env_CC_value")
    return {key: value for key, value in found.items() if not key.endswith(names)}


@pytest.mark.timeout(180)
def test_configure_and_libtool_cannot_tell_llmcc_from_gcc(
    installed: Installed, tmp_path: Path
) -> None:
    need("autoreconf", "automake", "libtoolize", "make")
    write_units(tmp_path, 3)
    (tmp_path / "configure.ac").write_text(CONFIGURE)
    (tmp_path / "Makefile.am").write_text(AUTOMAKE)
    (tmp_path / "m4").mkdir()
    run("autoreconf -i", tmp_path, installed.environ())
    expected, got = build_twice(
        tmp_path,
        [
            "mkdir build; cd build && ../configure -q --cache-file=config.cache CFLAGS='-O2 -g'",
            "cd build && make -j2 && ./program",
        ],
        plain=installed.environ(CC="gcc"),
        ours=installed.environ(CC="llmcc"),
        apart="config.cache",
    )
    verdicts = _verdicts(got.files["build/config.log"])
    assert verdicts == _verdicts(expected.files["build/config.log"])
    assert verdicts["my_cv_quiet"] == "yes"
    assert verdicts["my_cv_quiet_link"] == "yes"
    assert verdicts["my_cv_refused"] == "yes"
    assert "build/config.h" in got.files
    # Three units for the archive, three for the shared library, and main.
    assert installed.asked_count() == 7
