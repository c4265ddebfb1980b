"""Sizes as people write them."""

import re

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9,
         "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?i?B)?\s*", re.IGNORECASE)


def parse_size(text):
    """Bytes of 4096, "64MiB" or "1.5 MB"; ValueError for anything else."""
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    match = SIZE.fullmatch(text) if isinstance(text, str) else None
    if not match or (match.group(2) or "").upper() not in UNITS:
        raise ValueError(f"{text!r} is no size; write bytes, or a text like '64MiB'")
    return int(float(match.group(1)) * UNITS[(match.group(2) or "").upper()])


def format_size(size_bytes):
    if size_bytes < 10 * 1024:
        return f"{size_bytes:.0f} B" if size_bytes >= 10 else f"{size_bytes:.3g} B"
    for unit in ("KiB", "MiB", "GiB"):
        size_bytes /= 1024
        if size_bytes < 1024 or unit == "GiB":
            return f"{size_bytes:.1f} {unit}"
