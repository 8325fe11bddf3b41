// Puts a Grammar together. What does not fit the limits, or has no meaning, is thrown as Wrong and becomes a Status in
// parse_gbnf().
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "grammar/grammar.h"

namespace lathe::grammar {

struct Wrong {
  std::string what;
};

using CodePoints = std::vector<std::pair<uint32_t, uint32_t>>;  // ranges, both ends in them
using Sequence = std::vector<Element>;                          // without its end

class Builder {
 public:
  explicit Builder(const Grammar::Limits& limits) : limits_(limits) {}

  // The rule of that name, defined or not yet.
  uint32_t rule(std::string_view name);
  // A rule without a name.
  uint32_t rule();
  bool is_defined(uint32_t rule) const { return !made_.rules_[rule].empty(); }
  void add_alternative(uint32_t rule, const Sequence& sequence);

  void append_byte(unsigned char byte, Sequence& out);
  // One character of `ranges`, or one that is in none of them.
  Element characters(CodePoints ranges, bool inverted);
  // `what`, at least `least` and at most `most` times (-1: any number).
  Sequence repeated(const Sequence& what, int64_t least, int64_t most);

  // Checks that all is defined and that nothing recurs on the left.
  Grammar finish();

 private:
  Element bytes(const ByteSet& set);
  const std::string& name_of(uint32_t rule) const { return names_[rule]; }
  // The rules that have an alternative whose rules all have one, and whose bytes `bytes_count`: those that can be empty
  // (false), those that lead to any text at all (true).
  std::vector<bool> rules_that_end(bool bytes_count) const;
  void refuse_left_recursion() const;

  Grammar::Limits limits_;
  Grammar made_;
  std::vector<std::string> names_;  // empty: has none
  std::map<std::string, uint32_t, std::less<>> by_name_;
  std::map<std::string, uint32_t> sets_by_bits_;
  std::map<CodePoints, Element> classes_;
};

}  // namespace lathe::grammar
