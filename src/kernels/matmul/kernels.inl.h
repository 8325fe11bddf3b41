// Everything of a matmul instruction-set file but its lanes and its table: include inside an unnamed namespace of
// lathe::matmul, after the lanes of that instruction set. No symbol of this may leave the object file.
// clang-format off
#include "kernels/matmul/tile_f32.inl.h"
#include "kernels/matmul/tile_s16.inl.h"
#include "kernels/matmul/tile_u7.inl.h"
#include "kernels/matmul/codes.inl.h"
#include "kernels/matmul/tile_codes.inl.h"
#include "kernels/matmul/tile_b16.inl.h"
#include "kernels/matmul/prepare.inl.h"
#include "kernels/matmul/prepare_b16.inl.h"
#include "kernels/matmul/epilogue.inl.h"
#include "kernels/matmul/weights.inl.h"
#include "kernels/matmul/blocked.inl.h"
#include "kernels/matmul/flush.inl.h"
#include "kernels/matmul/blocked_b16.inl.h"
#include "kernels/matmul/rows.inl.h"
// clang-format on
