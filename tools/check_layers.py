#!/usr/bin/env python3
"""Holds the ranks of the rooms: a file includes its own room, rooms of lower rank, and the public headers.

Under src/kernels an op includes itself and kernels/common. include/lathe includes nothing of ours but itself.
Tests and benchmarks stand beside their sources and live by the same rule. Usage: check_layers.py [ROOT]
"""
import pathlib
import re
import sys

RANKS = {
    "base": 0,
    "platform": 1, "quant": 1, "tensor": 1,
    "kernels": 2, "gpu": 2,
    "tune": 3, "formats": 3, "tokenize": 3, "ranks": 3,
    "ops": 4, "hub": 4, "sample": 4, "grammar": 4, "chat": 4,
    "models": 5, "probe": 5,
    "run": 6,
    "api": 7,
    "cli": 8, "tests": 8, "bench": 8, "plugins": 8,
}
# Ops under kernels/ that may include another op, each with its reason in docs/architecture.md.
OP_EXCEPTIONS = {}

SUFFIXES = {".cc", ".h"}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def room_of(path):
    """The room of a path relative to the repository: ("base",), ("kernels", "matmul"), ("include",) or None."""
    parts = path.parts
    if parts[:2] == ("include", "lathe"):
        return ("include",)
    if parts[0] == "src":
        parts = parts[1:]
    if len(parts) < 2 or parts[0] not in RANKS:
        return None
    if parts[0] == "kernels":
        return ("kernels", parts[1] if len(parts) > 2 else "common")
    return (parts[0],)


def resolve(root, includer, target):
    """Where an include leads, relative to root; None for a header that is not ours."""
    for base in (includer.parent, pathlib.Path("src"), pathlib.Path("include"), pathlib.Path("cli"), pathlib.Path()):
        candidate = pathlib.Path(base, target)
        if (root / candidate).is_file():
            return candidate
    return None


def forbidden(source, target):
    """Why `source` (a room) may not include `target` (a room), or None where it may."""
    if source == target:
        return None
    if source[0] == "include":
        return "a public header includes public headers only"
    if target[0] == "include":
        return None
    if source[0] == "kernels" and target[0] == "kernels":
        allowed = target[1] == "common" or target[1] in OP_EXCEPTIONS.get(source[1], ())
        return None if allowed else f"kernels/{source[1]} includes itself and kernels/common only"
    if RANKS[target[0]] < RANKS[source[0]] or source[0] == target[0]:
        return None
    return f"{source[0]} has rank {RANKS[source[0]]}, {target[0]} has rank {RANKS[target[0]]}"


def check_file(root, path):
    source = room_of(path)
    if source is None:
        yield f"{path}: no room of the table holds this file"
        return
    for number, line in enumerate((root / path).read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = resolve(root, path, match[1])
        if target is None:
            yield f'{path}:{number}: "{match[1]}" is not a file of the repository; other headers go in <>'
            continue
        room = room_of(target)
        reason = f"{target} is in no room" if room is None else forbidden(source, room)
        if reason:
            yield f'{path}:{number}: may not include "{match[1]}": {reason}'


def check(root):
    files = [p.relative_to(root) for top in ("src", "include", "cli", "plugins", "tests", "bench")
             for p in sorted((root / top).rglob("*")) if p.suffix in SUFFIXES]
    files = [p for p in files if p.parts[:2] != ("tests", "install")]  # a consumer: not of this tree
    return len(files), [problem for p in files for problem in check_file(root, p)]


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    count, problems = check(root)
    print("\n".join(problems + [f"check_layers: {count} files, {len(problems)} problems"]))
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
