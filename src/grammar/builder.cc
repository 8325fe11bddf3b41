#include "grammar/builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/shown.h"
#include "tokenize/utf8.h"

namespace lathe::grammar {
namespace {

constexpr uint32_t kLastCodePoint = 0x10FFFF;

CodePoints sorted(CodePoints ranges) {
  std::sort(ranges.begin(), ranges.end());
  CodePoints made;
  for (const auto& range : ranges) {
    if (!made.empty() && range.first <= made.back().second + 1)
      made.back().second = std::max(made.back().second, range.second);
    else
      made.push_back(range);
  }
  return made;
}

CodePoints complement(const CodePoints& ranges) {
  CodePoints made;
  uint32_t next = 0;
  for (const auto& [first, last] : ranges) {
    if (first > next) made.emplace_back(next, first - 1);
    next = last + 1;
  }
  if (next <= kLastCodePoint) made.emplace_back(next, kLastCodePoint);
  return made;
}

// A sequence of byte ranges; the UTF-8 of a range of code points is a few of them.
using ByteRanges = std::vector<std::pair<unsigned char, unsigned char>>;

void append_byte_ranges(uint32_t first, uint32_t last, std::vector<ByteRanges>& out) {
  // Split where the number of bytes changes, and around the surrogates, which have no UTF-8.
  for (const uint32_t end : {0x7Fu, 0x7FFu, 0xD7FFu, 0xDFFFu, 0xFFFFu})
    if (first <= end && last > end) {
      append_byte_ranges(first, end, out);
      return append_byte_ranges(end + 1, last, out);
    }
  if (first >= 0xD800 && last <= 0xDFFF) return;
  // Then where a continuation byte does not run over all its values.
  for (int bits = 6; bits <= 18 && last > 0x7F; bits += 6) {
    const uint32_t mask = (1u << bits) - 1;
    if ((first & ~mask) == (last & ~mask)) continue;
    if ((first & mask) != 0) {
      append_byte_ranges(first, first | mask, out);
      return append_byte_ranges((first | mask) + 1, last, out);
    }
    if ((last & mask) != mask) {
      append_byte_ranges(first, (last & ~mask) - 1, out);
      return append_byte_ranges(last & ~mask, last, out);
    }
  }
  std::string low, high;
  tokenize::append_code_point(first, low);
  tokenize::append_code_point(last, high);
  ByteRanges sequence;
  for (size_t i = 0; i < low.size(); ++i)
    sequence.emplace_back(static_cast<unsigned char>(low[i]), static_cast<unsigned char>(high[i]));
  out.push_back(std::move(sequence));
}

ByteSet set_of(std::pair<unsigned char, unsigned char> range) {
  ByteSet set;
  for (unsigned byte = range.first; byte <= range.second; ++byte) set.set(byte);
  return set;
}

}  // namespace

uint32_t Builder::rule() {
  if (made_.rules_.size() >= limits_.elements) throw Wrong{fmt::format("has more than {} rules", limits_.elements)};
  made_.rules_.emplace_back();
  names_.emplace_back();
  return static_cast<uint32_t>(names_.size() - 1);
}

uint32_t Builder::rule(std::string_view name) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) return found->second;
  const uint32_t made = rule();
  names_[made] = name;
  by_name_.emplace(name, made);
  return made;
}

void Builder::add_alternative(uint32_t rule, const Sequence& sequence) {
  auto& elements = made_.elements_;
  if (elements.size() + sequence.size() >= limits_.elements)
    throw Wrong{fmt::format("has more than {} elements when its repetitions are written out", limits_.elements)};
  made_.rules_[rule].push_back(static_cast<uint32_t>(elements.size()));
  elements.insert(elements.end(), sequence.begin(), sequence.end());
  elements.emplace_back();
}

Element Builder::bytes(const ByteSet& set) {
  const auto [found, is_new] = sets_by_bits_.emplace(set.to_string(), static_cast<uint32_t>(made_.sets_.size()));
  if (is_new) made_.sets_.push_back(set);
  return {Element::Kind::bytes, found->second};
}

void Builder::append_byte(unsigned char byte, Sequence& out) { out.push_back(bytes(set_of({byte, byte}))); }

Element Builder::characters(CodePoints ranges, bool inverted) {
  ranges = sorted(std::move(ranges));
  if (inverted) ranges = complement(ranges);
  const auto [found, is_new] = classes_.emplace(ranges, Element{});
  if (!is_new) return found->second;
  std::vector<ByteRanges> sequences;
  for (const auto& [first, last] : ranges) append_byte_ranges(first, last, sequences);
  ByteSet single;
  for (const ByteRanges& sequence : sequences)
    if (sequence.size() == 1) single |= set_of(sequence[0]);
  const bool is_single = std::all_of(sequences.begin(), sequences.end(), [](const auto& s) { return s.size() == 1; });
  if (is_single) return found->second = bytes(single);
  const uint32_t made = rule();
  if (single.any()) add_alternative(made, {bytes(single)});
  for (const ByteRanges& sequence : sequences) {
    if (sequence.size() == 1) continue;
    Sequence elements;
    for (const auto& range : sequence) elements.push_back(bytes(set_of(range)));
    add_alternative(made, elements);
  }
  return found->second = {Element::Kind::rule, made};
}

Sequence Builder::repeated(const Sequence& what, int64_t least, int64_t most) {
  const auto allowed = static_cast<int64_t>(limits_.repetitions);
  if (least > allowed || most > allowed)
    throw Wrong{fmt::format("repeats {} times, at most {} are taken", std::max(least, most), allowed)};
  Sequence made;
  if (what.empty() || most == 0) return made;
  Sequence once = what;
  if (what.size() > 1) {  // written once, however often it comes
    const uint32_t group = rule();
    add_alternative(group, what);
    once = {{Element::Kind::rule, group}};
  }
  made.assign(static_cast<size_t>(least), once[0]);
  if (most < 0) {  // any ::= once any |
    const uint32_t any = rule();
    add_alternative(any, {once[0], {Element::Kind::rule, any}});
    add_alternative(any, {});
    made.push_back({Element::Kind::rule, any});
    return made;
  }
  uint32_t rest = 0;  // rest ::= once rest' |, from the last on
  for (int64_t left = most - least; left > 0; --left) {
    const bool is_last = left == most - least;
    const uint32_t one = rule();
    add_alternative(one, is_last ? Sequence{once[0]} : Sequence{once[0], {Element::Kind::rule, rest}});
    add_alternative(one, {});
    rest = one;
  }
  if (most > least) made.push_back({Element::Kind::rule, rest});
  return made;
}

std::vector<bool> Builder::rules_that_end(bool bytes_count) const {
  // A rule that waits for another is looked at again when that one is known to end.
  std::vector<bool> ends(made_.rules_.size());
  std::vector<std::vector<uint32_t>> waiting(made_.rules_.size());
  std::vector<uint32_t> open(made_.rules_.size());
  for (uint32_t i = 0; i < open.size(); ++i) open[i] = i;
  const auto is_known_to_end = [&](uint32_t rule) {
    const auto is_passed = [&](const Element& element) {
      if (element.kind == Element::Kind::bytes) return bytes_count;
      return element.kind == Element::Kind::rule && ends[element.index];
    };
    for (uint32_t at : made_.rules_[rule]) {
      while (is_passed(made_.elements_[at])) ++at;
      if (made_.elements_[at].kind == Element::Kind::end) return true;
      if (made_.elements_[at].kind == Element::Kind::rule) waiting[made_.elements_[at].index].push_back(rule);
    }
    return false;
  };
  while (!open.empty()) {
    const uint32_t rule = open.back();
    open.pop_back();
    if (ends[rule] || !is_known_to_end(rule)) continue;
    ends[rule] = true;
    open.insert(open.end(), waiting[rule].begin(), waiting[rule].end());
    waiting[rule].clear();
  }
  return ends;
}

// A rule that comes to itself before it has read a byte, with something left to do behind it, would be put on the stack
// for ever. Where nothing is left to do (the last element of an alternative) the stack does not grow: x* of an x that
// may be empty is harmless. Such a cycle is refused where it has at least one step that leaves something.
void Builder::refuse_left_recursion() const {
  const auto nullable = rules_that_end(false);
  const auto count = static_cast<uint32_t>(made_.rules_.size());
  struct Edge {
    uint32_t to;
    bool leaves;
  };
  std::vector<std::vector<Edge>> edges(count);
  for (uint32_t rule = 0; rule < count; ++rule)
    for (uint32_t at : made_.rules_[rule])
      for (; made_.elements_[at].kind == Element::Kind::rule; ++at) {
        edges[rule].push_back({made_.elements_[at].index, made_.elements_[at + 1].kind != Element::Kind::end});
        if (!nullable[made_.elements_[at].index]) break;
      }
  // Tarjan's strongly connected components, without recursion.
  std::vector<uint32_t> index(count), low(count), component(count), stack;
  std::vector<bool> on_stack(count);
  uint32_t next = 1, components = 0;
  struct Frame {
    uint32_t rule;
    size_t edge;
  };
  for (uint32_t start = 0; start < count; ++start) {
    if (index[start]) continue;
    std::vector<Frame> frames = {{start, 0}};
    while (!frames.empty()) {
      const uint32_t rule = frames.back().rule;
      if (frames.back().edge == 0) {
        index[rule] = low[rule] = next++;
        stack.push_back(rule);
        on_stack[rule] = true;
      }
      if (frames.back().edge < edges[rule].size()) {
        const uint32_t to = edges[rule][frames.back().edge++].to;
        if (!index[to])
          frames.push_back({to, 0});
        else if (on_stack[to])
          low[rule] = std::min(low[rule], index[to]);
        continue;
      }
      if (low[rule] == index[rule]) {
        uint32_t member;
        do {
          member = stack.back();
          stack.pop_back();
          on_stack[member] = false;
          component[member] = components;
        } while (member != rule);
        ++components;
      }
      frames.pop_back();
      if (!frames.empty()) low[frames.back().rule] = std::min(low[frames.back().rule], low[rule]);
    }
  }
  for (uint32_t rule = 0; rule < count; ++rule)
    for (const Edge& edge : edges[rule])
      if (edge.leaves && component[edge.to] == component[rule]) {
        const std::string& name = name_of(rule).empty() ? name_of(edge.to) : name_of(rule);
        throw Wrong{name.empty() ? "a repetition contains itself on its left, needed: rules without left recursion"
                                 : fmt::format("the rule {} comes to itself before it reads a character, needed: rules "
                                               "without left recursion",
                                               shown(name))};
      }
}

Grammar Builder::finish() {
  const auto root = by_name_.find("root");
  if (root == by_name_.end()) throw Wrong{"has no rule 'root', needed: one, at which the text starts"};
  for (const auto& [name, rule] : by_name_)
    if (!is_defined(rule)) throw Wrong{fmt::format("the rule {} is used but not defined", shown(name))};
  refuse_left_recursion();
  if (!rules_that_end(true)[root->second]) throw Wrong{"allows no text: every way from 'root' leads in a circle"};
  made_.root_ = root->second;
  return std::move(made_);
}

}  // namespace lathe::grammar
