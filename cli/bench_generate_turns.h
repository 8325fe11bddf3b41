// `lathe bench generate --interactive`: another program asks for turns, so that it can time its own in between.
#pragma once

#include "run/generator.h"

namespace lathe::cli {

// Requests, as answer_requests.h takes them, and their answers:
//   {"ask": "model"}                                            {"vocabulary": 151936, "context": 32768}
//   {"ask": "prompt", "tokens": 512, "seed": 1}                 one run of run::time_generation, as all of these:
//   {"ask": "answer", "tokens": 128, "texts": 4, "seed": 1}     {"tokens": 512, "wall_ns": 4e9, "cpu_ns": 8e9,
//                                                                "step_ns": [...]}
//   {"ask": "logits", "ids": [1, 2, ...], "file": "path"}       {"rows": 2}: behind every token, float32 as they are
Status take_turns(run::Generator& generator);

}  // namespace lathe::cli
