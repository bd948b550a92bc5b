"""
Histograms that the kernel keeps: hist:keys=common_cpu,cpu of ipi_send_cpu.

They have no times and no masks: keys=cpumask counts the word that locates a mask.

Source: Linux, Documentation/trace/histogram.rst.
"""

from __future__ import annotations

import re

from pvbench.errors import UsageError
from pvbench.hookspecs import hookimpl
from pvbench.recording.reader import Lines, Reader

pvbench_api = 1

_SIGN = re.compile(rb"^# trigger info: hist:", re.MULTILINE)
_KEYS = re.compile(rb"^# trigger info: hist:keys=([^:\s]+)", re.MULTILINE)
_ROW = re.compile(rb"^\{ (.+?) \} hitcount: +([0-9]{1,12})\b.*$", re.MULTILINE)
_KEY = re.compile(rb"([\w.]+): *([^,]*)")
_TOTALS = re.compile(rb"^    (Hits|Entries|Dropped): ([0-9]{1,18})$", re.MULTILINE)
_FIX = "Use hist:keys=common_cpu,cpu on ipi_send_cpu."


def score(start: bytes) -> int:
    """See `Reader`."""
    return 1 << 30 if _SIGN.search(start) else 0


def parse(text: bytes) -> Lines:
    """
    See `Reader`.

    Raises:
        UsageError: the histogram has other keys, or it is cut off.
    """
    _check_keys(text)
    rows = _ROW.findall(text)
    _check_totals(text, [int(count) for _, count in rows])
    keys = [dict(_KEY.findall(row)) for row, _ in rows]
    if not all(key.keys() >= {b"common_cpu", b"cpu"} for key in keys):
        raise UsageError("a row of the histogram lacks common_cpu or cpu", fix=_FIX)
    return Lines(
        messages=[_message(key) for key in keys],
        cpus=[key[b"common_cpu"].strip() for key in keys],
        counts=[int(count) for _, count in rows],
        notices=[("dropped", (n,)) for word, n in _TOTALS.findall(text) if word == b"Dropped"],
        total=text.count(b"\n"),
    )


def _check_keys(text: bytes) -> None:
    for keys in _KEYS.findall(text):
        words = [word.partition(b".")[0] for word in keys.split(b",")]
        if b"cpumask" in words:
            raise UsageError(
                "a histogram with the key cpumask counts no masks",
                why="the kernel counts the word that locates a mask (data_loc)",
                fix=_FIX,
            )
        if not {b"common_cpu", b"cpu"} <= {*words}:
            raise UsageError(
                f"a histogram with the keys {keys[:80].decode(errors='replace')} "
                "does not say who interrupts whom",
                fix=_FIX,
            )


def _check_totals(text: bytes, counts: list[int]) -> None:
    totals = [(word, int(number)) for word, number in _TOTALS.findall(text)]
    entries = [number for word, number in totals if word == b"Entries"]
    hits = [number for word, number in totals if word == b"Hits"]
    dropped = sum(number for word, number in totals if word == b"Dropped")
    if len(entries) < len(_SIGN.findall(text)):
        raise UsageError("the histogram is cut off", why="its totals are missing")
    if sum(entries) != len(counts) or sum(hits) != sum(counts) + dropped:
        raise UsageError(
            "the histogram is cut off",
            why=f"its totals are {sum(hits)} hits in {sum(entries)} entries, "
            f"and it has {sum(counts)} in {len(counts)}",
        )


def _message(key: dict[bytes, bytes]) -> bytes:
    site = key.get(b"callsite.sym", key.get(b"callsite", b"unknown")).split(b"] ")[-1].strip()
    return b"ipi_send_cpu: cpu=%b callsite=%b callback=unknown" % (key[b"cpu"].strip(), site)


@hookimpl
def pvbench_readers() -> list[Reader]:
    """See `pvbench.hookspecs.pvbench_readers`."""
    summary = "histograms of ipi_send_cpu that the kernel keeps"
    return [Reader(name="histogram", summary=summary, score=score, parse=parse, whole=True)]
