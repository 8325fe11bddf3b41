"""khr_matrices.cc on a module of a few instructions, and on what is no module."""
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).with_name("khr_matrices.cc")
HEADER = [0x07230203, 0x00010500, 0, 40, 0]
UINT, FALSE, TRUE, A, B, C = 1, 2, 3, 4, 5, 6


def instruction(op, *operands):
    return [(len(operands) + 1) << 16 | op, *operands]


def text(value):
    data = value.encode() + b"\0" * (4 - len(value) % 4)
    return struct.unpack(f"<{len(data) // 4}I", data)


# Capability, extension, an unsigned integer, false and true, matrices A, B, C, two loads, their product, a store.
NV = [*HEADER, *instruction(17, 5357), *instruction(10, *text("SPV_NV_cooperative_matrix")),
      *instruction(21, UINT, 32, 0), *instruction(42, 30, FALSE), *instruction(41, 30, TRUE),
      *instruction(5358, A, 31, 32, 33, 34), *instruction(5358, B, 31, 32, 34, 35), *instruction(5358, C, 36, 32, 33, 35),
      *instruction(5359, A, 10, 20, 21, FALSE, 0), *instruction(5359, B, 11, 20, 21, TRUE, 0),
      *instruction(5361, C, 12, 10, 11, 12), *instruction(5360, 22, 12, 21, FALSE, 0)]
KHR = [*HEADER, *instruction(17, 6022), *instruction(10, *text("SPV_KHR_cooperative_matrix")),
       *instruction(21, UINT, 32, 0), *instruction(43, UINT, 40, 0), *instruction(43, UINT, 41, 1),
       *instruction(43, UINT, 42, 2), *instruction(42, 30, FALSE), *instruction(41, 30, TRUE),
       *instruction(4456, A, 31, 32, 33, 34, 40), *instruction(4456, B, 31, 32, 34, 35, 41),
       *instruction(4456, C, 36, 32, 33, 35, 42), *instruction(4457, A, 10, 20, 40, 21, 0),
       *instruction(4457, B, 11, 20, 41, 21, 0), *instruction(4459, C, 12, 10, 11, 12),
       *instruction(4458, 22, 12, 40, 21, 0)]
KHR[3] = 43  # ids below this


@unittest.skipUnless(shutil.which("c++"), "there is no compiler")
class KhrMatrices(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.tool = pathlib.Path(cls.folder.name) / "khr_matrices"
        subprocess.run(["c++", "-std=c++20", "-o", cls.tool, SOURCE], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_on(self, words):
        module, output = (pathlib.Path(self.folder.name) / name for name in ("module.spv", "words.inc"))
        module.write_bytes(struct.pack(f"<{len(words)}I", *words))
        done = subprocess.run([self.tool, module, output], capture_output=True, text=True, check=False)
        found = [int(word) for word in re.findall(r"\d+", output.read_text())] if done.returncode == 0 else None
        return found, done.stderr

    def test_instructions_become_those_of_khronos(self):
        self.assertEqual(self.run_on(NV)[0], KHR)

    def test_what_is_no_module_or_not_known_is_refused(self):
        for words, why in ((NV[1:], "no SPIR-V module"), (NV[:-1], "ends within"), (HEADER[:3], "no SPIR-V module"),
                           (NV + instruction(5362, UINT, 14, A), "length"),
                           (NV + instruction(5361, C, 13, 11, 10, 12), "two operands"),
                           (NV + instruction(5360, 22, 12, 21, 29), "no constant"),
                           (NV + instruction(5361, C), "has 1 operands")):
            with self.subTest(why):
                self.assertIn(why, self.run_on(words)[1])


if __name__ == "__main__":
    unittest.main()
