"""What memtrace-profile(5) says of figures that stand in several places: they agree."""

import bisect
import collections

from memtrace_profile import RUN_AS_OF_END

ANONYMOUS = 3
FIRST_BLOCK = 48
MOST_HOLDERS = 8
OTHER_STACKS = (1 << 32) - 1


def total(records, field):
    return sum(record[field] for record in records)


def by_stack(pairs):
    sums = collections.Counter()
    for stack, value in pairs:
        sums[stack] += value
    return +sums


def ascending(records):
    """Disjoint ranges in order of their addresses."""
    return all(a["address"] + a.get("bytes", 1) <= b["address"] for a, b in zip(records, records[1:]))


def holder(ranges, addresses, address):
    """The last range that begins at or before an address."""
    at = bisect.bisect_right(addresses, address) - 1
    return ranges[at] if at >= 0 else None


def check_sums(profile):
    run = profile.run
    for figure in ("bytes", "blocks"):
        assert sum(run[f"domain_{figure}"]) == run[f"live_{figure}"]
        assert total(profile.site, f"live_{figure}") == run[f"live_{figure}"]
        assert total(profile.site, f"peak_{figure}") == run[f"peak_{figure}"]
    for domain in range(ANONYMOUS):
        mine = [block for block in profile.blocks if block["domain"] == domain]
        assert len(mine) == run["domain_blocks"][domain]
        assert total(mine, "bytes") == run["domain_bytes"][domain]
    assert len(profile.blocks) == run["block_count"]
    assert total(profile.arna, "bytes") == run["arena_bytes"]
    assert len(profile.arna) == run["arena_count"] <= run["most_arenas"]


def check_stacks(profile):
    """A stack's live bytes are those of its blocks and of its anonymous mappings."""
    mappings = [mapping for mapping in profile.maps if mapping["anonymous"]]
    holds = by_stack((record["stack"], record["bytes"]) for record in profile.blocks + mappings)
    assert holds == by_stack((site["stack"], site["live_bytes"]) for site in profile.site)
    stacks = [site["stack"] for site in profile.site]
    assert stacks == sorted(set(stacks))
    for number, node in enumerate(profile.node, 1):
        assert node["parent"] < number
        assert (node["parent"] == 0) == (node["code"] == 0), "a root is a thread, and nothing else is"


def check_frees(profile):
    pairs = [(record["stack"], record["by"]) for record in profile.free]
    assert pairs == sorted(set(pairs))
    known = range(len(profile.node) + 1)
    assert all(stack in known and (by in known or by == OTHER_STACKS) for stack, by in pairs)
    for figure in ("blocks", "bytes"):
        assert all(record[f"{how}_{figure}"] <= record[figure] for record in profile.free for how in ("gc", "moved"))
        freed = {site["stack"]: site[f"freed_{figure}"] for site in profile.site}
        told = by_stack((record["stack"], record[figure]) for record in profile.free)
        assert all(value <= freed[stack] for stack, value in told.items())
    assert not pairs or profile.info["frees"] == "1"


def check_mapped(profile):
    """Who mapped what: of looks that are there, no more of a part than the look saw of it, most first."""
    looks = {look["time_ns"]: look for look in profile.rset}
    assert [item["time_ns"] for item in profile.rmap] == sorted(item["time_ns"] for item in profile.rmap)
    for time_ns, look in looks.items():
        told = [item for item in profile.rmap if item["time_ns"] == time_ns]
        stacks = [item for item in told if item["stack"] != OTHER_STACKS]
        assert len(stacks) <= 32 and told[:len(stacks)] == stacks
        assert [item["resident_bytes"] for item in stacks] == sorted(
            (item["resident_bytes"] for item in stacks), reverse=True)
        assert len({(item["part"], item["stack"]) for item in told}) == len(told)
        for part, resident_bytes in enumerate(look["parts"]):
            assert sum(item["resident_bytes"] for item in told if item["part"] == part) <= resident_bytes
    assert all(item["time_ns"] in looks and item["resident_bytes"] <= item["bytes"] for item in profile.rmap)
    assert all(item["stack"] in range(len(profile.node) + 1) or item["stack"] == OTHER_STACKS
               for item in profile.rmap)


def check_marks(profile):
    names = [mark["name"] for mark in profile.mark]
    assert len(set(names)) == len(names)
    for index, mark in enumerate(profile.mark):
        live = profile.live_at(index)
        assert sum(size for size, _ in live.values()) == mark["live_bytes"], mark["name"]
        assert sum(blocks for _, blocks in live.values()) == mark["live_blocks"], mark["name"]
    if profile.run["flags"] & RUN_AS_OF_END:
        live = {stack: figures for stack, figures in profile.live_at(as_of_end(profile)).items() if any(figures)}
        assert live == {site["stack"]: (site["live_bytes"], site["live_blocks"])
                        for site in profile.site if site["live_blocks"] or site["live_bytes"]}


def check_map(profile):
    """Blocks lie in pools, pools in arenas, and are counted there."""
    assert ascending(profile.arna) and ascending(profile.pool) and ascending(profile.maps)
    pool_bytes = profile.run["pool_bytes"]
    arena_starts = [arena["address"] for arena in profile.arna]
    pool_starts = [pool["address"] for pool in profile.pool]
    in_arena, bytes_in_arena, in_pool = (collections.Counter() for _ in range(3))
    for pool in profile.pool:
        arena = holder(profile.arna, arena_starts, pool["address"])
        assert pool["address"] % pool_bytes == 0
        assert pool["address"] + pool_bytes <= arena["address"] + arena["bytes"]
    for block in profile.blocks:
        arena = holder(profile.arna, arena_starts, block["address"])
        if not arena or block["address"] >= arena["address"] + arena["bytes"]:
            continue
        pool = holder(profile.pool, pool_starts, block["address"])
        offset = block["address"] - pool["address"] - FIRST_BLOCK
        assert 0 <= offset < pool_bytes - FIRST_BLOCK
        assert offset % (16 * pool["class"]) in (0, 16) and block["bytes"] <= 16 * pool["class"]
        in_arena[arena["address"]] += 1
        bytes_in_arena[arena["address"]] += block["bytes"]
        in_pool[pool["address"]] += 1
    assert in_pool == {pool["address"]: pool["live_blocks"] for pool in profile.pool}
    for arena in profile.arna:
        assert in_arena[arena["address"]] == arena["live_blocks"]
        assert bytes_in_arena[arena["address"]] == arena["live_bytes"]


def check_pins(profile):
    """Each block of an arena in the pin of its stack, with the size of its pool's blocks and its age."""
    if "PINS" not in profile.sections:
        return
    arena_starts = [arena["address"] for arena in profile.arna]
    pool_starts = [pool["address"] for pool in profile.pool]
    expected = {}
    for block in profile.blocks:
        at = bisect.bisect_right(arena_starts, block["address"]) - 1
        if at < 0 or block["address"] >= arena_starts[at] + profile.arna[at]["bytes"]:
            continue
        pool = holder(profile.pool, pool_starts, block["address"])
        pin = expected.setdefault((at, block["stack"]), {"blocks": 0, "block_bytes": 0, "bytes": 0, "windows": []})
        pin["blocks"] += 1
        pin["block_bytes"] += 16 * pool["class"]
        pin["bytes"] += block["bytes"]
        pin["windows"].append(block["window"])
    assert [(pin["arena"], pin["stack"]) for pin in profile.pins] == sorted(expected)
    for pin in profile.pins:
        mine = expected[pin["arena"], pin["stack"]]
        windows = mine.pop("windows")
        assert (min(windows), max(windows)) == (pin["oldest"], pin["newest"]), pin
        assert mine == {figure: pin[figure] for figure in mine}, pin


def as_of_end(profile):
    """The mark that the profile's live blocks are of, None where they are of the last record."""
    if not profile.run["flags"] & RUN_AS_OF_END:
        return None
    return [index for index, mark in enumerate(profile.mark) if mark["base"] == "end" and mark["origin"] == 0][-1]


def largest(pins):
    return sorted(pins, key=lambda pin: (-pin["blocks"], pin["stack"]))[:MOST_HOLDERS]


def check_arenas_are_those_of_end(profile, index):
    """The summary at `end` against the map of the end: figures, pools, size classes and holders."""
    arenas, classes, pools = profile.arenas_at(index), collections.Counter(), collections.defaultdict(list)
    starts = [arena["address"] for arena in profile.arna]
    assert [arena["address"] for arena in arenas] == starts
    for pool in profile.pool:
        pools[bisect.bisect_right(starts, pool["address"]) - 1].append(pool)
        classes[pool["class"], "pools"] += 1
        classes[pool["class"], "blocks"] += pool["live_blocks"]
    for number, (arena, exact) in enumerate(zip(arenas, profile.arna)):
        pins = [pin for pin in profile.pins if pin["arena"] == number]
        for field in ("bytes", "live_bytes", "live_blocks"):
            assert arena[field] == exact[field]
        assert arena["pools"] == len(pools[number])
        assert arena["block_bytes"] == total(pins, "block_bytes")
        assert arena["holder_count"] + arena["other_stacks"] == len(pins)
        assert [holder["stack"] for holder in profile.holders(arena)] == [
            pin["stack"] for pin in largest(pins)][:arena["holder_count"]]
        for holder, pin in zip(profile.holders(arena), largest(pins)):
            assert holder == {field: pin[field] for field in holder}
    assert +classes == {(record["class"], figure): record[figure] for record in profile.mcls
                        if record["mark"] == index for figure in ("pools", "blocks")}


def check_arenas_at_marks(profile):
    if "AMRK" not in profile.sections:
        return
    for index, mark in enumerate(profile.mark):
        arenas = profile.arenas_at(index)
        assert total(arenas, "bytes") == mark["arena_bytes"], mark["name"]
        assert len(arenas) == mark["arena_count"], mark["name"]
        classes = [record for record in profile.mcls if record["mark"] == index]
        assert total(arenas, "pools") == total(classes, "pools")
        assert total(arenas, "live_blocks") == total(classes, "blocks") <= mark["live_blocks"]
        assert total(arenas, "block_bytes") == sum(16 * record["class"] * record["blocks"] for record in classes)
    most = len(profile.arenas_at(None))
    assert profile.run["most_arenas"] * 32 <= most * 33 and most <= profile.run["most_arenas"]
    if as_of_end(profile) is not None:
        check_arenas_are_those_of_end(profile, as_of_end(profile))


def check_audits(profile):
    for audit in profile.audt:
        for figure in ("arenas", "pools", "blocks"):
            assert audit[f"differing_{figure}"] <= audit[figure]
        assert audit["mark"] is None or audit["arenas"] <= profile.mark[audit["mark"]]["arena_count"] or \
            audit["differing_arenas"]
    shown = collections.Counter(difference["audit"] for difference in profile.audd)
    for number, audit in enumerate(profile.audt):
        assert shown[number] <= audit["differing_pools"] + audit["differing_arenas"]


def check_points(profile):
    """The changes up to a point add up to its figures; what is allocated only grows."""
    now, before = {}, None
    for point in profile.pnts:
        changes = profile.point_changes(point)
        stacks = [change["stack"] for change in changes]
        assert stacks == sorted(set(stacks))
        for change in changes:
            assert change["live_blocks"] <= change["total_blocks"]
            assert change["total_blocks"] >= now.get(change["stack"], change)["total_blocks"]
            now[change["stack"]] = change
        for figure in ("live_bytes", "live_blocks"):
            assert total(now.values(), figure) == point[figure], point
        assert total(now.values(), "total_blocks") == point["allocations"], point
        assert before is None or (before["time_ms"] < point["time_ms"] <= profile.run["duration_ms"]
                                  and before["allocations"] <= point["allocations"])
        before = point
    totals = {site["stack"]: site["total_blocks"] for site in profile.site}
    assert all(change["total_blocks"] <= totals[stack] for stack, change in now.items())


def check_lifetimes(profile):
    """Each live block has one age, and no more became old than were freed."""
    blocks = profile.blocks + [mapping for mapping in profile.maps if mapping["anonymous"]]
    stacks = [item["stack"] for item in profile.life]
    assert stacks == sorted(set(stacks))
    assert by_stack((block["stack"], 1) for block in blocks) == by_stack(
        (item["stack"], sum(item["live"])) for item in profile.life)
    assert all(sum(item["freed"]) <= item["freed_blocks"] for item in profile.life)


def check_promises(profile):
    check_lifetimes(profile)
    check_points(profile)
    check_sums(profile)
    check_stacks(profile)
    check_frees(profile)
    check_mapped(profile)
    check_marks(profile)
    check_map(profile)
    check_pins(profile)
    check_arenas_at_marks(profile)
    check_audits(profile)
