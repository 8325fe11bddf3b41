#include "hub/select.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "base/atomic_file.h"
#include "base/bounded_json.h"
#include "base/shown.h"
#include "formats/safetensors_index.h"
#include "hub/url.h"

namespace lathe::hub {
namespace {

constexpr std::array<std::string_view, 17> kBeside = {
    "config.json",
    "modules.json",
    "generation_config.json",
    "config_sentence_transformers.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
    "chat_template.jinja",
    "chat_template.json",
    "golden.json",
};
constexpr int64_t kLongestModules = 1 << 20, kLongestIndex = 64 << 20;

std::string_view folder_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? "" : path.substr(0, slash);
}
std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }
std::string in_folder(const std::string& folder, std::string_view name) {
  return folder.empty() ? std::string(name) : folder + "/" + std::string(name);
}

bool is_beside_weights(std::string_view name) {
  return std::ranges::find(kBeside, name) != kBeside.end() ||
         (name.starts_with("sentence_") && name.ends_with("_config.json"));
}

class Selection {
 public:
  Selection(std::span<const std::string> paths, const FetchGuide& fetch) : paths_(paths), fetch_(fetch) {}

  Result<std::vector<std::string>> choose() {
    std::vector<std::string> folders{""};
    std::string transformer;
    if (has("modules.json")) {
      auto modules = module_folders();
      if (!modules) return modules.status();
      if (!modules->empty()) transformer = modules->front();
      folders.insert(folders.end(), modules->begin(), modules->end());
    }
    for (const std::string& folder : folders) {
      add_beside(folder);
      const auto weights = add_safetensors(folder);
      if (!weights) return weights.status();
      if (*weights) continue;
      // A module without safetensors: Python reads what there is. The transformer itself has to be readable here.
      if (folder == transformer) {
        if (Status status = add_gguf(folder); !status.ok()) return status;
      } else if (!folder.empty()) {
        add(in_folder(folder, "pytorch_model.bin"));
      }
    }
    return std::vector(chosen_.begin(), chosen_.end());
  }

 private:
  bool has(const std::string& path) const { return std::ranges::binary_search(paths_, path); }
  bool add(const std::string& path) {
    if (has(path)) chosen_.insert(path);
    return has(path);
  }
  void add_beside(const std::string& folder) {
    for (const std::string& path : paths_)
      if (folder_of(path) == folder && is_beside_weights(name_of(path))) chosen_.insert(path);
  }

  Result<std::vector<std::string>> module_folders() const {
    const auto file = fetch_("modules.json");
    if (!file) return file.status();
    const auto modules = load_json(*file, kLongestModules);
    if (!modules) return modules.status();
    std::vector<std::string> folders;
    for (const auto& module : *modules) {
      const auto path = module.is_object() ? module.find("path") : module.end();
      if (!module.is_object() || path == module.end() || !path->is_string())
        return corrupt("modules.json: a module has no path, needed: its folder");
      std::string folder = path->get<std::string>();
      while (folder.ends_with('/')) folder.pop_back();
      if (!folder.empty() && !is_safe_path(folder))
        return corrupt(fmt::format("modules.json: a path is {}, needed: a folder inside the model's", shown(folder)));
      folders.push_back(std::move(folder));
    }
    return folders;
  }

  // Whether the folder has any.
  Result<bool> add_safetensors(const std::string& folder) {
    if (add(in_folder(folder, "model.safetensors"))) return true;
    const std::string index = in_folder(folder, "model.safetensors.index.json");
    if (!add(index)) return false;
    const auto file = fetch_(index);
    if (!file) return file.status();
    const auto text = read_file(*file, kLongestIndex);
    if (!text) return text.status();
    const auto shards = safetensors_shards(*text, index);
    if (!shards) return shards.status();
    for (const std::string& shard : *shards)
      if (!add(in_folder(folder, shard)))
        return corrupt(fmt::format("{}: names {}, needed: a file that the model has", index, shown(shard)));
    return true;
  }

  Status add_gguf(const std::string& folder) {
    std::vector<std::string> files;
    for (const std::string& path : paths_)
      if (folder_of(path) == folder && path.ends_with(".gguf")) files.push_back(path);
    if (files.size() == 1) {
      chosen_.insert(files.front());
      return {};
    }
    if (files.empty())
      return unsupported(
          "the model has neither model.safetensors nor a .gguf file, needed: weights in one of the two; "
          "--file takes others");
    std::string names;
    for (const std::string& file : files) names += "\n  " + std::string(shown(file));
    return invalid_argument(
        fmt::format("the model has {} .gguf files, needed: one of them, as in NAME:FILE:{}", files.size(), names));
  }

  std::span<const std::string> paths_;
  const FetchGuide& fetch_;
  std::set<std::string> chosen_;
};

}  // namespace

Result<std::vector<std::string>> choose_files(std::span<const std::string> paths, const FetchGuide& fetch) {
  return Selection(paths, fetch).choose();
}

Result<std::vector<std::string>> match_files(std::span<const std::string> paths,
                                             std::span<const std::string> patterns) {
  std::set<std::string> chosen;
  for (const std::string& pattern : patterns) {
    bool any = false;
    for (const std::string& path : paths) {
      const std::string name(name_of(path));
      if (::fnmatch(pattern.c_str(), path.c_str(), 0) != 0 && ::fnmatch(pattern.c_str(), name.c_str(), 0) != 0)
        continue;
      chosen.insert(path);
      any = true;
    }
    if (!any)
      return not_found(fmt::format("--file {} matches none of the model's {} files", shown(pattern), paths.size()));
  }
  return std::vector(chosen.begin(), chosen.end());
}

}  // namespace lathe::hub
