// The JSON files beside a Hugging Face model, asked through Fields: config.json and its like.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/fields.h"
#include "lathe/status.h"

namespace lathe {

class HfConfig final : public Fields {
 public:
  static Result<HfConfig> parse(std::string_view text, std::string_view file);
  static Result<HfConfig> open(const std::string& path);
  // A file that is an array of objects (modules.json), each as a configuration of its own.
  static Result<std::vector<HfConfig>> open_list(const std::string& path);

  FieldValue at(std::string_view key) const override;
  bool visit(std::string_view key, const std::function<bool(const FieldValue&)>& each) const override;
  // An object whose values are all strings, sorted by key; none where it is absent.
  Result<std::vector<std::pair<std::string, std::string>>> texts(std::string_view key) const;

 private:
  using Json = nlohmann::json;
  HfConfig(std::shared_ptr<const Json> root, const Json* object, std::string file);
  const Json* find(std::string_view key) const;

  std::shared_ptr<const Json> root_;
  const Json* object_;  // within root_
};

}  // namespace lathe
