"""check_isa_symbols must refuse what it is there to refuse, in objects that a compiler really made."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import check_isa_symbols

TABLE = "namespace lathe::op { namespace { void f(int* x) noexcept { *x = 1; } }\n" \
        "extern void (*const variants_avx2[1])(int*); void (*const variants_avx2[1])(int*) = {f}; }\n"


class CheckIsaSymbolsTest(unittest.TestCase):
    def problems(self, source):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "op_avx2.cc.o")
            compiler = os.environ.get("CXX", "g++")
            subprocess.run([compiler, "-std=c++20", "-O2", "-fPIC", "-mavx2", "-xc++", "-c", "-", "-o", path],
                           input=source, text=True, check=True)
            self.assertEqual(check_isa_symbols.isa_objects(folder), [path])
            return list(check_isa_symbols.problems_of(check_isa_symbols.symbols(path)))

    def refused(self, source, needle):
        found = self.problems(source)
        self.assertEqual(len(found), 1, found)
        self.assertIn(needle, found[0])

    def test_one_table_and_unnamed_functions_pass(self):
        self.assertEqual(self.problems(TABLE), [])

    def test_a_weak_symbol_is_refused(self):
        self.refused(TABLE + "inline __attribute__((noinline)) int twice(int x) { return 2 * x; }\n"
                     "namespace { __attribute__((used)) int g(int x) { return twice(x); } }\n", "weak symbol twice")

    def test_a_unique_symbol_is_refused(self):
        self.refused(TABLE + "template <class T> struct S { static int x; }; template <class T> int S<T>::x = 1;\n"
                     "namespace { __attribute__((used)) int* g() { return &S<int>::x; } }\n", "weak symbol S<int>::x")

    def test_an_exported_function_is_refused(self):
        self.refused(TABLE + "namespace lathe { int run(int x) { return x; } }\n", "exported symbol lathe::run")

    def test_a_function_with_a_tables_name_is_refused(self):
        self.refused("namespace lathe { int variants_avx2() { return 1; } }\n", "lathe::variants_avx2()")

    def test_a_table_that_is_not_constant_is_refused(self):
        self.refused("namespace lathe { int table_avx2[4]; }\n", "nm type B")

    def test_two_tables_are_refused(self):
        self.refused(TABLE + "namespace lathe { extern const int table_b[1]; const int table_b[1] = {1}; }\n", "2 tables")

    def test_an_initialiser_is_refused(self):
        self.refused(TABLE + "int other(); namespace { int x = other(); __attribute__((used)) int g() { return x; } }\n",
                     "_GLOBAL__sub_I_")

    def test_a_folder_without_such_objects_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run([sys.executable, check_isa_symbols.__file__, folder], capture_output=True, text=True)
        self.assertEqual(run.returncode, 1)
        self.assertIn("nothing was checked", run.stdout)


if __name__ == "__main__":
    unittest.main()
