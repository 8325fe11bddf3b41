#include <span>

#include "tokenize/bpe.h"
#include "tokenize/byte_alphabet.h"
#include "tokenize/utf8.h"

namespace lathe::tokenize {

MergeBpe::MergeBpe(PieceIndex pieces, MergeTable merges, SpaceCuts cuts, Options options)
    : pieces_(std::move(pieces)),
      merges_(std::move(merges)),
      cuts_(cuts),
      options_(std::move(options)),
      cut_at_spaces_(!options_.bytes && options_.prefix.empty() && options_.suffix.empty() && !options_.ignore_merges) {
  for (size_t byte = 0; byte < 256; ++byte) byte_ids_[byte] = pieces_.find(byte_alphabet()[byte]);
}

int32_t MergeBpe::whole_word(std::string_view word, WorkspaceState& work) const {
  if (!options_.ignore_merges) return -1;
  if (!options_.bytes) return pieces_.find(word);
  if (word.size() > pieces_.longest()) return -1;
  work.word.clear();
  for (const char c : word) work.word += byte_alphabet()[static_cast<unsigned char>(c)];
  return pieces_.find(work.word);
}

void MergeBpe::byte_symbols(std::string_view word, std::vector<Symbol>& symbols) const {
  symbols.clear();
  for (uint32_t i = 0; i < word.size(); ++i) {
    const int32_t id = byte_ids_[static_cast<unsigned char>(word[i])];
    if (id >= 0)
      symbols.push_back({id, i, 1, 0, 0});
    else if (options_.unknown >= 0)
      symbols.push_back({options_.unknown, i, 1, 0, 0});
  }
}

void MergeBpe::character_symbols(std::string_view word, WorkspaceState& work) const {
  work.symbols.clear();
  const bool plain = options_.prefix.empty() && options_.suffix.empty();
  int waiting = 0;  // unknown symbols not yet added: a run of them may be one
  uint32_t waiting_length = 0;
  const auto add = [&](int32_t id, uint32_t length) { work.symbols.push_back({id, 0, length, 0, 0}); };
  for (uint32_t at = 0; at < word.size();) {
    const uint32_t length = sequence_length(word[at]);
    std::string_view text = word.substr(at, length);
    if (!plain) {
      work.word = at == 0 ? "" : options_.prefix;
      work.word += text;
      if (at + length == word.size()) work.word += options_.suffix;
      text = work.word;
    }
    at += length;
    const int32_t id = pieces_.find(text);
    if (id >= 0) {
      if (waiting > 0) add(options_.unknown, waiting_length);
      waiting = 0;
      add(id, length);
    } else if (options_.fallback) {
      for (const char byte : text) add(options_.fallback->ids[static_cast<unsigned char>(byte)], 1);
    } else if (options_.unknown >= 0) {
      if (waiting > 0 && !options_.fuse_unknown) add(options_.unknown, waiting_length);
      waiting_length = waiting > 0 && options_.fuse_unknown ? waiting_length + length : length;
      ++waiting;
    }
  }
  if (waiting > 0) add(options_.unknown, waiting_length);
}

void MergeBpe::encode_part(std::string_view part, WorkspaceState& work, std::vector<int32_t>& out) const {
  const int32_t whole = whole_word(part, work);
  if (whole >= 0) return out.push_back(whole);
  if (options_.bytes)
    byte_symbols(part, work.symbols);
  else
    character_symbols(part, work);
  merge_all(work.symbols, work.candidates,
            [this](const Symbol& a, const Symbol& b) { return merges_.find(a.id, b.id); });
  for (const Symbol& symbol : work.symbols) out.push_back(symbol.id);
}

void MergeBpe::encode_new(std::string_view word, WorkspaceState& work, std::vector<int32_t>& out) const {
  const size_t word_begin = out.size();
  for (size_t at = 0; at < word.size();) {
    const size_t end = cut_at_spaces_ ? cuts_.part_end(word, at) : word.size();
    const std::string_view part = word.substr(at, end - at);
    const size_t begin = out.size();
    if (part.size() == word.size() || !work.cache.append_known(part, out)) {
      encode_part(part, work, out);
      work.cache.remember(part, std::span(out).subspan(begin));
    }
    // A run of unknown text that the cut divided is one again.
    if (options_.fuse_unknown && begin > word_begin && out.size() > begin && out[begin] == options_.unknown &&
        out[begin - 1] == options_.unknown)
      out.erase(out.begin() + static_cast<ptrdiff_t>(begin));
    at = end;
  }
}

}  // namespace lathe::tokenize
