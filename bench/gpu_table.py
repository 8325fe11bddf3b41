#!/usr/bin/env python3
"""For bench/gpu_report.sh: the products that it probes, and the table of what came out against the targets.

  gpu_table.py shapes [--small]      a shapes file of lathe probe matmul, on standard output
  gpu_table.py table OUT_DIR [...]   Markdown; what follows are the flags that made sizes smaller
"""
import json
import pathlib
import sys

QWEN = (("gate+up", 9728, 896), ("down", 896, 4864), ("attention out", 896, 896), ("qkv", 1152, 896),
        ("logits", 151936, 896))
STORIES = (("gate+up", 1536, 288), ("down", 288, 768), ("attention out", 288, 288), ("qkv", 864, 288),
           ("logits", 32000, 288))
# Weights of 75 MiB in q4_0 and more, and the probe reads another copy with every dispatch.
LARGE = (("16384x8192", 16384, 8192),)


def shapes(small):
    cut = 16 if small else 1  # on either side
    found = []
    for source, linears, types in (("large", LARGE, ("f32", "f16", "q8_0", "q4_0")),
                                   ("Qwen2.5-0.5B", QWEN, ("f32", "f16", "q8_0")), ("stories15M", STORIES, ("f16", "q8_0"))):
        for name, n, k in linears:
            for kind in types[:1] if small else types:
                found.append({"name": f"{name} {kind}", "m": 1, "n": n // cut, "k": k // cut, "layout": "nk",
                              "types": kind, "epilogue": "none", "from": source})
    return found


def read(path):
    return json.loads(path.read_text()) if path.exists() else None


def verdict(met, on_cpu):
    return "" if on_cpu else "met" if met else "**missed**"


def fastest(rows, source, provider):
    """Of each shape of a source the row of least time."""
    best = {}
    for row in rows:
        if row["from"] == source and row["provider"] == provider and row["disposition"] == "passed":
            if row["shape"] not in best or row["ms"]["median"] < best[row["shape"]]["ms"]["median"]:
                best[row["shape"]] = row
    return best


def size(row):
    return f"1 x {row['n']} x {row['k']} {row['shape'].split()[-1]}"


def probe_lines(probe, on_cpu):
    rows = probe["rows"]
    for row in fastest(rows, "large", "lathe").values():
        share = row["share"]
        yield (f"{size(row)}, of the bandwidth of copying", f"{100 * share:.1f} % ({row['variant']})", "85 %",
               verdict(share >= 0.85, on_cpu))
    ours, theirs = fastest(rows, "Qwen2.5-0.5B", "lathe"), fastest(rows, "Qwen2.5-0.5B", "cublas")
    for shape, row in ours.items():
        if not shape.endswith(" f32"):
            continue
        what = f"Qwen2.5-0.5B {shape.removesuffix(' f32')}, {size(row)}, against cuBLAS"
        if shape not in theirs:
            refused = [r["reason"] for r in rows if r["shape"] == shape and r["provider"] == "cublas"]
            yield what, "-", "1.0x", refused[0] if refused else "no device of NVIDIA's"
            continue
        ratio = theirs[shape]["ms"]["median"] / row["ms"]["median"]
        yield what, f"{ratio:.2f}x ({row['variant']})", "1.0x", verdict(ratio >= 1, on_cpu)


def decoder_lines(out, copy, on_cpu):
    for path in sorted(out.glob("*.json")):
        report = read(path)
        if not isinstance(report, dict) or report.get("format") != "lathe-bench-generate-device":
            continue
        name = path.stem
        answers = [t for t in report["tests"] if t["test"].startswith("tg") and "drawn" not in t["test"]][0]
        wanted = name.startswith("qwen")
        yield f"{name}, tokens/s of an answer", f"{answers['tokens_per_s']:.1f}", "", ""
        if copy:
            share = answers["weight_gbps"] / copy
            yield (f"{name}, weights read, of the bandwidth of copying", f"{100 * share:.1f} %", "60 %" if wanted else "",
                   verdict(share >= 0.6, on_cpu) if wanted else "")
        ratio = report["dispatch"]["op_ratio"]
        yield (f"{name}, --dispatch op / model", f"{ratio:.2f}x (layer {report['dispatch']['layer_ratio']:.2f}x)",
               "2x" if wanted else "", verdict(ratio >= 2, on_cpu) if wanted else "")
        yield f"{name}, rows from the plan", f"{report['products']['from_plan']} of {len(report['products']['rows'])}", "", ""


def encoder_lines(out):
    report = read(out / "minilm.f16.json")
    for scenario in report["scenarios"] if report else ():
        ways = scenario["dispatch"]
        yield f"minilm {scenario['scenario']}, texts/s", f"{scenario['texts_per_s']:.1f}", "", ""
        yield (f"minilm {scenario['scenario']}, --dispatch op / model",
               f"{ways['op_us'] / ways['model_us']:.2f}x (layer {ways['layer_us'] / ways['model_us']:.2f}x)", "", "")


def table(out, said):
    probe, decoder = read(out / "probe.json"), read(out / "qwen2.5-0.5b.f16.json")
    print(f"# {decoder['device']}, {decoder['driver']} {decoder['driver_version']}\n")
    on_cpu = decoder["device_kind"] == "cpu"
    if on_cpu:
        print("This device computes on the CPU: nothing here is a GPU's time, and no target is one of it.\n")
    if "--small" in said:
        print("A try at small sizes: the products have a sixteenth of their sides, the models two layers.\n")
    elif said:
        print(f"Qwen2.5-0.5B's shape was cut: {' '.join(said)}.\n")
    copy = probe["device"]["copy_gbps"] if probe else 0
    if copy:
        print(f"Copying from buffer to buffer reads and writes {copy:.1f} GB/s.\n")
    print("| what | found | target | |\n|---|---|---|---|")
    lines = list(probe_lines(probe, on_cpu)) if probe else []
    for line in lines + list(decoder_lines(out, copy, on_cpu)) + list(encoder_lines(out)):
        print("| " + " | ".join(line) + " |")


def main():
    if sys.argv[1:2] == ["shapes"]:
        print(json.dumps(shapes("--small" in sys.argv), indent=1))
    elif sys.argv[1:2] == ["table"] and len(sys.argv) > 2:
        table(pathlib.Path(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
