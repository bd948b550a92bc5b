"""What `pvbench lab` prints, as documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pvbench.command import Output
from pvbench.document import (
    Cell,
    Column,
    Document,
    Field,
    Notes,
    Paragraph,
    Role,
    facts,
    table_of,
)
from pvbench.errors import Status

if TYPE_CHECKING:
    from pvbench.qemu.kernel_cache import StoredKernel
    from pvbench_site_lab.check import Finding

EMPTY: Final = "There is no kernel in the cache; `pvbench lab add 6.12` downloads one."


def sentence(text: str) -> Output:
    """A sentence on what was done."""
    return Output(Document([Paragraph(text)]))


def stored(verb: str, kernel: StoredKernel | None) -> Output:
    """The kernel that was stored, unless another process has removed it."""
    if kernel is None:
        return Output(Document([]))
    name, size = f"lab:{kernel.kernel.name}", _megabytes(kernel.size)
    return sentence(f"{verb} {name} ({kernel.kernel.release}, {size})")


def kernels(stored_kernels: Sequence[StoredKernel]) -> Output:
    """A row for each kernel in the cache, or a sentence if there is none."""
    columns = [
        Field(Column("name", "name"), _name),
        Field(Column("release", "release"), _release),
        Field(Column("from", "from", Role.PROSE), _origin),
        Field(Column("size", "size", Role.VALUE), lambda one: _size(one.size)),
        Field(Column("lab files", "lab files", Role.VALUE), _lab_files),
    ]
    table = table_of(columns, stored_kernels, in_text=bool(stored_kernels))
    return Output(Document([table] if stored_kernels else [table, Paragraph(EMPTY)]))


def findings(found: Sequence[Finding], *, kernels: bool) -> Output:
    """A line for each finding; a missing piece that is needed gives exit status 5."""
    lines = [f"{finding.subject}: {finding.text}" for finding in found]
    failed = any(finding.is_needed and not finding.is_good for finding in found)
    document = Document(
        [
            facts({finding.subject: finding.text for finding in found}, in_text=False),
            Notes(lines=lines if kernels else [*lines, EMPTY], in_json=False),
        ]
    )
    return Output(document, Status.ENVIRONMENT if failed else Status.OK)


def _name(stored: StoredKernel) -> Cell:
    return Cell(stored.kernel.name)


def _release(stored: StoredKernel) -> Cell:
    return Cell(stored.kernel.release)


def _origin(stored: StoredKernel) -> Cell:
    """Where it is from; the column of releases has the name of Debian's package."""
    origin = stored.origin or "unknown"
    image = f"linux-image-{stored.kernel.release} "
    return Cell(origin, f"Debian {origin.removeprefix(image)}" if image in origin else origin)


def _lab_files(stored: StoredKernel) -> Cell:
    from pvbench_site_lab.kernel_store import lab_files

    return _size(sum(path.stat().st_size for path in lab_files(stored)))


def _size(size: int) -> Cell:
    return Cell(size, _megabytes(size))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
