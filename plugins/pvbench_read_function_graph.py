"""
The tracer function_graph of tracefs, which prints events as comments without times.

Source: Linux, kernel/trace/trace_functions_graph.c, print_graph_comment().
"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.recording.reader import LineForm, Reader, line_reader

pvbench_api = 1

_HEAD = (
    rb"(?: *[0-9]{1,9}\.[0-9]{1,9} \|)? *(?P<cpu>[0-9]{1,5})\) (?P<task>[^|\n]{0,40})\|"
    rb"[^/\n]{0,200}/\* "
)
FORM = LineForm(
    _HEAD,
    notices={"lost": (b"[LOST ", rb"CPU:([0-9]+) \[LOST ([0-9]*) ?EVENTS\]")},
    tail=rb"(?<=\*/)",
    signs=[rb"^# tracer: function_graph"],
)


@hookimpl
def pvbench_readers() -> list[Reader]:
    """See `pvbench.hookspecs.pvbench_readers`."""
    summary = "tracer function_graph with events as comments"
    return [line_reader("function-graph", summary, FORM, masks="hex")]
