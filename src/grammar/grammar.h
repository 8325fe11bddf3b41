// A context-free grammar over bytes: what a text may be. Made from GBNF, llama.cpp's notation (gbnf.h), or by way of it
// from a JSON schema (json_schema.h).
//
// Characters become sequences of bytes when a grammar is parsed, so that a token may end anywhere inside one.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"

namespace lathe::grammar {

using ByteSet = std::bitset<256>;

// An element of a rule's alternative: one byte of a set, a rule, or the end of the alternative.
struct Element {
  enum class Kind : uint8_t { end, bytes, rule };
  Kind kind = Kind::end;
  uint32_t index = 0;  // into sets() or rules()
};

class Grammar {
 public:
  struct Limits {
    size_t source = 4 << 20;      // bytes of GBNF
    size_t elements = 1'000'000;  // after repetitions are written out
    size_t repetitions = 10'000;  // of one {m,n}
    int depth = 200;              // of groups within each other
  };

  // Where the alternatives of a rule begin, in elements().
  const std::vector<uint32_t>& alternatives(uint32_t rule) const { return rules_[rule]; }
  const std::vector<Element>& elements() const { return elements_; }
  const ByteSet& set(uint32_t index) const { return sets_[index]; }
  uint32_t root() const { return root_; }
  size_t rules() const { return rules_.size(); }

 private:
  friend class Builder;
  std::vector<Element> elements_;
  std::vector<std::vector<uint32_t>> rules_;
  std::vector<ByteSet> sets_;
  uint32_t root_ = 0;
};

// Reads GBNF: rules, literals with escapes, [classes], ".", alternation, groups, * + ? {m,n}, comments. The text starts
// at the rule "root". `name` is for errors, which name the line. Refused are rules that are not defined and left
// recursion, direct or not; limits.* bound what a hostile grammar can ask for.
Result<Grammar> parse_gbnf(std::string_view source, std::string_view name, const Grammar::Limits& limits = {});

}  // namespace lathe::grammar
