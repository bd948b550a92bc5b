"""A compiler that is missing or fails gives one sentence, and nothing is kept."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import attrs
import pytest

from pvbench.errors import Status, UnavailableError
from pvbench.host.compiled import Recipe
from pvbench_deliver_kvm import build
from support.c_facts import needs_c
from support.compiler import small_guest, write_compiler
from support.guest_native import GUEST

INSTALL = "Install gcc and binutils, or run with --delivery model."
NO_COMPILER = (
    f"the guest of delivery kvm must be compiled, and there is no C compiler (cc). {INSTALL}"
)
GERMAN = """
case "$LC_ALL" in C*) word=error;; *) word=Fehler;; esac
echo "main.c:1:1: $word: here" >&2
exit 1
"""
SEVERAL_LINES = """
echo 'main.c: In function run_cpu:' >&2
echo "main.c:7:1: warning: unused variable" >&2
echo "main.c:8:2: error: unknown type name 'u23'" >&2
echo "main.c:9:3: error: and more of that" >&2
exit 1
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH; the cache is empty."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "bin"


def refusal(recipe: Recipe = build.BUNDLED) -> str:
    """The sentence, which is an error of the environment."""
    with pytest.raises(UnavailableError) as raised:
        build.image(recipe)
    assert raised.value.status is Status.ENVIRONMENT
    return str(raised.value)


def test_a_missing_compiler_is_an_error_with_a_hint(folder: Path) -> None:
    """Nothing on PATH is called cc."""
    assert refusal() == NO_COMPILER


def test_a_file_that_is_not_executable_is_not_used_as_compiler(folder: Path) -> None:
    """It is not executable for root either."""
    write_compiler(folder, "exit 0", mode=0o644)

    assert refusal() == NO_COMPILER


def test_a_dangling_link_is_not_used_as_compiler(folder: Path) -> None:
    """The compiler may have been removed."""
    folder.mkdir()
    (folder / "cc").symlink_to(folder / "gcc-99")

    assert refusal() == NO_COMPILER


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param(SEVERAL_LINES, "main.c:8:2: error: unknown type name 'u23'", id="fails"),
        pytest.param("exit 1", "it ends with status 1", id="fails-silently"),
        pytest.param("kill -SEGV $$", "it ends with status -11", id="crashes"),
        pytest.param(
            "echo 'cc: fatal error: cannot execute as' >&2; exit 1",
            "cc: fatal error: cannot execute as",
            id="without-binutils",
        ),
        pytest.param("echo 'no more' >&2; exit 1", "no more", id="in-its-own-words"),
        pytest.param(GERMAN, "main.c:1:1: error: here", id="in-the-user-s-language"),
        pytest.param(r"printf 'error \377\n' >&2; exit 1", "error \ufffd", id="not-utf-8"),
    ],
)
def test_the_error_is_the_first_one_of_the_compiler(
    folder: Path, tmp_path: Path, script: str, reason: str
) -> None:
    """The message has one line of all its output; no image is kept."""
    compiler = write_compiler(folder, script)

    assert (
        refusal() == f"{compiler} cannot compile the guest of delivery kvm: {reason}. {INSTALL}"
    )
    assert not (tmp_path / "cache").exists()


def test_a_failure_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next use tries again."""
    needs_c("abi.h")
    small = small_guest(tmp_path / "small")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(write_compiler(tmp_path / "bin", "exit 1").parent))
        refusal(small)

    assert len(build.image(small)) > 0


def test_the_real_compiler_names_the_line(tmp_path: Path) -> None:
    """Of the source that it cannot compile."""
    needs_c("abi.h")
    broken = tmp_path / "broken.c"
    broken.write_text("int fine;\nint @;\n")
    (tmp_path / "guest.lds").write_bytes((GUEST / "guest.lds").read_bytes())
    sentence = refusal(attrs.evolve(build.BUNDLED, sources=tmp_path))

    assert f" cannot compile the guest of delivery kvm: {broken}:2:" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("text", ["not a program\n", "#!/nonexistent/sh\n"])
def test_a_compiler_that_cannot_be_executed_is_an_error(folder: Path, text: str) -> None:
    """It has the permission, but the kernel does not know the format."""
    write_compiler(folder, "").write_text(text)

    assert refusal().startswith(
        f"{folder}/cc cannot compile the guest of delivery kvm: [Errno "
    )


def test_a_compiler_that_writes_no_file_is_an_error(folder: Path) -> None:
    """It is an error although the compiler succeeds."""
    write_compiler(folder, "exit 0")

    assert re.search(r"kvm: \[Errno 2\] .*/program'\. Install", refusal())


def test_a_compiler_that_does_not_end_is_given_up(folder: Path) -> None:
    """There is a time limit."""
    write_compiler(folder, "read forever </dev/zero")

    assert "timed out after 0.01 seconds" in refusal(attrs.evolve(build.BUNDLED, limit_s=0.01))


def test_the_linker_names_a_missing_function(tmp_path: Path) -> None:
    """Rather than that it has failed."""
    needs_c("abi.h")
    changed = shutil.copytree(GUEST, tmp_path / "guest")
    with (changed / "main.c").open("a") as file:
        file.write("void nothing(void);\nvoid some(void);\nvoid some(void) { nothing(); }\n")

    assert "undefined reference to `nothing'" in refusal(
        attrs.evolve(build.BUNDLED, sources=changed)
    )
