// `lathe bench embed --interactive`: another program asks for turns, so that it can time its own in between.
#pragma once

#include "run/embedder.h"

namespace lathe::cli {

// Requests, as answer_requests.h takes them, and their answers:
//   {"ask": "texts"}                                     {"short": [["text"], ...], ...}: the scenarios' calls
//   {"ask": "time", "scenario": "short", "seconds": 0.3}
//   {"ask": "time", "calls": [["text", ...], ...]}       {"calls": 160, "texts": 160, "tokens": 1920,
//                                                         "cycle_tokens": 384, "wall_ns": [...], "cpu_ns": [...]}
//   {"ask": "vectors", "texts": ["text", ...]}           {"vectors": [[...]], "tokens": [...]}: to check before timing
Status take_turns(run::Embedder& embedder);

}  // namespace lathe::cli
