"""Which real projects loops are harvested from, and on which side of the split each one is.

Whole projects are held out: nothing of a test project may be trained on. How each builds is its own
affair; the command here is the shortest that compiles its library or program, for sh in the
unpacked tree, with CC in the environment.
"""

from __future__ import annotations

from dataclasses import dataclass

_CONFIGURE = "./configure --disable-shared --disable-dependency-tracking > /dev/null"
_AUTOTOOLS = f"{_CONFIGURE} && make"
_CMAKE = "cmake -B by-cmake -DCMAKE_BUILD_TYPE=Release"


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian source package."""

    name: str  # as `apt-get source` knows it
    split: str  # "train", "validation" or "test"
    build: str = ""  # "": every .c file alone, with gcc at -O2 and -O3
    is_patched: bool = True  # with Debian's patches


PACKAGES = (
    # -- never trained on: well-known projects of different kinds
    Package("zlib", "test", "./configure --static > /dev/null && make libz.a"),
    Package("lz4", "test", "make -C lib CC=$CC liblz4.a"),
    Package("lua5.4", "test", 'make CC="$CC -std=gnu99" linux', is_patched=False),
    Package("sqlite3", "test", f"{_CONFIGURE} && make sqlite3.c && make libsqlite3.la"),
    Package("cjson", "test", "make CC=$CC libcjson.so.1.7.15"),
    Package("libsamplerate", "test"),
    # -- looked at while training, never learnt from
    Package("bzip2", "validation", "make CC=$CC libbz2.a bzip2"),
    Package("libogg", "validation", _AUTOTOOLS),
    Package("hiredis", "validation", "make CC=$CC static"),
    # -- train
    Package("xz-utils", "train", f"{_CONFIGURE} && make -C src/liblzma"),
    Package("lzo2", "train", _AUTOTOOLS),
    Package("libdeflate", "train", "make CC=$CC libdeflate.a"),
    Package("giflib", "train", "make CC=$CC libgif.a"),
    Package("gzip", "train", _AUTOTOOLS),
    Package("speex", "train", _AUTOTOOLS),
    Package(
        "flac",
        "train",
        f"{_CMAKE} -DWITH_OGG=OFF -DINSTALL_MANPAGES=OFF -DBUILD_TESTING=OFF"
        " && make -C by-cmake FLAC",
    ),
    Package("libsodium", "train", _AUTOTOOLS),
    Package("xxhash", "train", "make CC=$CC lib"),
    Package("fribidi", "train"),
    Package("libtomcrypt", "train", "make CC=$CC CFLAGS='-O2' -f makefile library"),
    Package("libtommath", "train", "make CC=$CC libtommath.a"),
    Package("a52dec", "train"),
    Package("libgsm", "train", 'make CC="$CC -ansi -pedantic" lib/libgsm.a'),
    Package("less", "train", "./configure > /dev/null && make"),
    Package("tcc", "train"),
    Package("diffutils", "train", _AUTOTOOLS),
    Package("sed", "train", _AUTOTOOLS),
    Package("grep", "train", _AUTOTOOLS),
    Package("mbedtls", "train", "make -C library CC=$CC static"),
    Package("nettle", "train", f"{_CONFIGURE} && make"),
    Package("jq", "train"),
    Package("brotli", "train", f"{_CMAKE} && make -C by-cmake"),
    Package("opus", "train"),
    Package("mpg123", "train"),
    Package("libzstd", "train", "make -C lib CC=$CC libzstd.a"),
    Package("cmark", "train", f"{_CMAKE} && make -C by-cmake"),
)
