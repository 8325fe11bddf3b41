#!/usr/bin/env python3
"""What the register tiles of matmul cost in instructions, and what that leaves of a core's peak.

Reads the disassembly of a release (or cross) build: in each tile function of full height it finds the loop with the most
products, counts its instructions, and bounds the cycles of a turn by the units of named cores: for every set of pipes,
the instructions that can go nowhere else over the number of pipes; loads, stores and issue likewise. Prints a Markdown
table. Usage: kernel_counts.py BUILD_FOLDER [CORE...]
"""
import itertools
import math
import pathlib
import re
import subprocess
import sys

# Of a core: bits of a vector operation that a pipe does in a cycle; pipes by kind of instruction; per cycle: loads and
# stores of whole vectors, instructions. Sources: AMD, Software Optimization Guide for Family 19h (56665 and 57647);
# uops.info and Agner Fog's tables for Zen 3, Zen 4, Alder Lake P; Intel, Optimization Reference Manual (248966), chapters
# on Golden Cove and AMX; Arm, Neoverse V1 Software Optimization Guide; D. Johnson's measurements of Firestorm (Apple M1).
CORES = {
    "zen3": {"isas": ["avx2"], "bits": 256, "load": 2, "store": 1, "issue": 6,
             "fma": "01", "fmul": "01", "fadd": "23", "imul": "03", "iadd": "0123", "convert": "23", "shuffle": "12"},
    "zen4": {"isas": ["avx2", "avx512", "avx512_vnni"], "bits": 256, "load": 2, "store": 1, "issue": 6,
             "fma": "01", "fmul": "01", "fadd": "23", "imul": "03", "dot": "01", "iadd": "0123", "convert": "23",
             "shuffle": "12"},
    "golden_cove": {"isas": ["avx2", "avx_vnni"], "bits": 256, "load": 3, "store": 2, "issue": 6,
                    "fma": "01", "fmul": "01", "fadd": "15", "imul": "01", "dot": "01", "iadd": "015", "convert": "01",
                    "shuffle": "15"},
    "golden_cove_512": {"isas": ["avx512", "avx512_vnni", "amx"], "bits": 512, "load": 2, "store": 1, "issue": 6,
                        "fma": "05", "fmul": "05", "fadd": "05", "imul": "05", "dot": "05", "iadd": "05",
                        "convert": "05", "shuffle": "5"},
    "neoverse_v1": {"isas": ["neon", "dotprod"], "bits": 128, "load": 3, "store": 2, "issue": 8,
                    "fma": "0123", "fmul": "0123", "fadd": "0123", "imul": "02", "dot": "0123", "iadd": "0123",
                    "convert": "02", "shuffle": "0123"},
    "apple_m1": {"isas": ["neon", "dotprod"], "bits": 128, "load": 3, "store": 2, "issue": 8,
                 "fma": "0123", "fmul": "0123", "fadd": "0123", "imul": "0123", "dot": "0123", "iadd": "0123",
                 "convert": "0123", "shuffle": "0123"},
}
# A tile product occupies its unit for as many cycles as A has rows; a tile is loaded by the row, two a cycle, and stored
# by the row, one a cycle (measured on a Sapphire Rapids: 16, 8, 16 cycles for 16 rows).
TILE_ROWS = 16

# Mnemonic -> kind; the first match counts. x86, then AArch64.
KINDS = [(re.compile(pattern), kind) for pattern, kind in [
    (r"tdp", "tile"), (r"tileload", "tile_load"), (r"tilestore", "tile_store"), (r"tilezero", "other"),
    (r"vfn?m(add|sub)\d*ps", "fma"), (r"vpdp", "dot"), (r"vpmadd", "imul"), (r"vmulps", "fmul"), (r"v(add|sub)ps", "fadd"),
    (r"vcvt", "convert"), (r"vp(add|sub|and|or|xor|srl|sll|sra|min|max)", "iadd"), (r"v(and|or|xor)ps", "iadd"),
    (r"v(movaps|movups|movdq\w*|movaps)$", "move"), (r"vp?(broadcast|shuf|unpck|perm|extract|insert)", "shuffle"),
    (r"(fmla|fmls)$", "fma"), (r"[su]dot$|usdot$|[su]mmla$|usmmla$", "dot"), (r"[su]m(ull|lal|lsl)2?$", "imul"),
    (r"fmul$", "fmul"), (r"f(add|sub)$", "fadd"), (r"[su]cvtf$|fcvt", "convert"),
    (r"(add|sub|and|orr|eor|[su]adalp|[su]shll?2?|sxtl2?|uxtl2?|sshr|ushr|shl|movi)$", "iadd"),
    (r"(dup|zip\d|uzp\d|trn\d|ext|tbl)$", "shuffle"),
]]
VECTOR = {"fma", "fmul", "fadd", "imul", "dot", "iadd", "convert", "shuffle"}

# (name, function, what counts as a product, bits of an operand of it, columns of the panels, k of a step of the chain).
# R, P: rows and panels among the template arguments.
TILES = [
    ("f32", r"tile_f32_entry<\w+, (?P<R>\d+), (?P<P>\d+), float>", r"vfn?madd\d+ps|fmla", 32, None),
    ("a16", r"tile_s16_entry<\w+, (?P<R>\d+), true>", r"vpmaddwd|vpdpwssd|[su]mlal2?|[su]mull2?", 16, 32),
    ("a16r, s32", r"tile_s16_entry<\w+, (?P<R>\d+), false>", r"vpmaddwd|vpdpwssd|[su]mlal2?|[su]mull2?", 16, None),
    ("a7", r"tile_u7_entry<\w+, (?P<R>\d+)>", r"vpmaddubsw|vpdpbusd|[su]dot|[su]mlal2?|[su]mull2?", 8, 32),
    ("a8 q4", r"tile_codes_entry<\w+, 8, 32, (?P<R>\d+)>", r"vpmaddubsw|vpdpbusd|[su]dot|[su]mlal2?|[su]mull2?", 8, 32),
    ("a8 q5_k", r"tile_codes_entry<\w+, 4, 32, (?P<R>\d+)>", r"vpmaddubsw|vpdpbusd|[su]dot|[su]mlal2?|[su]mull2?", 8, 16),
    ("a8 q6_k", r"tile_codes_entry<\w+, 2, 16, (?P<R>\d+)>", r"vpmaddubsw|vpdpbusd|[su]dot|[su]mlal2?|[su]mull2?", 8, 8),
]
# And the k of a tile product.
AMX_TILES = [
    ("a16", r"tile_turns<\w+, TileA16<\w+>, (?P<B>\d+)>", 32),
    ("a7", r"tile_turns<\w+, TileA7<\w+>, (?P<B>\d+)>", 32),
    ("a8 q4", r"tile_turns<\w+, TileA8<\w+, CodesQ4K>, (?P<B>\d+)>", 32),
    ("a8 q5_k", r"tile_turns<\w+, TileA8<\w+, CodesQ5K>, (?P<B>\d+)>", 16),
    ("a8 q6_k", r"tile_turns<\w+, TileA8<\w+, CodesQ6K>, (?P<B>\d+)>", 8),
    ("s32", r"tile_sums<TileS8, 2, 2>", 64),
    ("a16r", r"tile_sums<TileSplit, 2, 2>", 64),
]
ISAS = ["avx2", "avx_vnni", "avx512", "avx512_vnni", "amx", "neon", "dotprod"]


class Instruction:
    def __init__(self, address, mnemonic, operands):
        self.address, self.mnemonic, self.operands = address, mnemonic, operands
        self.kind = next((kind for pattern, kind in KINDS if pattern.match(mnemonic)), "other")
        self.load = self.store = 0
        self.rows = TILE_ROWS  # of a tile, where it is one
        self.bits = 512 if "%zmm" in operands else 256 if "%ymm" in operands else 128
        if re.match(r"ld[rpnu1]|ldur", mnemonic):
            self.kind, self.load = "other", 2 if mnemonic == "ldp" else 1
        elif re.match(r"st[rpnu1]|stur", mnemonic):
            self.kind, self.store = "other", 2 if mnemonic == "stp" else 1
        elif "(" in operands and not mnemonic.startswith(("lea", "prefetch", "nop", "tile")):
            stores = operands.endswith(")") and mnemonic.startswith(("mov", "vmov", "vextract", "vcvtps2ph"))
            self.load, self.store = int(not stores), int(stores)
            if self.kind in ("move", "shuffle"):  # of a load: the load port does it
                self.kind = "other"
        elif self.kind not in VECTOR | {"tile", "tile_load", "tile_store", "move"}:
            self.kind = "other"
        if re.match(r"(add|sub|and|orr|eor|movi|dup)$", mnemonic) and not re.search(r"\bv\d+\.", operands):
            self.kind = "other"


def functions(path):
    """name -> instructions, of the tiles in an object."""
    head = path.read_bytes()[:20]
    tool = "aarch64-linux-gnu-objdump" if head[18] == 0xB7 else "objdump"
    text = subprocess.run([tool, "-d", "-C", "--no-show-raw-insn", path], check=True, capture_output=True, text=True).stdout
    found, current = {}, None
    for line in text.splitlines():
        if match := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            name = match[1].replace("lathe::matmul::(anonymous namespace)::", "")
            current = found.setdefault(name, []) if "tile_" in name else None
        elif current is not None and (match := re.match(r"\s*([0-9a-f]+):\s+(?:(?:rep|lock|data16|cs) )*(\S+)\s*(.*)", line)):
            operands = re.sub(r"\s*(#|//|<).*", "", match[3]).strip()
            mnemonic = match[2].replace("{vex}", "").strip() or operands.split()[0]
            current.append(Instruction(int(match[1], 16), mnemonic, operands))
    return found


def successors(code):
    """Of each instruction the indices of those that may follow it within the function."""
    index = {i.address: n for n, i in enumerate(code)}
    after = []
    for n, i in enumerate(code):
        ends = re.match(r"(jmp|b|ret)$", i.mnemonic)
        follow = [n + 1] if n + 1 < len(code) and not ends else []
        target = re.search(r"(?:^|\s|,)([0-9a-f]+)$", i.operands) if re.match(r"j|b$|b\.|cb|tb", i.mnemonic) else None
        if target and int(target[1], 16) in index:
            follow.append(index[int(target[1], 16)])
        after.append(follow)
    return after


class Loop:
    """The indices of a loop's instructions, which code that was moved behind the function's end may be among."""

    def __init__(self, begin, body):
        self.begin, self.body = begin, frozenset(body)

    def of(self, code):
        return [code[n] for n in sorted(self.body)]


def loops(code):
    """The natural loops, innermost first: an edge back is one to an instruction that led there."""
    after, latches = successors(code), {}
    on_path, seen, stack = {0}, {0}, [(0, iter(after[0]))] if code else []
    while stack:
        n, rest = stack[-1]
        following = next(rest, None)
        if following is None:
            on_path.discard(n)
            stack.pop()
        elif following in on_path:
            latches.setdefault(following, []).append(n)
        elif following not in seen:
            seen.add(following)
            on_path.add(following)
            stack.append((following, iter(after[following])))
    before = [[] for _ in code]
    for n, follow in enumerate(after):
        for m in follow:
            before[m].append(n)
    found = []
    for begin, waiting in latches.items():
        body = {begin}
        while waiting:
            n = waiting.pop()
            if n not in body:
                body.add(n)
                waiting += before[n]
        found.append(Loop(begin, body))
    return sorted(found, key=lambda loop: len(loop.body))


def own(code, loop, inner):
    """Instructions of one turn of `loop` that are in none of `inner`: of two sides of a branch the one that falls through."""
    after, path, n, seen = successors(code), [], loop.begin, set()
    while n in loop.body and n not in seen:
        seen.add(n)
        entered = next((other for other in inner if other.begin == n), None)
        if entered:
            exits = [m for k in sorted(entered.body) for m in after[k] if m not in entered.body and m in loop.body]
            n = exits[0] if exits else -1
            continue
        path.append(code[n])
        n = next((m for m in after[n] if m in loop.body), -1)
    return path


def multiplications(i, product, bits):
    return i.bits // bits if re.match(product, i.mnemonic) else 0


def count(instructions):
    total = {"instructions": len(instructions)}
    for i in instructions:
        total[i.kind] = total.get(i.kind, 0) + i.rows / TILE_ROWS
        total["load"] = total.get("load", 0) + i.load
        total["store"] = total.get("store", 0) + i.store
    return total


def scaled(counts, factor):
    return {key: value * factor for key, value in counts.items()}


def added(*all_counts):
    return {key: sum(c.get(key, 0) for c in all_counts) for key in {key for c in all_counts for key in c}}


def inside(a, b):
    return a.body < b.body


def tile_counts(code, rows, panels, product, bits, step):
    """Counts per k of a register tile: its innermost loop, and what the end of a step of the chain adds.

    Loops without products inside it (prefetches of what comes next) are left out: how often they run is the caller's.
    """
    every = loops(code)
    products = {l: sum(multiplications(i, product, bits) for i in l.of(code)) for l in every}
    inner = [l for l in every if products[l] and not any(inside(m, l) and products[m] for m in every)]
    most = max(inner, key=lambda l: (products[l], -len(l.body)))
    k = products[most] / (rows * panels * 16)
    per_k = scaled(count(own(code, most, [l for l in every if inside(l, most)])), 1 / k)
    around = next((l for l in every if inside(most, l)), None)
    if step and k < step and around:
        rest = own(code, around, [l for l in every if inside(l, around)])
        per_k = added(per_k, scaled(count(rest), 1 / step))
    return k, per_k


def bound(counts, core, bits):
    """(cycles, what binds), by the units of a core."""
    slots = max(1, bits // core["bits"])  # of a pipe that an instruction takes
    limits = {"issue": counts["instructions"] / core["issue"],
              "loads": counts.get("load", 0) * slots / core["load"] + counts.get("tile_load", 0) * TILE_ROWS / 2,
              "stores": counts.get("store", 0) * slots / core["store"] + counts.get("tile_store", 0) * TILE_ROWS,
              "tiles": counts.get("tile", 0) * TILE_ROWS}
    kinds = [kind for kind in VECTOR if counts.get(kind) and kind in core]
    pipes = sorted(set("".join(core[kind] for kind in kinds)))
    for size in range(1, len(pipes) + 1):
        for chosen in itertools.combinations(pipes, size):
            held = [kind for kind in kinds if set(core[kind]) <= set(chosen)]
            cycles = sum(counts[kind] for kind in held) * slots / size
            if cycles > limits.get("pipes", 0):
                limits["pipes"], names = cycles, held
    if "pipes" in limits:
        limits["pipes of " + "+".join(sorted(names))] = limits.pop("pipes")
    what = max(limits, key=limits.get)
    return limits[what], what


def best_of(found, pattern):
    """The function of most rows and panels (or blocks) that the pattern finds."""
    matches = [(match, code) for name, code in found.items() if (match := re.search(pattern, name))]
    size = lambda item: math.prod(int(v) for v in item[0].groupdict().values())
    return max(matches, key=size, default=None)


def table_rows(isa, found):
    """(isa, numerics, tile, counts per k, product kind, peak products per k, bits)."""
    bits = {"avx2": 256, "avx_vnni": 256, "neon": 128, "dotprod": 128}.get(isa, 512)
    for name, pattern, product, operand, step in TILES if isa != "amx" else []:
        best = best_of(found, pattern)
        if best is None:
            continue
        rows, panels = int(best[0]["R"]), int(best[0].groupdict().get("P") or 1)
        k, per_k = tile_counts(best[1], rows, panels, product, operand, step)
        kind = next(i.kind for i in best[1] if re.match(product, i.mnemonic))
        yield isa, name, f"{rows} x {16 * panels}", per_k, kind, rows * panels * 16 * operand / bits, bits


def amx_rows(found):
    for name, pattern, step in AMX_TILES:
        best = best_of(found, pattern)
        if best is None:
            continue
        code = best[1]
        for i in code:  # tmm6 and tmm7 hold weights: a row for four k
            if i.kind == "tile_load" and re.search(r"tmm[67]", i.operands):
                i.rows = step / 4
        every = loops(code)
        planes = 2 if name in ("a16", "a16r") else 1
        if "tile_sums" in pattern:
            loop = max(every, key=lambda l: sum(i.kind == "tile" for i in l.of(code)))
            k, turn, outputs = 64, count(loop.of(code)), 4 // planes
        else:  # the rows of what is pending are loops between the products, which together make 16 turns
            group = min((l for l in every if any(i.kind == "tile" for i in l.of(code))), key=lambda l: len(l.body))
            within = [l for l in every if inside(l, group)]
            row = next(l for l in within if any(i.kind == "fma" for i in l.of(code)))
            turn = added(count(own(code, group, within)), scaled(count(row.of(code)), TILE_ROWS))
            k, outputs = 32 * int(best[0]["B"]), 1
        tile = {"s32": "32 x 32", "a16r": "16 x 32"}.get(name, "16 x 16")
        yield "amx", name, tile, scaled(turn, 1 / k), "tile", outputs * planes / 64 * TILE_ROWS, 512


def products_rate(kind, core, bits):
    return 1 if kind == "tile" else len(core[kind]) / max(1, bits // core["bits"])


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    objects = {isa: path for isa in ISAS
               for path in pathlib.Path(sys.argv[1]).rglob(f"src/kernels/matmul/matmul_{isa}.cc.o")}
    if not objects:
        sys.exit(f"kernel_counts: no matmul_<isa>.cc.o under {sys.argv[1]}: build lathe there first")
    wanted = sys.argv[2:] or list(CORES)
    head = ["kernel", "tile", "products", "loads", "other vector", "all", "loads per product"]
    lines = []
    for isa, path in objects.items():
        found = functions(path)
        for isa, name, tile, c, kind, peak, bits in amx_rows(found) if isa == "amx" else table_rows(isa, found):
            vector = sum(c.get(k, 0) for k in VECTOR if k != kind)
            loads = c.get("load", 0) + c.get("tile_load", 0)
            cells = [f"{isa} {name}", tile, f"{c[kind]:.{3 if isa == 'amx' else 2}f}", f"{loads:.2f}", f"{vector:.2f}", f"{c['instructions']:.2f}",
                     f"{loads / c[kind]:.2f}"]
            for core_name in wanted:
                core = CORES[core_name]
                if isa not in core["isas"]:
                    cells.append("")
                    continue
                cycles, what = bound(c, core, bits)
                share = peak / products_rate(kind, core, bits) / cycles
                cells.append(f"{share:.2f} ({what})")
            lines.append(cells)
    print("| " + " | ".join(head + wanted) + " |")
    print("|" + "---|" * (len(head) + len(wanted)))
    for cells in lines:
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
