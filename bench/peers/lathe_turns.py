"""lathe as a process that stays alive and is asked for turns (`lathe bench embed` or `generate`, `--interactive`)."""
import json
import subprocess


class Lathe:
    def __init__(self, binary, model, dtype="f32", threads=2, bench="embed"):
        command = [binary, "bench", bench, "-m", str(model), "--dtype", dtype, "--threads", str(threads)]
        self.process = subprocess.Popen([*command, "--interactive"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, encoding="utf-8")

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"lathe ended with {self.process.wait()}; its message stands above")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError("lathe: " + answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()
