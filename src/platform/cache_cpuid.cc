#include "platform/machine_detect.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace lathe {

Caches decode_caches(const std::vector<CacheAnswer>& answers) {
  Caches caches;
  for (const CacheAnswer& a : answers) {
    const uint32_t type = a.eax & 31u, level = a.eax >> 5 & 7u;  // type 1 data, 2 instruction, 3 unified
    if (type != 1 && type != 3) continue;
    Cache* cache = level == 1 ? &caches.l1d : level == 2 ? &caches.l2 : level == 3 ? &caches.l3 : nullptr;
    if (cache == nullptr) continue;
    const int64_t line = (a.ebx & 0xfff) + 1, partitions = (a.ebx >> 12 & 0x3ff) + 1, ways = (a.ebx >> 22) + 1;
    cache->bytes = line * partitions * ways * (int64_t{a.ecx} + 1);
    cache->line = static_cast<int>(line);
    cache->shared_by = static_cast<int>(a.eax >> 14 & 0xfff) + 1;
  }
  return caches;
}

#if defined(__x86_64__)

Caches caches_from_cpuid() {
  for (const uint32_t leaf : {0x8000001du, 4u}) {  // AMD's and Intel's, of one form; the other's is absent or empty
    std::vector<CacheAnswer> answers;
    CacheAnswer a;
    uint32_t edx;
    for (uint32_t index = 0; index < 16 && __get_cpuid_count(leaf, index, &a.eax, &a.ebx, &a.ecx, &edx) != 0; ++index) {
      if ((a.eax & 31u) == 0) break;
      answers.push_back(a);
    }
    const Caches caches = decode_caches(answers);
    if (caches.l1d.bytes != 0) return caches;
  }
  return {};
}

#else

Caches caches_from_cpuid() { return {}; }

#endif

}  // namespace lathe
