#!/usr/bin/env python3
"""Text that has no place in a tracked file: paths of one machine, hosts of package registries, tracker numbers, tabs,
trailing blanks, carriage returns; and no file above 1 MB, or 8 MB of a model that is shipped. Usage: check_text.py [ROOT]
"""
import pathlib
import re
import subprocess
import sys

LARGEST = 1_000_000  # bytes
LARGEST_MODEL, MODELS = 8_000_000, re.compile(r"models/.*\.gguf")
FORBIDDEN = [
    (re.compile(r"(?<![\w.$}~-])/(?:work|root|home|tmp/build)[/-]"), "a path of one machine"),
    (re.compile(r"\b(?:deb|snapshot|security)\.debian\.org|\bpypi\.org|pythonhosted\.org"), "a package registry's host"),
    (re.compile(r"\b(?:issue|pull request|PR) ?#\d+|(?<![\w&#])#\d+\b(?!\.)", re.IGNORECASE), "a tracker number"),
    (re.compile(r"[ \t\r]+$"), "a blank at the end of the line"),
]
TAB = re.compile(r"\t")
MAY_HOLD_TABS = {"Makefile"}
ANY_BYTES = "tests/fuzz/corpus/"  # found by a fuzzer, not written


def check_line(name, line):
    for pattern, what in FORBIDDEN:
        match = pattern.search(line)
        if match:
            yield f"{what}: {match[0]!r}"
    if TAB.search(line) and pathlib.PurePath(name).name not in MAY_HOLD_TABS:
        yield "a tab"


def check_bytes(name, data):
    largest = LARGEST_MODEL if MODELS.fullmatch(name) else LARGEST
    if len(data) > largest:
        yield f"{name}: {len(data)} bytes, at most {largest} are tracked"
    if b"\0" in data or name.startswith(ANY_BYTES):  # not text
        return
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        for problem in check_line(name, line):
            yield f"{name}:{number}: {problem}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    names = [name for name in listed.split("\0") if (root / name).is_file()]
    problems = [problem for name in names for problem in check_bytes(name, (root / name).read_bytes())]
    print("\n".join(problems + [f"check_text: {len(names)} files, {len(problems)} problems"]))
    return 1 if problems or not names else 0


if __name__ == "__main__":
    sys.exit(main())
