#!/usr/bin/env python3
"""Holds the quarantine of instruction-set objects: `x_avx2.cc` exports one constant table and nothing else.

A weak symbol compiled under foreign flags may be the copy the linker keeps for everybody, and an initialiser under
foreign flags runs before main on every machine: either one crashes an older CPU. Looks at a release build only, since
without optimisation every inline function is a weak symbol. Usage: check_isa_symbols.py BUILD_FOLDER
"""
import pathlib
import re
import subprocess
import sys

SOURCES_CMAKE = pathlib.Path(__file__).parent.parent / "cmake" / "LatheSources.cmake"
TABLE = re.compile(r"^lathe::.*(variants|table)_[a-z0-9_]+$")
TABLE_TYPES = "RD"  # constant data; D where it holds pointers to be relocated
WEAK_TYPES = "WVu"
# The address of the unwinder's entry: data, the same bytes under any flags.
HARMLESS = {"DW.ref.__gxx_personality_v0"}


def instruction_sets():
    """The suffixes that mean foreign flags, from the one list of them."""
    return re.search(r"set\(LATHE_ISAS ([^)]*)\)", SOURCES_CMAKE.read_text())[1].split()


def isa_objects(build):
    suffix = re.compile(rf"_({'|'.join(instruction_sets())})\.cc\.o$")
    return sorted(p for p in pathlib.Path(build).rglob("*.o") if suffix.search(p.name))


def symbols(path):
    """(type, demangled name) of what the object defines."""
    out = subprocess.run(["nm", "--defined-only", "--demangle", path], check=True, capture_output=True, text=True)
    return [match.groups() for match in re.finditer(r"^[0-9a-f]* (\w) (.*)$", out.stdout, re.MULTILINE)]


def problems_of(found):
    tables = 0
    for kind, name in found:
        if name in HARMLESS:
            continue
        if kind in WEAK_TYPES:
            yield f"weak symbol {name}: an inline or template function, or a static of one, under foreign flags"
        elif name.startswith("_GLOBAL__sub_I_"):
            yield f"{name}: an initialiser that runs before main under foreign flags; make the data constant"
        elif kind in TABLE_TYPES and TABLE.match(name):
            tables += 1
        elif kind.isupper():
            yield f"exported symbol {name} (nm type {kind}): only one constant table is exported, put it in namespace {{}}"
    if tables > 1:
        yield f"{tables} tables are exported, one is enough"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    objects = isa_objects(sys.argv[1])
    problems = [f"{path.name}: {problem}" for path in objects for problem in problems_of(symbols(path))]
    if not objects:
        problems.append(f"no instruction-set object under {sys.argv[1]}: nothing was checked")
    print("\n".join(problems + [f"check_isa_symbols: {len(objects)} objects, {len(problems)} problems"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
