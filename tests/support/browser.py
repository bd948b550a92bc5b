"""Pages in headless Chromium: what it shows, runs and asks for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from support.charts import need_charts
from support.require import skip_without

_FLAGS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def need_browser() -> str:
    """The path of Chromium; without it or playwright the test is skipped."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        skip_without("browser", "playwright is not installed", means=True)
    need_charts()
    path = shutil.which("chromium") or ""
    skip_without("browser", None if path else "there is no chromium here", means=True)
    return path


@contextmanager
def opened(page: Path, **options: Any) -> Iterator[Any]:
    """
    *page* in a browser, which counts in ``page.alarms`` what it must not do.

    Args:
        options: those of a browser context, such as ``color_scheme``.
    """
    from playwright.sync_api import sync_playwright

    os.environ.setdefault("TMPDIR", "/tmp")  # noqa: S108 - Chromium's profile
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=need_browser(), args=list(_FLAGS))
        try:
            tab = browser.new_context(**options).new_page()
            tab.alarms = []
            tab.on("dialog", lambda dialog: (tab.alarms.append("dialog"), dialog.dismiss()))
            tab.on("request", lambda asked: _note(tab.alarms, asked.url))
            tab.on("pageerror", lambda error: tab.alarms.append(str(error)))
            tab.on("console", lambda message: tab.alarms.append(message.text))
            tab.goto(page.resolve().as_uri())
            yield tab
        finally:
            browser.close()


def _note(alarms: list[str], url: str) -> None:
    """Any request but that of the page itself is one too many."""
    if not url.startswith("file:"):
        alarms.append(url[:200])
