// The tiles only work when everything in them is inlined into one loop.
#pragma once

#define LATHE_INLINE inline __attribute__((always_inline))
#define LATHE_INLINE_LAMBDA __attribute__((always_inline))
