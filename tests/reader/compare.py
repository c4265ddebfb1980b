"""What memtrace_profile.py reads of a profile against what `memtrace dump --json` prints of it."""

from memtrace_profile import Profile
from promises import check_promises

DOMAINS = ("malloc", "mem", "object")
UNKNOWN = (1 << 64) - 1
NOT_PRINTED = {"reserved", "mark_reserved", "change_start", "change_count", "holder_start", "holder_count"}


def known(value):
    return None if value == UNKNOWN else value


def plain(record):
    return {key: known(value) if not isinstance(value, list) else value
            for key, value in record.items() if key not in NOT_PRINTED}


def node_record(profile, node):
    """As the command prints it: a frame, a thread, or neither."""
    code = profile.code_of(node)
    record = {"id": node["id"], "parent": node["parent"], "code": node["code"], "hidden": 0,
              "file": None, "line": None, "function": None}
    if code:
        hidden = code["first_traced"] != 0 and node["instr"] < code["first_traced"]
        record.update(file=code["file"], line=profile.line(node), function=code["name"], hidden=int(hidden))
    return {**record, ("instr" if node["code"] else "thread"): node["instr"]}


def code_record(code):
    record = {key: code[key] for key in ("id", "file", "first_line", "linetable_kind", "linetable_bytes",
                                         "first_traced")}
    return {**record, "function": code["name"]}


def as_printed(profile):
    """Section -> the records that a dump of this profile should have."""
    changes = [{"mark": index, "stack": change["stack"], "live_bytes": change["live_bytes"],
                "live_blocks": change["live_blocks"]}
               for index, mark in enumerate(profile.mark) for change in profile.changes(mark)]
    return {
        "RUN": [plain(profile.run)],
        "INFO": [{"key": key, "value": value} for key, value in profile.info.items()],
        "THRD": [plain(thread) for thread in profile.thrd],
        "CODE": [code_record(code) for code in profile.code],
        "NODE": [node_record(profile, node) for node in profile.node],
        "SITE": [plain(site) for site in profile.site],
        "LIFE": [plain(lifetime) for lifetime in profile.life],
        "FREE": [plain(freed) for freed in profile.free],
        "MARK": [{"index": index, **plain(mark)} for index, mark in enumerate(profile.mark)],
        "CHNG": changes,
        "WIND": [{"index": index, **plain(window)} for index, window in enumerate(profile.wind)],
        "PNTS": [{"index": index, **plain(point)} for index, point in enumerate(profile.pnts)],
        "RMAP": [plain(item) for item in profile.rmap],
        "RSET": [{"index": index, **plain(item)} for index, item in enumerate(profile.rset)],
        "PCHG": [{"point": index, **plain(change)}
                 for index, point in enumerate(profile.pnts) for change in profile.point_changes(point)],
        "ARNA": [plain(arena) for arena in profile.arna],
        "POOL": [plain(pool) for pool in profile.pool],
        "PINS": [plain(pin) for pin in profile.pins],
        "AMRK": [plain(arena) for arena in profile.amrk],
        "HOLD": [{"mark": arena["mark"], "arena": arena["address"], **holder}
                 for arena in profile.amrk for holder in profile.holders(arena)],
        "MCLS": [plain(record) for record in profile.mcls],
        "AUDT": [plain(audit) for audit in profile.audt],
        "AUDD": [plain(difference) for difference in profile.audd],
        "MAPS": [plain(mapping) for mapping in profile.maps],
        "BLK": [{**block, "domain": DOMAINS[block["domain"]]} for block in profile.blocks],
    }


def compare(path, dump):
    """Raises AssertionError at the first record that isn't the same. `dump`: the command's records."""
    profile = Profile.open(path)
    assert not profile.problems, profile.problems
    expected, printed = as_printed(profile), {}
    for record in dump:
        fields = {key: value for key, value in record.items() if key != "section"}
        printed.setdefault(record["section"].rstrip("_"), []).append(fields)
    assert set(printed) <= set(expected), set(printed) - set(expected)
    for section, records in expected.items():
        got = printed.get(section, [])
        assert len(got) == len(records), (section, len(got), len(records))
        for mine, its in zip(records, got):
            assert mine == its, f"{section}: by the page {mine}, by the command {its}"
    check_promises(profile)
    return profile
