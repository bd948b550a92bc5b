"""The guest is compiled once, and again only if its key changes."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from pvbench.errors import UnavailableError
from pvbench.host.cache import cache_folder
from pvbench.host.compiled import Recipe
from pvbench_deliver_kvm import build
from support.c_facts import needs_c
from support.compiler import VERSION, CountedCompiler, small_guest, write_compiler
from support.guest_native import GUEST

GUEST_FILES = sorted(
    str(path.relative_to(GUEST)) for path in GUEST.rglob("*") if path.is_file()
)


@pytest.fixture(scope="module")
def image() -> bytes:
    """The real guest, from a compiler whose calls are not counted."""
    needs_c("abi.h")
    return build.image()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of cached images."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/pvbench"


@pytest.fixture
def cc(
    image: bytes, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> CountedCompiler:
    """A compiler whose calls are counted, and an empty cache."""
    return CountedCompiler(tmp_path / "bin", monkeypatch)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Of a copy of the guest's sources, which may be changed."""
    return attrs.evolve(build.BUNDLED, sources=shutil.copytree(GUEST, tmp_path / "sources"))


@pytest.fixture
def small(image: bytes, tmp_path: Path) -> Recipe:
    """A guest that is compiled quickly, where a real one can be."""
    return small_guest(tmp_path / "small")


def files(folder: Path) -> list[str]:
    """The names of the files in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_the_first_use_compiles_and_the_second_does_not(
    cc: CountedCompiler, cache: Path, small: Recipe
) -> None:
    """One file is kept, the image under its key."""
    first = build.image(small)
    calls = cc.calls
    second = build.image(small)

    assert (calls, cc.calls) == (1, 1)
    assert first == second == (cache / f"guest-{build.key(small)}.bin").read_bytes()
    assert files(cache) == [f"guest-{build.key(small)}.bin"]


def test_a_kept_image_needs_no_compiler(
    cc: CountedCompiler, cache: Path, small: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key, which other files are kept under, needs none either."""
    compiled, key = build.image(small), build.key(small)
    monkeypatch.setenv("PATH", "")

    assert (build.image(small), build.key(small)) == (compiled, key)
    (cache / f"guest-{key}.bin").unlink()
    with pytest.raises(UnavailableError, match="there is no C compiler"):
        build.image(small)


def test_a_change_is_compiled_and_its_revert_is_not(cc: CountedCompiler, small: Recipe) -> None:
    """Images of several versions are kept side by side."""
    header = small.sources / "version.h"
    first = build.image(small)
    header.write_text(VERSION.replace("1", "77"))
    second = build.image(small)
    header.write_text(VERSION)

    assert build.image(small) == first != second
    assert cc.calls == 2


@pytest.mark.parametrize("name", GUEST_FILES)
def test_every_source_changes_the_key(cc: CountedCompiler, recipe: Recipe, name: str) -> None:
    """Including headers, which are not on the command line."""
    before = build.key(recipe)
    with (recipe.sources / name).open("a") as file:
        file.write("\n")

    assert build.key(recipe) != before


@pytest.mark.parametrize("name", ["new.c", "new.h", "new/new.c"])
def test_a_new_source_changes_the_key(cc: CountedCompiler, recipe: Recipe, name: str) -> None:
    """The new source may even be empty."""
    before = build.key(recipe)
    (recipe.sources / name).parent.mkdir(exist_ok=True)
    (recipe.sources / name).touch()

    assert build.key(recipe) != before


def test_a_source_that_changes_its_directory_changes_the_key(
    cc: CountedCompiler, recipe: Recipe
) -> None:
    """The path of a source relative to the guest's directory is part of the key."""
    (recipe.sources / "one").mkdir()
    (recipe.sources / "two").mkdir()
    (recipe.sources / "one/new.c").touch()
    before = build.key(recipe)
    (recipe.sources / "one/new.c").rename(recipe.sources / "two/new.c")

    assert build.key(recipe) != before


def test_sources_in_directories_are_compiled_and_see_all_headers(
    cc: CountedCompiler, recipe: Recipe
) -> None:
    """They include a header of the guest as the other sources do."""
    (recipe.sources / "new").mkdir()
    (recipe.sources / "new/called.c").write_text(
        '#include "abi.h"\nu32 called(void);\nu32 called(void)\n{\n\treturn 1;\n}\n'
    )
    with (recipe.sources / "main.c").open("a") as file:
        file.write("u32 called(void);\nu32 caller(void);\nu32 caller(void)\n")
        file.write("{\n\treturn called();\n}\n")

    assert len(build.image(recipe)) > 0


@pytest.mark.parametrize(
    "changed",
    [
        attrs.evolve(build.BUNDLED, flags=(*build.FLAGS, "-g")),
        attrs.evolve(build.BUNDLED, link_flags=(*build.LINK_FLAGS, "-g")),
    ],
    ids=["compiler", "linker"],
)
def test_every_flag_changes_the_key(cc: CountedCompiler, changed: Recipe) -> None:
    """The flags are those of the compiler and those of the linker."""
    assert build.key(changed) != build.key()


def test_a_compiler_that_was_replaced_changes_the_key(cc: CountedCompiler) -> None:
    """An update leaves its path as it was."""
    status = cc.path.stat()
    before = build.key()
    os.utime(cc.path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    younger = build.key()
    cc.path.write_text(cc.path.read_text() + "\n")
    os.utime(cc.path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert len({before, younger, build.key()}) == 3


def test_another_compiler_changes_the_key(
    cc: CountedCompiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even an equal one in another folder."""
    before = build.key()
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy2(cc.path, other)
    monkeypatch.setenv("PATH", str(other))

    assert build.key() != before


def test_the_image_is_the_same_wherever_it_is_compiled(
    cc: CountedCompiler,
    image: bytes,
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It depends on no path, name or time."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    assert (build.image(recipe), cc.calls) == (image, 1)
    assert build.key(recipe) == build.key()


def test_variables_that_start_at_zero_are_part_of_the_image(
    cc: CountedCompiler, image: bytes, recipe: Recipe
) -> None:
    """The image has no .bss, because the memory after it is not cleared."""
    source = "u32 zeros[1000];\nu32 *address_of_zeros(void)\n{\n\treturn zeros;\n}\n"
    with (recipe.sources / "main.c").open("a") as file:
        file.write(source)
    changed = build.image(recipe)

    assert len(changed) >= len(image) + 4000
    assert changed.endswith(bytes(4000))


def unwritable(home: Path) -> Path:
    """A cache for a user who may not write."""
    return Path("/proc/of-nobody")  # not even for root


def a_file(home: Path) -> Path:
    """A cache that is not a folder."""
    home.write_text("a file")
    return home


def a_file_inside(home: Path) -> Path:
    """The same, one level below."""
    home.mkdir()
    (home / "pvbench").write_text("a file")
    return home


@pytest.mark.parametrize("spoilt", [unwritable, a_file, a_file_inside])
def test_without_a_cache_it_is_compiled_each_time(
    cc: CountedCompiler,
    small: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoilt: Callable[[Path], Path],
) -> None:
    """A user who cannot have a cache can still run guests."""
    image = build.image(small)
    monkeypatch.setenv("XDG_CACHE_HOME", str(spoilt(tmp_path / "spoilt")))

    assert [build.image(small), build.image(small)] == [image, image]
    assert cc.calls == 3


def test_a_compiler_is_called_by_its_name(
    small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some compilers are one program with many names, and act on the name."""
    called = 'case "$0" in */cc) ;; *) exit 1;; esac\n'
    write_compiler(tmp_path / "bin", f'{called}exec {shutil.which("cc")} "$@"').rename(
        tmp_path / "bin/all"
    )
    (tmp_path / "bin/cc").symlink_to("all")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert len(build.image(small)) > 0


def test_the_sources_may_lie_in_any_folder(
    small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options of the linker are separated by commas."""
    before = build.image(small)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recipe = attrs.evolve(
        build.BUNDLED, sources=shutil.copytree(small.sources, tmp_path / "a,b c")
    )

    assert build.image(recipe) == before


def test_a_user_without_a_home_keeps_nothing(
    small: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container may have no name for the user."""

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)

    assert len(build.image(small)) > 0
    assert cache_folder() == Path("/dev/null/.cache/pvbench")
