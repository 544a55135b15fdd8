"""Projects that are built in a minute or more, or have very many loops."""

from __future__ import annotations

from tests.projects.project import Benchmark, Project

_SQLITE_TESTS = (
    "select1 select3 select4 select6 where join aggnested func expr sort index insert update delete"
    " trigger1 fts3aa json101 like between in cast types enc substr printf collate1 distinct"
    " orderby1 window1 alter vacuum"
)
_LUA = "./src/lua $LUA_SCRIPTS"

LUA = Project(
    name="lua5.4",
    source="lua5.4",
    level="-O2",
    build='make -j2 CC="$CC -std=gnu99" linux',
    clean="make clean",
    test=(
        "rm -rf lpeg; cp -r $SOURCES/lua-lpeg lpeg; cd lpeg;"
        " make clean linux CC=$CC LUADIR=../src/; ../src/lua test.lua"
    ),
    counted=r"^(\+|OK)$",
    programs=("src/lua", "src/luac"),
    benchmarks=(
        Benchmark("strings", f"{_LUA}/strings.lua"),
        Benchmark("tables", f"{_LUA}/tables.lua"),
    ),
    hot=("luaV_execute", "luaH_getint", "internshrstr", "luaS_hash", "str_find_aux", "max_expand"),
    optimise_s=75,
    build_rounds=9,
    is_patched=False,
    extra_sources=("lua-lpeg",),
    note="the test suite is not in the package: that of lpeg 1.0 is run, built against this Lua",
)

JQ = Project(
    name="jq",
    source="jq",
    level="-O2 -g",
    configure="autoreconf -i && ./configure --disable-docs --disable-valgrind"
    " --disable-maintainer-mode",
    configured=("Makefile", "libtool"),
    build="make -j2",
    clean="make clean",
    test="status=0; make check || status=$?; cat tests/jqtest.log tests/onigtest.log; exit $status",
    counted=r"^(?P<passed>\d+) of (?P<all>\d+) tests passed",
    programs=(".libs/jq", ".libs/libjq.so.1.0.4"),
    benchmarks=(
        Benchmark(
            "jq",
            "LD_LIBRARY_PATH=.libs ./.libs/jq -c"
            " 'map(select(.is_new)) | sort_by(.name) | .[]' $WORK/records.json",
        ),
    ),
    hot=("jv_parser_feed", "scan", "jvp_utf8_next", "jq_next", "jv_dump_term", "freedtoa"),
    optimise_s=75,
    build_rounds=3,
    needs=("autoconf", "automake", "libtool", "libonig-dev", "bison", "flex"),
    note="autoconf and libtool; oniguruma is the system's",
)

ZSTD = Project(
    name="zstd",
    source="libzstd",
    level="-O3",
    build="make -j2 -C programs zstd && make -C tests datagen",
    clean="make clean",
    test="cd tests && ZSTD_BIN=../programs/zstd DATAGEN_BIN=./datagen EXE_PREFIX= ./playTests.sh",
    counted=r"^===>.*",
    programs=("programs/zstd",),
    benchmarks=tuple(
        Benchmark(
            f"zstd -b{level}",
            f"./programs/zstd -b{level} -i1 $WORK/text 2>&1",
            rates=r"(?P<compress>[\d.]+) MB/s *, *(?P<decompress>[\d.]+) MB/s",
            rounds=6,
        )
        for level in (1, 6)
    ),
    hot=(
        "ZSTD_compressBlock_fast",
        "ZSTD_compressBlock_lazy_row",
        "HIST_count_parallel_wksp",
        "FSE_buildCTable_wksp",
        "ZSTD_decompressSequences_default",
        "ZSTD_count",
    ),
    optimise_s=75,
    build_rounds=1,
    note="tests: playTests.sh without its large files",
)

SQLITE = Project(
    name="sqlite3",
    source="sqlite3",
    level="-O2 -g",
    configure="./configure --enable-fts5 --enable-json --enable-threadsafe",
    configured=("sqlite_cfg.h", "Makefile"),
    build="make -j2 sqlite3.c && make -j2 speedtest1 testfixture",
    clean="rm -f speedtest1 testfixture",
    test=f"for name in {_SQLITE_TESTS}; do ./testfixture test/$name.test || true; done",
    counted=r"^(?P<failed>\d+) errors out of (?P<all>\d+) tests",
    programs=("speedtest1", "testfixture"),
    benchmarks=(
        Benchmark("speedtest1", "./speedtest1 --size 20 --testset main > out; wc -l out", rounds=7),
    ),
    hot=(
        "sqlite3VdbeExec",
        "sqlite3VdbeRecordCompareWithSkip",
        "sqlite3GetVarint",
        "patternCompare",
    ),
    optimise_s=75,
    build_rounds=1,
    needs=("tcl8.6-dev",),
    note="the amalgamation, one unit of 8 MB; 31 of its 1,148 test files",
)

LARGE_PROJECTS = (LUA, JQ, ZSTD, SQLITE)
