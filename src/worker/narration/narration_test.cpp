#include "worker/narration/narration.h"

#include "worker/base/json.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using namespace std::chrono_literals;

Narration plain() {
    return {.actor = "model-loader", .action = "model_load", .target = "m.gguf", .human = "Loads"};
}

TEST(NarrationTest, unknown_fields_are_left_out) {
    EXPECT_EQ(
        to_json(plain()),
        R"({"actor":"model-loader","action":"model_load","target":"m.gguf","human":"Loads"})");
}

TEST(NarrationTest, fields_come_in_the_contracts_order) {
    Narration narration = plain();
    narration.cute = "🐝";
    narration.correlation_id = "c";
    narration.job_id = "j";
    narration.worker_id = "w";
    narration.error_kind = "MODEL_CORRUPT";
    narration.duration = 2ms;
    narration.tokens_in = 3;
    narration.tokens_out = 4;
    narration.decode_time = 5ms;
    narration.queue_position = 6;
    narration.model_ref = "r";
    narration.device = "cpu:0";
    narration.emitted_at = 7ms;
    EXPECT_EQ(to_json(narration),
              R"({"actor":"model-loader","action":"model_load","target":"m.gguf","human":"Loads",)"
              R"("cute":"🐝","correlation_id":"c","job_id":"j","worker_id":"w",)"
              R"("error_kind":"MODEL_CORRUPT","duration_ms":2,"tokens_in":3,"tokens_out":4,)"
              R"("decode_time_ms":5,"queue_position":6,"model_ref":"r","device":"cpu:0",)"
              R"("emitted_at_ms":7})");
}

TEST(NarrationTest, is_one_line_of_json_whatever_it_holds) {
    Narration narration = plain();
    narration.target = "a\nb\"c\xff";
    const std::string line = to_json(narration);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_TRUE(parse_json(line)) << line;
}

TEST(NarrationTest, every_text_field_loses_its_secrets) {
    const std::string secret = "token=hunter2";
    Narration narration{.actor = secret, .action = secret, .target = secret, .human = secret};
    narration.cute = narration.correlation_id = narration.job_id = narration.worker_id =
        narration.error_kind = narration.model_ref = narration.device = secret;
    EXPECT_EQ(to_json(made_presentable(narration)).find("hunter2"), std::string::npos);
}

TEST(NarrationTest, human_is_cut_between_characters) {
    Narration narration = plain();
    for (int i = 0; i < 101; ++i) narration.human += "ü";
    const std::string human = made_presentable(narration).human;
    EXPECT_EQ(human.size(), 5 + 95 * 2);
    EXPECT_TRUE(human.ends_with("ü"));
}

TEST(NarrationTest, a_secret_at_the_cut_does_not_show_its_beginning) {
    Narration narration = plain();
    narration.human = std::string(85, 'x') + " http://u:hunter2@h";
    EXPECT_EQ(made_presentable(narration).human.find("hunt"), std::string::npos);
}

}  // namespace
}  // namespace worker
