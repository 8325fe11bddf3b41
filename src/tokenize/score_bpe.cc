#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "tokenize/bpe.h"
#include "tokenize/utf8.h"

namespace lathe::tokenize {

ScoreBpe::ScoreBpe(PieceIndex pieces, std::vector<uint32_t> ranks, std::vector<bool> unused, SpaceCuts cuts,
                   Options options)
    : pieces_(std::move(pieces)),
      ranks_(std::move(ranks)),
      unused_(std::move(unused)),
      has_unused_(std::find(unused_.begin(), unused_.end(), true) != unused_.end()),
      cuts_(cuts),
      options_(std::move(options)) {}

void ScoreBpe::emit(std::string_view text, int32_t id, std::vector<int32_t>& out) const {
  if (id >= 0) return out.push_back(id);
  if (!options_.fallback) return out.push_back(options_.unknown);
  for (const char byte : text) out.push_back(options_.fallback->ids[static_cast<unsigned char>(byte)]);
}

void ScoreBpe::encode_part(std::string_view part, WorkspaceState& work, std::vector<int32_t>& out) const {
  work.symbols.clear();
  for (uint32_t at = 0; at < part.size();) {
    const uint32_t length = sequence_length(part[at]);
    work.symbols.push_back({pieces_.find(part.substr(at, length)), at, length, 0, 0});
    at += length;
  }
  // How an unused piece came about: it is taken apart again in the end.
  std::map<std::string_view, std::pair<std::string_view, std::string_view>> halves;
  merge_all(work.symbols, work.candidates, [&](const Symbol& a, const Symbol& b) -> Merge {
    const std::string_view both = part.substr(a.begin, a.length + b.length);
    const int32_t id = pieces_.find(both);
    if (id < 0) return {kNoMerge, -1};
    if (has_unused_ && unused_[static_cast<size_t>(id)])
      halves[both] = {both.substr(0, a.length), both.substr(a.length)};
    return {ranks_[static_cast<size_t>(id)], id};
  });
  std::vector<std::string_view> open;  // to be taken apart, the next one last
  for (const Symbol& symbol : work.symbols) {
    if (!has_unused_ || symbol.id < 0 || !unused_[static_cast<size_t>(symbol.id)]) {
      emit(part.substr(symbol.begin, symbol.length), symbol.id, out);
      continue;
    }
    open.push_back(part.substr(symbol.begin, symbol.length));
    while (!open.empty()) {
      const std::string_view text = open.back();
      open.pop_back();
      const int32_t id = pieces_.find(text);
      const auto found = halves.find(text);
      if (id < 0 || !unused_[static_cast<size_t>(id)] || found == halves.end()) {
        emit(text, id, out);
      } else {
        open.push_back(found->second.second);
        open.push_back(found->second.first);
      }
    }
  }
}

void ScoreBpe::encode_new(std::string_view word, WorkspaceState& work, std::vector<int32_t>& out) const {
  const size_t word_begin = out.size();
  for (size_t at = 0; at < word.size();) {
    const size_t end = cuts_.part_end(word, at);
    const std::string_view part = word.substr(at, end - at);
    const size_t begin = out.size();
    if (!work.cache.append_known(part, out)) {
      encode_part(part, work, out);
      work.cache.remember(part, std::span(out).subspan(begin));
    }
    at = end;
  }
  if (options_.fallback) return;
  const auto first = out.begin() + static_cast<ptrdiff_t>(word_begin);  // a run of unknown text is one
  out.erase(std::unique(first, out.end(), [this](int32_t a, int32_t b) { return a == b && a == options_.unknown; }),
            out.end());
}

}  // namespace lathe::tokenize
