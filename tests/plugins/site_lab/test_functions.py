"""The functions of object files that a compiler makes, and the digests of their code."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench_site_lab.functions import Functions, changed, of_object, read, write

CC = shutil.which("gcc")
needs_compiler = pytest.mark.skipif(CC is None, reason="there is no C compiler")

# Calls within the file and out of it, a text, static data, a cold part and an inlined function.
CODE = """
extern int printk(const char *, ...);
extern void panic(void) __attribute__((noreturn, cold));
static int limit = 7;
static int calls;
static inline int scaled(int x) { return x * 3 + 1; }
__attribute__((noinline)) static int first(int x) { return printk("first %d", x); }
__attribute__((noinline)) static int second(int x) { static int n; return x + ++n + limit; }
__attribute__((noinline)) int third(int x) { calls++; return second(x) + 1; }
__attribute__((noinline)) int fourth(int x) {
  if (x < 0) { printk("no"); panic(); }
  return first(scaled(x)) + third(x);
}
__attribute__((section(".init.text"))) int start(void) { limit = 8; return fourth(1); }
"""


def functions_of(code: str, folder: Path) -> Functions:
    """The functions of *code* after a link of its object file with another one."""
    (folder / "a.c").write_text(code)
    (folder / "b.c").write_text("int other(int x) { return x; }")
    # As for Linux: code must not depend on the registers and the stack of functions it calls.
    options = (
        *("-O2", "-pg", "-mfentry", "-fno-pic", "-mcmodel=kernel"),
        *("-mno-sse", "-mpreferred-stack-boundary=3", "-c"),
    )
    assert CC is not None
    subprocess.run([CC, *options, "a.c", "b.c"], cwd=folder, check=True)
    subprocess.run(["ld", "-r", "-o", "all.o", "b.o", "a.o"], cwd=folder, check=True)
    return of_object((folder / "all.o").read_bytes())


@pytest.fixture
def differing(tmp_path: Path) -> Callable[[str, str], set[str]]:
    """The functions that are changed if a part of the code is replaced by another."""

    def differing_of(part: str, new: str) -> set[str]:
        assert part in CODE
        before = functions_of(CODE, tmp_path)
        return set(changed(before, functions_of(CODE.replace(part, new), tmp_path)))

    return differing_of


@needs_compiler
@pytest.mark.parametrize(
    ("part", "new", "names"),
    [
        ("static int calls;", "/* a comment\n */ static int calls;", set()),
        ("static int calls;", "static int calls; extern int unused;", set()),
        ("return x + ++n", "return x - ++n", {"second"}),
        ("return x + ++n", "if (x == 77) printk(0); return x + ++n", {"second"}),
        ("first %d", "primo %d", {"first"}),
        ("x * 3 + 1", "x * 5 + 1", {"fourth"}),
        ('printk("no");', 'printk("on");', {"fourth"}),
        ("second(x) + 1", "second(x) + first(x)", {"third"}),
        ("limit = 8", "limit = 9", {"start"}),
        (
            "static int calls;",
            "static int calls; int fifth(int x) { return x * 9; }",
            {"fifth"},
        ),
    ],
)
def test_only_functions_that_are_compiled_differently_are_changed(
    differing: Callable[[str, str], set[str]], part: str, new: str, names: set[str]
) -> None:
    """
    Neither a comment nor the other size of a function before them changes the rest.

    A change of an inlined function is one of the function that contains it.
    """
    assert differing(part, new) == names


@needs_compiler
def test_functions_that_run_while_the_kernel_starts_are_marked(tmp_path: Path) -> None:
    """They are in a section of their own."""
    functions = functions_of(CODE, tmp_path)

    assert {name for name, function in functions.items() if function.is_init} == {"start"}
    assert {"first", "second", "third", "fourth", "other"} <= set(functions)


@needs_compiler
def test_functions_with_one_name_are_changed_if_one_of_them_is(tmp_path: Path) -> None:
    """Static functions of two files may have the same name."""
    assert CC is not None
    codes = []
    for instruction in ("nop", "cld"):
        for file, code in (("a.c", "nop"), ("b.c", instruction)):
            text = f'static int twice(void) {{ __asm__("{code}"); return 0; }}'
            (tmp_path / file).write_text(f"{text} int (*{file[0]})(void) = twice;")
        subprocess.run([CC, "-c", "a.c", "b.c"], cwd=tmp_path, check=True)
        subprocess.run(["ld", "-r", "-o", "all.o", "a.o", "b.o"], cwd=tmp_path, check=True)
        codes.append(of_object((tmp_path / "all.o").read_bytes()))

    assert [list(functions) for functions in codes] == [["twice"], ["twice"]]
    assert set(changed(*codes)) == {"twice"}


@needs_compiler
def test_functions_are_kept_in_a_file(tmp_path: Path) -> None:
    """They are equal when they are read."""
    functions = functions_of(CODE, tmp_path)
    write(functions, tmp_path / "functions")

    assert read(tmp_path / "functions") == functions


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": ["b"]}', "\0"])
def test_a_damaged_file_has_no_functions(tmp_path: Path, content: str) -> None:
    """Neither has one that is missing."""
    (tmp_path / "functions").write_text(content)

    assert read(tmp_path / "functions") == {}
    assert read(tmp_path / "missing") == read(None) == {}


@pytest.mark.parametrize("size", [0, 3, 70, 500, 2000])
def test_a_damaged_object_file_has_no_functions(tmp_path: Path, size: int) -> None:
    """As after a disk was full."""
    content = b"\x7fELF\x02\x01" + b"\xff" * size

    assert of_object(content) == {}
    assert of_object(content[1:]) == {}
