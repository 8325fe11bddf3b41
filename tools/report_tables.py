#!/usr/bin/env python3
"""Markdown tables for docs/performance.md from a report of `lathe probe matmul --json REPORT.json`.

usage: tools/report_tables.py REPORT.json
"""
import json
import math
import sys


def by_shape(rows):
    shapes = {}
    for row in rows:
        key = (row["group"], row["shape"], row["m"], row["n"], row["k"], row["types"])
        shapes.setdefault(key, []).append(row)
    return shapes


def best(rows, ours):
    """The fastest passed row of ours, or of the peers; None where there is none."""
    passed = [r for r in rows if r["disposition"] == "passed" and (r["provider"] == "lathe") == ours and r.get("gflops")]
    return max(passed, key=lambda r: r["gflops"], default=None)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def print_groups(shapes):
    ratios = {}
    for key, rows in shapes.items():
        ours, peer = best(rows, True), best(rows, False)
        if ours and peer:
            ratios.setdefault(key[0], []).append(ours["gflops"] / peer["gflops"])
    print("| group | shapes | won | geometric mean | least |\n|---|---|---|---|---|")
    for group, values in ratios.items():
        won = sum(v >= 1 for v in values)
        print(f"| {group} | {len(values)} | {won} | {geometric_mean(values):.2f} | {min(values):.2f} |")
    every = [v for values in ratios.values() for v in values]
    print(f"| all | {len(every)} | {sum(v >= 1 for v in every)} | {geometric_mean(every):.2f} | {min(every):.2f} |")


def print_shapes(shapes):
    print("| shape | M x N x K | W | variant | ms | GFLOP/s | share | of | best peer | ratio |\n" + "|---" * 10 + "|")
    for (group, name, m, n, k, types), rows in shapes.items():
        ours, peer = best(rows, True), best(rows, False)
        if group == "sweep" or not ours:
            continue
        against = f"{peer['provider']} {peer['gflops']:.1f}" if peer else "-"
        ratio = f"{ours['gflops'] / peer['gflops']:.2f}" if peer else "-"
        print(f"| {name} | {m} x {n} x {k} | {types} | {ours['variant']} | {ours['ms']['median']:.4g} | "
              f"{ours['gflops']:.1f} | {100 * ours['share']:.0f} % | {ours['ceiling']} | {against} | {ratio} |")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    shapes = by_shape(report["rows"])
    print_groups(shapes)
    print()
    print_shapes(shapes)


if __name__ == "__main__":
    main()
