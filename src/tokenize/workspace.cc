#include "tokenize/workspace.h"

namespace lathe::tokenize {
namespace {

// What one buffer may keep. A text of 512 tokens needs a few KiB.
constexpr size_t kKeptBytes = size_t{256} << 10;

template <class Container>
void trim_one(Container& c) {
  if (c.capacity() * sizeof(*c.data()) <= kKeptBytes) return;
  c.clear();
  c.shrink_to_fit();
}

}  // namespace

void WorkspaceState::trim() {
  for (std::string* s : {&valid, &lower, &normalized, &spare, &word, &words.rewritten, &words.spare}) trim_one(*s);
  trim_one(code_points);
  trim_one(words.spans);
  trim_one(words.next);
  trim_one(symbols);
  trim_one(candidates);
  trim_one(nodes);
  trim_one(reversed);
}

}  // namespace lathe::tokenize
