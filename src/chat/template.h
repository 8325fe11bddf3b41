// A template in the subset of Jinja that chat templates use, bounded in every direction: a template comes with a model
// from anywhere, and whatever it does ends as text or as one sentence.
//
// Statements: if, for (with loop, if, else, break, continue), set (also blocks and fields of a namespace), macro, raw,
// generation. Expressions: all of Jinja's but arguments by '*'. Filters, tests, methods: filters.cc, tests.cc,
// methods.cc. Blocks are trimmed as transformers sets Jinja up (trim_blocks, lstrip_blocks).
#pragma once

#include <ctime>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "chat/budget.h"
#include "lathe/status.h"

namespace lathe::chat {

struct Syntax;

// Immutable once parsed: any number of threads may render one.
class Template {
 public:
  // `name` is what errors call it.
  static Result<Template> parse(std::string_view source, std::string_view name);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  // `context` is an object, whose fields are the names that the template knows; its texts are UTF-8. `now` is what
  // strftime_now() prints. What the template refuses by raise_exception() is an invalid_argument.
  Result<std::string> render(const nlohmann::ordered_json& context, const std::tm& now,
                             const Limits& limits = {}) const;

 private:
  Template(std::string name, std::unique_ptr<const Syntax> syntax);
  std::string name_;
  std::unique_ptr<const Syntax> syntax_;
};

}  // namespace lathe::chat
