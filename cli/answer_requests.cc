#include "answer_requests.h"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

Json answer_line(const AnswerRequest& answer, const std::string& line) try {
  return answer(Json::parse(line));
} catch (const Json::exception& wrong) {
  return request_error(std::string("the request is not as needed: ") + wrong.what());
}

}  // namespace

Json request_error(const std::string& message) { return {{"error", message}}; }

Status answer_requests(const AnswerRequest& answer) {
  std::string line;
  while (std::getline(std::cin, line)) {
    fmt::print("{}\n", answer_line(answer, line).dump(-1, ' ', false, Json::error_handler_t::replace));
    if (std::fflush(stdout) != 0) return io_error("cannot write to standard output");
  }
  return {};
}

}  // namespace lathe::cli
