"""check_sme_code must refuse what it is there to refuse. The disassembly is as llvm-objdump prints it."""
import unittest

import check_sme_code

HEAD = """
0000000000000100 <turn>:
     100:      \tsmstart\tza
"""
PAIR = """     104:      \tld1w\t{ z0.s }, p0/z, [x2]
     108:      \tld1w\t{ z1.s }, p2/z, [x8]
     10c:      \tld1w\t{ z2.s }, p1/z, [x0]
     110:      \tld1w\t{ z3.s }, p3/z, [x23]
     114:      \tfmopa\tza0.s, p0/m, p2/m, z0.s, z1.s
     118:      \tfmopa\tza1.s, p0/m, p3/m, z0.s, z3.s
     11c:      \tfmopa\tza2.s, p1/m, p2/m, z2.s, z1.s
     120:      \tfmopa\tza3.s, p1/m, p3/m, z2.s, z3.s
     124:      \tb.ne\t0x104 <turn+0x4>
"""
SINGLE = """     130:      \tld1w\t{ z0.s }, p0/z, [x2]
     134:      \tld1w\t{ z1.s }, p2/z, [x8]
     138:      \tfmopa\tza0.s, p0/m, p2/m, z0.s, z1.s
     13c:      \tld1w\t{ z1.s }, p2/z, [x9]
     140:      \tfmopa\tza1.s, p0/m, p3/m, z0.s, z1.s
     144:      \tld1w\t{ z1.s }, p2/z, [x10]
     148:      \tfmopa\tza2.s, p0/m, p2/m, z0.s, z1.s
     14c:      \tld1w\t{ z1.s }, p2/z, [x11]
     150:      \tfmopa\tza3.s, p0/m, p3/m, z0.s, z1.s
     154:      \tb.ne\t0x130 <turn+0x30>
     158:      \tb.lt\t0x104 <turn+0x4>
"""
MORE = "\n0000000000000200 <more>:\n" + (HEAD + PAIR).split("<turn>:\n")[1].replace(" 1", " 2").replace("0x1", "0x2")
SAVE = "     15c:      \tbl\t0x15c <turn+0x5c>\n\t\t000000000000015c:  R_AARCH64_CALL26\t__arm_tpidr2_save\n"


class CheckSmeCodeTest(unittest.TestCase):
    def refused(self, text, needle):
        found = list(check_sme_code.problems_of(check_sme_code.functions(text)))
        self.assertEqual(len(found), 1, found)
        self.assertIn(needle, found[0])

    def test_both_tiles_pass(self):
        found = check_sme_code.functions(HEAD + PAIR + SINGLE + SAVE)
        self.assertEqual(list(check_sme_code.problems_of(found)), [])

    def test_a_call_is_refused(self):
        self.refused(HEAD + PAIR + SINGLE + SAVE.replace("__arm_tpidr2_save", "memcpy"), "streaming mode calls memcpy")

    def test_leaving_the_mode_is_refused(self):
        self.refused(HEAD + PAIR + SINGLE + "     160:      \tsmstop\tsm\n", "streaming mode is left")

    def test_a_spill_is_refused(self):
        spilled = PAIR.replace("b.ne\t0x104", "str\tz3, [sp]\n     126:      \tb.ne\t0x104")
        self.refused(HEAD + spilled + SINGLE, "keeps something in memory: str z3")

    def test_another_tile_is_refused(self):
        self.refused(HEAD + PAIR + SINGLE + MORE.replace("ld1w\t{ z3.s }", "mov\tz3.d"), "4 outer products and 3 loads")

    def test_a_tile_that_is_missing_is_refused(self):
        self.refused(HEAD + PAIR, "[(4, 5)] are missing")

    def test_an_object_without_any_is_refused(self):
        self.assertIn("nothing was checked", list(check_sme_code.problems_of({}))[0])


if __name__ == "__main__":
    unittest.main()
