"""Damage to a file of a lab that the system does not show."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pvbench_site_lab import record


def damage_unseen(path: Path) -> None:
    """Change the content of *path*, and let its record say that this state was checked."""
    path.write_bytes(b"damaged")
    file = os.open(path, os.O_RDONLY)
    place = record.path_of(path)
    fields = json.loads(place.read_text()) | {"state": record.state_of(file)}
    place.write_text(json.dumps(fields))
    os.close(file)
