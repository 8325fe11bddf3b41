"""check_text must refuse what it is there to refuse. The bad words are put together here, since this file is checked."""
import unittest

import check_text


def problems(text, name="a.cc"):
    return list(check_text.check_bytes(name, text.encode()))


class CheckTextTest(unittest.TestCase):
    def test_ordinary_text_passes(self):
        self.assertEqual(problems("#include <x>\n// a/work/b, 3 #define, &#38; $ROOT/home/x\n#pragma once\n"), [])

    def test_paths_of_one_machine(self):
        for path in ("/wo" + "rk/main", "/ro" + "ot/x", "'/ho" + "me/me/x'", "/tmp/bu" + "ild-x"):
            self.assertEqual(len(problems(f"see {path}\n")), 1, path)

    def test_registry_hosts(self):
        for host in ("deb.deb" + "ian.org", "https://py" + "pi.org/simple"):
            self.assertEqual(len(problems(host)), 1, host)

    def test_tracker_numbers(self):
        for text in ("as in iss" + "ue " + "#" + "1", "fixes #" + "12", "(#" + "7)"):
            self.assertEqual(len(problems(text)), 1, text)

    def test_blanks_and_tabs(self):
        self.assertIn("a.cc:2: a blank", problems("a\nb \n")[0])
        self.assertIn("a.cc:1: a tab", problems("a\tb\n")[0])
        self.assertEqual(problems("all:\n\techo\n", "Makefile"), [])

    def test_large_files(self):
        self.assertEqual(len(problems("\0" * (check_text.LARGEST + 1))), 1)
        self.assertEqual(problems("\0" * check_text.LARGEST), [])
        self.assertEqual(problems("\0" * (check_text.LARGEST + 1), "models/a.gguf"), [])
        self.assertEqual(len(problems("\0" * (check_text.LARGEST_MODEL + 1), "models/a.gguf")), 1)


if __name__ == "__main__":
    unittest.main()
