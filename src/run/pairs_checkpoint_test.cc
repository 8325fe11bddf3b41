#include "run/pairs_checkpoint.h"

#include <gtest/gtest.h>

#include <utility>

namespace lathe::run {
namespace {

PairsHead head() {
  PairsHead h;
  h.init = "model";
  EXPECT_TRUE(resolve(h.settings, 64).ok());
  h.state.step = 7;
  h.state.position = 224;
  h.state.loss.add(0.1 + 0.2, 0.95);
  h.state.best = 1.0 / 3;
  h.fields.anchor = "question";
  h.temperature = 0.07;
  h.data = "/a/pairs.tsv";
  h.data_sha256 = "12";
  return h;
}

// Numbers come back to the last bit: the next step depends on them.
TEST(PairsHead, ComesBackAsItWas) {
  const PairsHead written = head();
  const auto read = parse_pairs_head(pairs_head_text(written), "f");
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->settings, written.settings);
  EXPECT_EQ(read->state.step, 7);
  EXPECT_EQ(read->state.position, 224);
  EXPECT_EQ(read->state.loss.sum, written.state.loss.sum);
  EXPECT_EQ(read->state.best, written.state.best);
  EXPECT_EQ(read->fields.anchor, "question");
  EXPECT_EQ(read->temperature, 0.07);
  EXPECT_EQ(pairs_head_text(*read), pairs_head_text(written));
}

TEST(PairsHead, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> wrong[] = {
      {"\"version\": 1", "\"version\": 2"},
      {"\"contrastive\"", "\"other\""},
      {"\"step\": 7", "\"step\": -1"},
      {"\"temperature\": 0.07", "\"temperature\": \"warm\""},
      {"\"anchor\": \"question\"", "\"anchor\": 1"},
      {"\"data_sha256\"", "\"sha\""},
      {"\"state\"", "\"stat\""},
  };
  const char* const needed[] = {"version is 2, needed: 1",
                                "objective is 'other', needed: contrastive",
                                "state: step is '-1', needed: 0 to",
                                "temperature is '\"warm\"', needed: a number",
                                "fields: anchor is '1', needed: a text",
                                "the field data_sha256 is absent",
                                "the field state is absent"};
  for (size_t i = 0; i < std::size(wrong); ++i) {
    std::string text = pairs_head_text(head());
    const size_t at = text.find(wrong[i].first);
    ASSERT_NE(at, std::string::npos) << wrong[i].first;
    text.replace(at, std::string(wrong[i].first).size(), wrong[i].second);
    const std::string message = parse_pairs_head(text, "f").status().message();
    EXPECT_NE(message.find(needed[i]), std::string::npos) << message;
  }
  EXPECT_FALSE(parse_pairs_head("[]", "f").ok());
  EXPECT_FALSE(parse_pairs_head("{", "f").ok());
}

}  // namespace
}  // namespace lathe::run
