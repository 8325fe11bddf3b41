// <immintrin.h> for AVX-512 files. GCC 12 takes the undefined vectors inside it for uninitialized variables of ours
// (GCC bug 105593); what a header is warned about is settled where it is included first.
#pragma once

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
