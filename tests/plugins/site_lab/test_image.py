"""The first file system of a lab: interpreter, modules, delivery, and the kernel's modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from pvbench import describe
from pvbench.errors import UnavailableError
from pvbench.qemu.kernels import Kernel
from pvbench_site_lab import imports, interpreter
from pvbench_site_lab.image import Image, image_of
from pvbench_site_lab.store import Store
from support.archives import entries_of
from support.runs import AddPlugin

# A delivery that has all that is carried: a lazy import, data, and a file of the cache.
CARRIED = """
from pathlib import Path
from pvbench.hookspecs import hookimpl

class Carried:
    name, summary = "carried", "for tests"

    def why_unavailable(self):
        import carried_later

    def cache_files(self):
        return {"carried.bin": b"from the cache"}

    def why_unsupported(self, guest, task, description): ...
    def cost_profiles(self): return ()
    def describe(self, options): ...
    def boot(self, guest, worker_data): ...

@hookimpl
def pvbench_deliveries():
    return [Carried()]
"""


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package of a delivery, which every process can import."""
    folder = tmp_path / "plugin"
    package = folder / "carried"
    (package / "guest").mkdir(parents=True)
    (package / "__init__.py").write_text(CARRIED)
    (package / "part.py").write_text("PART = 1\n")
    (package / "guest/main.c").write_text("int main;\n")
    (folder / "carried_later.py").write_text("import wave\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    return package


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """A kernel with KVM as one module."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "kvm-amd.ko").write_bytes(b"\0depends=\0kvm")
    return Kernel(name="k", release="9.9", image=tmp_path / "vmlinuz", modules=modules)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def of(kernel: Kernel, store: Store) -> Image:
    """The image, whose file is made."""
    image = image_of(kernel, "kernel-key", "carried", "carried", store)
    image.make()
    return image


def test_an_image_has_all_that_a_worker_needs(
    carried: Path, kernel: Kernel, store: Store
) -> None:
    """The modules are compiled, and what is imported inside a function is there too."""
    entries = entries_of(of(kernel, store).path.read_bytes())
    listed = entries["modules"].content.decode().split()

    assert {"bin/python", "py/pvbench/run/worker.pyc", "dev/console", "proc"} <= set(entries)
    assert {"py/carried/__init__.pyc", "py/carried/part.pyc", "py/carried_later.pyc"} <= set(
        entries
    )
    assert entries["py/carried/guest/main.c"].content == b"int main;\n"
    assert entries["cache/pvbench/carried.bin"].content == b"from the cache"
    assert entries["mod/00-kvm_amd.ko"].content == b"\0depends=\0kvm"
    assert {"carried.part", "carried_later", "pvbench.describe", "encodings.ascii"} <= set(
        listed
    )
    assert "numpy" not in listed
    assert "pvbench_site_lab.inside.init" not in listed
    assert [path for path in entries if path.endswith(".py")] == []


def test_an_image_s_interpreter_runs_from_its_files(
    carried: Path, kernel: Kernel, store: Store, tmp_path: Path
) -> None:
    """Unpacked here, and given nothing else, it imports every module that is listed."""
    root = tmp_path / "root"
    entries = entries_of(of(kernel, store).path.read_bytes())
    for path, entry in entries.items():
        if entry.mode & 0o100000 and path != "dev/console":
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(entry.content)
            (root / path).chmod(entry.mode & 0o777)
    names = entries["modules"].content.decode().split()
    code = f"import sys; [__import__(name) for name in {names!r}]; print(sys.path)"
    environment = {
        "PYTHONHOME": "/",
        "PYTHONPATH": f"{root}/py",
        "LD_LIBRARY_PATH": f"{root}/lib",
    }
    loader = next(path for path in entries if "ld-linux" in path)
    done = subprocess.run(
        [root / loader, root / "bin/python", "-S", "-B", "-P", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert f"{root}/py" in done.stdout


def test_nothing_is_written_before_the_file_of_an_image_is_needed(
    carried: Path, kernel: Kernel, store: Store
) -> None:
    """Its key and its path are known nevertheless."""
    image = image_of(kernel, "kernel-key", "carried", "carried", store)
    written = store.folder.exists()
    image.make()

    assert not written
    assert image.path.exists()
    assert image == of(kernel, store)


def test_an_image_is_made_once(
    carried: Path, kernel: Kernel, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is imported to see that it is up to date."""
    first = of(kernel, store)
    monkeypatch.setattr(interpreter, "modules_of", None)

    assert of(kernel, store) == first


def test_each_virtual_environment_has_images_of_its_own(
    carried: Path, kernel: Kernel, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have another pvbench under the same interpreter, so nothing is taken over."""
    other = tmp_path / "python"
    other.symlink_to("/bin/false")
    of(kernel, store)
    monkeypatch.setattr(sys, "executable", str(other))
    with pytest.raises(UnavailableError, match="the modules of carried cannot be imported"):
        of(kernel, store)


def test_other_modules_of_the_same_kernel_make_another_image(
    carried: Path, kernel: Kernel, store: Store, tmp_path: Path
) -> None:
    """A user may build them with a change."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "kvm-amd.ko").write_bytes(b"\0depends=\0changed")
    first = of(kernel, store)
    second = of(attrs.evolve(kernel, modules=other), store)
    entries = entries_of(second.path.read_bytes())

    assert second.key != first.key
    assert entries["mod/00-kvm_amd.ko"].content == b"\0depends=\0changed"


def test_an_image_that_was_removed_is_made_again(
    carried: Path, kernel: Kernel, store: Store
) -> None:
    """The store is pruned by size."""
    first = of(kernel, store)
    first.path.unlink()

    assert of(kernel, store) == first
    assert first.path.exists()


@pytest.mark.parametrize("change", ["part.py", "guest/main.c", "module"])
def test_another_image_is_made_when_a_file_of_it_changes(
    carried: Path, kernel: Kernel, store: Store, change: str
) -> None:
    """The file is a module, data, or a module of the kernel."""
    first = of(kernel, store)
    assert kernel.modules
    path = kernel.modules / "kvm-amd.ko" if change == "module" else carried / change
    path.write_bytes(path.read_bytes() + b"\n\0") if change == "module" else path.write_text(
        "# new\n"
    )

    assert of(kernel, store).key != first.key


def test_a_manifest_that_cannot_be_read_is_made_anew(
    carried: Path, kernel: Kernel, store: Store
) -> None:
    """The cache is a file that anything may damage."""
    first = of(kernel, store)
    (manifest,) = store.folder.glob("manifest-*")
    whole = manifest.read_bytes()

    for content in (b"", b"[]", b"{}", b'{"files": {}}', b'{"files": 4}', b"\xff"):
        manifest.write_bytes(content)
        assert of(kernel, store) == first
        assert manifest.read_bytes() == whole, content


def test_a_delivery_that_cannot_be_carried_is_refused(kernel: Kernel, store: Store) -> None:
    """The model needs no lab."""
    with pytest.raises(UnavailableError, match="delivery model does not run in a lab"):
        image_of(kernel, "k", "pvbench_deliver_model", "model", store)


def test_modules_that_cannot_be_imported_are_an_error(
    add_plugin: AddPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the last line of the traceback."""
    module = add_plugin("fails_there", "raise ValueError('not in a child')")
    with pytest.raises(
        UnavailableError, match="fails_there cannot be imported: ValueError: not"
    ):
        interpreter.modules_of(module)


def test_a_static_interpreter_cannot_be_carried(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It has no libraries, and loads no modules."""
    ldd = tmp_path / "ldd"
    ldd.write_text("#!/bin/sh\necho '\tstatically linked'\n")
    ldd.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(UnavailableError, match="cannot run in a lab: it is linked statically"):
        dict(interpreter.libraries_of({}))


def test_imports_of_functions_are_followed_and_those_for_types_are_not() -> None:
    """Types are no use at run time."""
    names = set(imports.imports_in(describe))

    assert names == {"pvbench.text", "pvbench.text.text_of"}
    assert set(imports.imports_in(imports)) == set()
    assert set(imports.imports_in(sys)) == set()


def test_the_program_prints_json() -> None:
    """It runs in a process of its own, whose modules are those of a worker."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pvbench_site_lab.imports", "pvbench_site_local"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout)["pvbench_site_local"].endswith("pvbench_site_local.py")


def test_a_delivery_given_as_a_file_is_refused(
    kernel: Kernel, store: Store, tmp_path: Path
) -> None:
    """Its modules have no names there."""
    file = tmp_path / "carried_file.py"
    file.write_text(f"pvbench_api = 1\n{CARRIED}")
    with pytest.raises(UnavailableError, match=r"carried_file.py is a file: .* Install it"):
        image_of(kernel, "k", str(file), "carried", store)
