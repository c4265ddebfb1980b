"""Whether the parts of the resident set add up to it."""

MIB = 1 << 20


def slack(size_bytes):
    """What may stay unexplained of a resident set."""
    return max(size_bytes * 0.02, 4 * MIB)


def check_identity(report):
    """The parts are all of it, and next to nothing of it is unknown. Where the collector looked for the very
    moment, the program's own figure at that mark is a witness."""
    resident = report["resident"]
    parts, rss_bytes = resident["parts"], resident["rss_bytes"]
    assert sum(parts.values()) == rss_bytes
    assert parts["unattributed"] <= slack(rss_bytes), parts
    if resident["at_moment"]:
        witness = report["marks"][-1]["rss_bytes"]
        assert abs(rss_bytes - witness) <= slack(witness), (rss_bytes, witness)
        assert parts["unattributed"] + abs(resident["residual_bytes"]) <= slack(witness), resident


def check_every_look(profile):
    """The same at each moment at which the collector looked: there the program went on meanwhile."""
    looks = profile.section("RSET")
    for look in looks:
        assert look["parts"][-1] <= slack(sum(look["parts"])), look
    return looks
