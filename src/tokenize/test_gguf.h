// Just enough of GGUF to hand a file's vocabulary to Tokenizer::from_gguf; the files are known to be sound.
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/tokenizer.h"

namespace lathe::tokenize {

class TestGguf {
 public:
  explicit TestGguf(std::string bytes) : bytes_(std::move(bytes)) {
    at_ = 8;  // magic and version
    number<uint64_t>();
    for (auto left = number<uint64_t>(); left > 0; --left) {
      const std::string key(text());
      value(key, number<uint32_t>());
    }
  }

  GgufVocab vocab() const {
    GgufVocab v;
    v.model = texts_.at("tokenizer.ggml.model");
    v.pre = texts_.at("tokenizer.ggml.pre");
    v.tokens = lists_.at("tokenizer.ggml.tokens");
    v.scores = floats_;
    v.token_types = types_;
    if (lists_.contains("tokenizer.ggml.merges")) v.merges = lists_.at("tokenizer.ggml.merges");
    const auto id = [this](const char* name) {
      const auto found = numbers_.find(name);
      return found == numbers_.end() ? -1 : static_cast<int32_t>(found->second);
    };
    v.special.bos = id("tokenizer.ggml.bos_token_id");
    v.special.eos = id("tokenizer.ggml.eos_token_id");
    v.special.unk = id("tokenizer.ggml.unknown_token_id");
    v.special.sep = id("tokenizer.ggml.seperator_token_id");
    v.special.pad = id("tokenizer.ggml.padding_token_id");
    v.special.cls = id("tokenizer.ggml.cls_token_id");
    v.special.mask = id("tokenizer.ggml.mask_token_id");
    return v;
  }

 private:
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string_view text() {
    const auto length = number<uint64_t>();
    const std::string_view found = std::string_view(bytes_).substr(at_, length);
    at_ += length;
    return found;
  }
  void value(const std::string& key, uint32_t type) {
    constexpr uint32_t kFloat = 6, kBool = 7, kString = 8, kArray = 9;
    if (type == kString) {
      texts_[key] = text();
    } else if (type == kArray) {
      const auto inner = number<uint32_t>();
      for (auto left = number<uint64_t>(); left > 0; --left) {
        if (inner == kString)
          lists_[key].push_back(text());
        else if (inner == kFloat)
          floats_.push_back(number<float>());
        else
          types_.push_back(number<int32_t>());
      }
    } else if (type == kBool) {
      number<uint8_t>();
    } else {
      numbers_[key] = number<uint32_t>();
    }
  }

  std::string bytes_;
  size_t at_ = 0;
  std::map<std::string, std::string_view> texts_;
  std::map<std::string, std::vector<std::string_view>> lists_;
  std::map<std::string, uint32_t> numbers_;
  std::vector<float> floats_;
  std::vector<int32_t> types_;
};

}  // namespace lathe::tokenize
