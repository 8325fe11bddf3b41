#!/usr/bin/env python3
"""What no test sees of the code for SME, in the disassembly of matmul_sme.cc:
streaming mode calls no plain function (the compiler would leave the mode around the call, and save ZA), and the tiles are
what they are meant to be: four outer products for four loads (two vectors of rows by two of columns) or five (one by
four), nothing of them in memory in between. Usage: check_sme_code.py OBJECT [OBJDUMP]
"""
import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(\S+)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
CALLED = re.compile(r"R_AARCH64_(?:CALL|JUMP)26\s+([^\s+]+)")
BACK = re.compile(r"^(?:b(?:\.\w+)?|cbn?z|tbn?z)$")
TARGET = re.compile(r"0x([0-9a-f]+)")
PRODUCT = re.compile(r"^(?:fmopa|[su]*mopa)$")
LOAD = re.compile(r"^ld1\w+$")
MEMORY = re.compile(r"^(?:ld|st)")
# Saves the ZA of a caller that has one; taken once, before the first product.
ALLOWED_CALLS = {"__arm_tpidr2_save"}
# What tiles must be, (outer products, loads).
TILES = {(4, 4), (4, 5)}


def functions(text):
    """{name: [(address, mnemonic, operands)]}, calls as operands."""
    found, current = {}, None
    for line in text.splitlines():
        if match := FUNCTION.match(line):
            current = found.setdefault(match[1], [])
        elif current is not None and (match := CALLED.search(line)):
            address, mnemonic, _ = current.pop()
            current.append((address, mnemonic, match[1]))
        elif current is not None and (match := INSTRUCTION.match(line)):
            current.append((int(match[1], 16), match[2], match[3]))
    return found


def streams(code):
    return any(op == "smstart" and args == "za" for _, op, args in code)


def inner_loops(code):
    """The instructions of each loop that holds outer products and no other such loop."""
    loops = []
    for at, (address, op, args) in enumerate(code):
        target = TARGET.search(args) if BACK.match(op) else None
        if not target or int(target[1], 16) >= address:
            continue
        body = [i for i in code[: at + 1] if i[0] >= int(target[1], 16)]
        if any(PRODUCT.match(i[1]) for i in body) and not any(loop[0][0] >= body[0][0] for loop in loops):
            loops.append(body)
    return loops


def tile_of(loop):
    return sum(bool(PRODUCT.match(op)) for _, op, _ in loop), sum(bool(LOAD.match(op)) for _, op, _ in loop)


def spills(loop):
    """Memory that a loop uses beside the loads of its vectors."""
    return [f"{op} {args}" for _, op, args in loop if MEMORY.match(op) and not LOAD.match(op)]


def problems_of(found):
    entries = {name: code for name, code in found.items() if streams(code)}
    if not entries:
        yield "no function turns ZA on: nothing was checked"
    for name, code in entries.items():
        for _, op, args in code:
            if op == "bl" and args not in ALLOWED_CALLS:
                yield f"{name}: streaming mode calls {args}"
            if op == "blr" or (op == "smstop" and args == "sm"):
                yield f"{name}: streaming mode is left for a call ({op} {args})"
        loops = inner_loops(code)
        for loop in loops:
            if spilled := spills(loop):
                yield f"{name}: the loop at {loop[0][0]:x} keeps something in memory: {', '.join(spilled)}"
        for loop in loops:
            if tile_of(loop) not in TILES:
                yield f"{name}: the loop at {loop[0][0]:x} is %d outer products and %d loads" % tile_of(loop)
    seen = {tile_of(loop) for code in entries.values() for loop in inner_loops(code)}
    if entries and not TILES <= seen:
        yield f"loops of (outer products, loads) {sorted(TILES - seen)} are missing"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    objdump = sys.argv[2] if len(sys.argv) == 3 else "llvm-objdump-19"
    command = [objdump, "-dr", "--mattr=+all", "--no-show-raw-insn", sys.argv[1]]
    found = functions(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    problems = list(problems_of(found))
    loops = [tile_of(loop) for code in found.values() if streams(code) for loop in inner_loops(code)]
    count = ", ".join(f"{loops.count(tile)} of {tile[0]} outer products and {tile[1]} loads" for tile in sorted(set(loops)))
    print("\n".join(problems + [f"check_sme_code: loops: {count or 'none'}; {len(problems)} problems"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
