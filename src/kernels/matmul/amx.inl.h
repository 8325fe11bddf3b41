// Everything of AMX but its lanes V, a name of the file that includes this, behind kernels.inl.h.
// clang-format off
#include "kernels/matmul/amx_tiles.inl.h"
#include "kernels/matmul/amx_prepare.inl.h"
#include "kernels/matmul/amx_blocks.inl.h"
#include "kernels/matmul/amx_sums.inl.h"
#include "kernels/matmul/amx_b16.inl.h"
#include "kernels/matmul/amx_rows.inl.h"
// clang-format on
