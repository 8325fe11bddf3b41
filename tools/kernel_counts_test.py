"""The counts and the bound of kernel_counts.py, on code that is small enough to count by hand."""
import unittest

import kernel_counts as counts


def code(*lines):
    """Instructions of four bytes each, from address 0 on."""
    return [counts.Instruction(4 * n, *(line.split(None, 1) + [""])[:2]) for n, line in enumerate(lines)]


# Two rows by 16 columns, AVX2: one k a turn, with two loads of weights and two broadcasts; a loop of prefetches inside.
TILE = code("add $0x40,%rsi",
            "prefetcht1 (%rax)", "jne 4",
            "vmovups (%rsi),%ymm4", "vmovups 0x20(%rsi),%ymm5",
            "vbroadcastss (%rdi),%ymm6", "vfmadd231ps %ymm4,%ymm6,%ymm0", "vfmadd231ps %ymm5,%ymm6,%ymm1",
            "vbroadcastss 0x4(%rdi),%ymm6", "vfmadd231ps %ymm4,%ymm6,%ymm2", "vfmadd231ps %ymm5,%ymm6,%ymm3",
            "jne 0", "ret")


class KernelCounts(unittest.TestCase):
    def test_the_loop_of_the_products_is_found_and_counted(self):
        k, per_k = counts.tile_counts(TILE, rows=2, panels=1, product="vfmadd", bits=32, step=None)
        self.assertEqual(k, 1)
        self.assertEqual(per_k["fma"], 4)
        self.assertEqual(per_k["load"], 4)
        self.assertEqual(per_k["instructions"], 10)  # without the prefetches

    def test_what_was_moved_behind_the_function_is_of_its_loop_alone(self):
        # The loop of prefetches (4, 8, c) leaves by 24 and comes back; the products' loop is 0 to 18.
        moved = code("nop", "prefetcht1 (%rax)", "jne 24", "jne 4", "vfmadd231ps %ymm4,%ymm6,%ymm0",
                     "vfmadd231ps %ymm4,%ymm6,%ymm1", "jne 0", "vfmadd231ps %ymm4,%ymm6,%ymm1", "ret", "nop", "jmp 4")
        inner, outer = counts.loops(moved)
        self.assertEqual((inner.begin, sorted(inner.body)), (1, [1, 2, 3, 9, 10]))
        self.assertEqual((outer.begin, sorted(outer.body)), (0, [0, 1, 2, 3, 4, 5, 6, 9, 10]))
        self.assertEqual([i.mnemonic for i in counts.own(moved, outer, [inner])],
                         ["nop", "vfmadd231ps", "vfmadd231ps", "jne"])

    def test_of_two_sides_of_a_branch_one_is_counted(self):
        branch = code("je 10", "vaddps %ymm0,%ymm1,%ymm1", "nop", "jmp 14", "vaddps %ymm0,%ymm2,%ymm2", "jne 0")
        path = counts.own(branch, counts.Loop(0, range(6)), [])
        self.assertEqual([i.mnemonic for i in path], ["je", "vaddps", "nop", "jmp", "jne"])

    def test_loads_stores_and_moves(self):
        load, store, move, scalar = code("vmovups (%rax),%zmm1", "vmovups %zmm1,0x40(%rax)", "vmovaps %zmm1,%zmm2", "add %rax,%rbx")
        self.assertEqual((load.load, load.store, load.kind), (1, 0, "other"))
        self.assertEqual((store.load, store.store), (0, 1))
        self.assertEqual((move.load, move.store, move.kind), (0, 0, "move"))
        self.assertEqual((scalar.kind, scalar.load), ("other", 0))

    def test_what_shares_pipes_binds_together(self):
        core = {"bits": 256, "load": 2, "store": 1, "issue": 6, "fma": "01", "convert": "01", "iadd": "015"}
        cycles, what = counts.bound({"instructions": 6, "fma": 2, "convert": 2, "iadd": 1, "load": 1}, core, 256)
        self.assertEqual((cycles, what), (2, "pipes of convert+fma"))
        cycles, what = counts.bound({"instructions": 6, "fma": 2, "load": 8}, core, 256)
        self.assertEqual((cycles, what), (4, "loads"))

    def test_an_operation_wider_than_a_pipe_takes_it_twice(self):
        core = {"bits": 256, "load": 2, "store": 1, "issue": 6, "fma": "01"}
        self.assertEqual(counts.bound({"instructions": 4, "fma": 4}, core, 512)[0], 4)


if __name__ == "__main__":
    unittest.main()
