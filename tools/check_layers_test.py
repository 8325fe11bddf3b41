"""check_layers must refuse what it is there to refuse."""
import pathlib
import tempfile
import unittest

import check_layers


class CheckLayersTest(unittest.TestCase):
    def check(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return check_layers.check(root)

    def test_lower_ranks_the_own_room_and_public_headers_may_be_included(self):
        count, problems = self.check({
            "include/lathe/status.h": "",
            "src/base/memory.h": '#include "lathe/status.h"\n',
            "src/kernels/common/simd.h": '#include "base/memory.h"\n',
            "src/kernels/matmul/matmul.h": '#include "kernels/common/simd.h"\n#include <vector>\n',
            "src/kernels/matmul/matmul_test.cc": '#include "kernels/matmul/matmul.h"\n#include "matmul.h"\n',
            "src/ops/matmul.h": '#include "kernels/matmul/matmul.h"\n',
        })
        self.assertEqual((count, problems), (6, []))

    def refused(self, files, file, needle):
        problems = self.check(files)[1]
        self.assertEqual(len(problems), 1, problems)
        self.assertTrue(problems[0].startswith(file), problems)
        self.assertIn(needle, problems[0])

    def test_a_higher_rank_is_refused(self):
        self.refused({"src/ops/a.h": "", "src/base/b.cc": '#include "ops/a.h"\n'}, "src/base/b.cc:1", "rank")

    def test_another_room_of_the_same_rank_is_refused(self):
        self.refused({"src/quant/a.h": "", "src/platform/b.cc": '\n# include "quant/a.h"\n'}, "src/platform/b.cc:2", "rank")

    def test_a_test_beside_its_source_lives_by_the_same_rule(self):
        self.refused({"src/ops/a.h": "", "src/tune/b_test.cc": '#include "ops/a.h"\n'}, "src/tune/b_test.cc:1", "rank")

    def test_one_op_does_not_include_another(self):
        self.refused({"src/kernels/norm/n.h": "", "src/kernels/rope/r.cc": '#include "kernels/norm/n.h"\n'},
                     "src/kernels/rope/r.cc:1", "kernels/rope includes itself")

    def test_the_common_kernels_do_not_include_an_op(self):
        self.refused({"src/kernels/norm/n.h": "", "src/kernels/common/c.h": '#include "kernels/norm/n.h"\n'},
                     "src/kernels/common/c.h:1", "kernels/common")

    def test_a_public_header_includes_no_inner_one(self):
        self.refused({"src/base/b.h": "", "include/lathe/a.h": '#include "base/b.h"\n'}, "include/lathe/a.h:1", "public")

    def test_a_header_that_is_not_there_is_refused(self):
        self.refused({"src/base/b.cc": '#include "nowhere.h"\n'}, "src/base/b.cc:1", "not a file")

    def test_a_file_in_no_room_is_refused(self):
        self.refused({"src/attic/b.cc": ""}, "src/attic/b.cc", "no room")


if __name__ == "__main__":
    unittest.main()
