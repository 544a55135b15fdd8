"""Projects that are built in seconds."""

from __future__ import annotations

from tests.projects.project import Benchmark, Project

ZLIB = Project(
    name="zlib",
    source="zlib",
    level="-O3",
    configure="./configure",
    configured=("zconf.h", "zlib.pc", "Makefile"),
    build="make -j2",
    clean="make clean",
    test="make test",
    counted=r"^.*\*\*\* zlib.*test OK \*\*\*",
    programs=("minigzip", "libz.so.1.2.13"),
    benchmarks=(
        Benchmark("minigzip", "./minigzip -c $WORK/text > out.gz; cat out.gz"),
        Benchmark(
            "minigzip -d",
            "test -f in.gz || ./minigzip -c $WORK/text > in.gz; for i in 1 2 3 4 5; do"
            " ./minigzip -c -d in.gz > out; done; cat out",
        ),
    ),
    hot=("longest_match", "deflate_slow", "fill_window", "inflate_fast", "adler32_z", "crc32_z"),
    sync_budget_s=2,
)

BZIP2 = Project(
    name="bzip2",
    source="bzip2",
    level="-O2 -g",
    build="make CC=$CC -j2 libbz2.a libbz2.so bzip2 bzip2recover",
    clean="make clean",
    test="make CC=$CC test",
    counted=r"^cmp .*",
    programs=("bzip2", "libbz2.so.1.0.4"),
    benchmarks=(
        Benchmark(
            "bzip2 -9", "export LD_LIBRARY_PATH=.; head -c 2500000 $WORK/text | ./bzip2 -9 -c"
        ),
        Benchmark(
            "bzip2 -d",
            "export LD_LIBRARY_PATH=.; test -f in.bz2 || ./bzip2 -c $WORK/text > in.bz2;"
            " ./bzip2 -d -c in.bz2",
        ),
    ),
    hot=(
        "BZ2_blockSort",
        "fallbackSort",
        "BZ2_compressBlock",
        "BZ2_decompress",
        "BZ2_hbMakeCodeLengths",
        "unRLE_obuf_to_output_FAST",
    ),
    sync_budget_s=2,
)

LZ4 = Project(
    name="lz4",
    source="lz4",
    level="-O3",
    build="make -j2 -C programs lz4 && make -j2 -C lib && make -j2 -C tests datagen",
    clean="make clean",
    test="make -C tests check",
    counted=r"^(?:test|cmp|diff|\.\./programs/lz4|\./datagen) .*",
    programs=("programs/lz4", "lib/liblz4.so.1.9.4"),
    benchmarks=(
        Benchmark(
            "lz4 -b1",
            "./programs/lz4 -b1 -i1 $WORK/text 2>&1",
            rates=r"(?P<compress>[\d.]+) MB/s *, *(?P<decompress>[\d.]+) MB/s",
            rounds=9,
        ),
        Benchmark("lz4 -9", "./programs/lz4 -9 -c $WORK/text", rounds=9),
    ),
    hot=(
        "LZ4_compress_fast_extState",
        "LZ4_decompress_safe",
        "LZ4HC_compress_generic",
        "LZ4_count",
    ),
    sync_budget_s=2,
    is_patched=False,  # the patches link the program with the system's library
    note="its tests are commands of make; each that was run counts",
)

JSON_C = Project(
    name="json-c",
    source="json-c",
    level="-O3 (CMake's Release)",
    configure="cmake -S . -B build -DCMAKE_BUILD_TYPE=Release -DCMAKE_POLICY_VERSION_MINIMUM=3.5",
    configured=("build/config.h", "build/json_config.h"),
    build="cmake --build build -j2",
    clean="cmake --build build --target clean",
    test="cd build && USE_VALGRIND=0 ctest -j1",
    # CMake 4 leaves out that none failed.
    counted=r"tests passed(?:, (?P<failed>\d+) tests failed)? out of (?P<all>\d+)",
    programs=("build/libjson-c.so.5.2.0", "build/apps/json_parse"),
    benchmarks=(
        Benchmark(
            "json_parse",
            "for i in 1 2 3 4; do ./build/apps/json_parse $WORK/records.json > out; done;"
            " grep -v maxrss out",
        ),
    ),
    hot=(
        "json_tokener_parse_ex",
        "json_escape_str",
        "lh_char_hash",
        "lh_table_lookup_entry_w_hash",
    ),
    needs=("cmake",),
    note="CMake, with Makefiles",
)

FRIBIDI = Project(
    name="fribidi",
    source="fribidi",
    level="-O3 (Meson's release)",
    configure="meson setup build -Ddocs=false --buildtype=release",
    configured=("build/config.h", "build/lib/fribidi-config.h"),
    build="ninja -C build -j2",
    clean="ninja -C build clean",
    test="meson test -C build --no-rebuild",
    counted=r"^Ok: *(?P<passed>\d+)|^Fail: *(?P<failed>\d+)",
    programs=("build/lib/libfribidi.so.0.4.0", "build/bin/fribidi"),
    benchmarks=(
        Benchmark("fribidi-benchmark", "./build/bin/fribidi-benchmark -n 3000 > out; wc -l out"),
        Benchmark(
            "fribidi", "head -c 2000000 $WORK/text | ./build/bin/fribidi --charset UTF-8 --nopad"
        ),
    ),
    hot=(
        "fribidi_get_par_embedding_levels_ex",
        "fribidi_reorder_line",
        "fribidi_get_bidi_types",
        "fribidi_log2vis",
    ),
    needs=("ninja-build",),
    note="Meson and ninja (the project's own Meson file; Debian uses its autoconf one, with -Os)",
)

SMALL_PROJECTS = (ZLIB, BZIP2, LZ4, JSON_C, FRIBIDI)
