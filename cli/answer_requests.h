// Requests on standard input, one JSON object a line, each answered by one on standard output: how another program
// asks a benchmark for turns, to time its own in between.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lathe/status.h"

namespace lathe::cli {

using AnswerRequest = std::function<nlohmann::ordered_json(const nlohmann::ordered_json& request)>;

// {"error": message}
nlohmann::ordered_json request_error(const std::string& message);

// Ends with its input. A line that is no JSON, or has a field of another type than `answer` takes, is answered by
// {"error": "..."}.
Status answer_requests(const AnswerRequest& answer);

}  // namespace lathe::cli
