#include "bench/dialect.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bench {
namespace {

CallRecord read(Dialect dialect, const std::vector<std::string>& frames) {
    CallRecord record;
    for (const std::string& frame : frames) take_frame(dialect, frame, SteadyTime{}, record);
    return record;
}

TEST(DialectTest, reads_a_native_stream) {
    const CallRecord record =
        read(Dialect::native,
             {R"({"type":"started","job_id":"1","model":"m","started_at":"2026","seed":1})",
              R"({"type":"token","t":" the","i":0})", R"({"type":"token","t":" \"end\"","i":1})",
              R"({"type":"end","tokens_in":9,"tokens_out":3,"stop_reason":"EOS"})", "[DONE]"});
    EXPECT_EQ(record.text, " the \"end\"");
    EXPECT_EQ(record.text_times.size(), 2);
    EXPECT_TRUE(record.complete);
    EXPECT_EQ(record.tokens_out, 3);
    EXPECT_EQ(record.prompt_tokens, 9);
    EXPECT_EQ(record.error, "");
}

TEST(DialectTest, takes_native_counts_that_are_absent_for_none) {
    const CallRecord record =
        read(Dialect::native, {R"({"type":"end","tokens_out":3,"stop_reason":"EOS"})"});
    EXPECT_EQ(record.prompt_tokens, 0);
    EXPECT_EQ(record.cached_tokens, 0);
}

TEST(DialectTest, reads_a_stream_of_llama_server) {
    const CallRecord record = read(
        Dialect::completion,
        {R"({"index":0,"content":" a","stop":false,"tokens_predicted":1,"tokens_evaluated":9})",
         R"({"index":0,"content":"","stop":true,"tokens_predicted":2,"tokens_evaluated":9,)"
         R"("tokens_cached":10,"timings":{"cache_n":4,"prompt_n":5}})"});
    EXPECT_EQ(record.text, " a");
    EXPECT_EQ(record.text_times.size(), 1);
    EXPECT_TRUE(record.complete);
    EXPECT_EQ(record.tokens_out, 2);
    EXPECT_EQ(record.prompt_tokens, 9);
    EXPECT_EQ(record.cached_tokens, 4);
}

TEST(DialectTest, an_error_in_the_stream_is_the_calls) {
    EXPECT_NE(read(Dialect::native, {R"({"type":"error","code":"INTERNAL"})"}).error, "");
    EXPECT_NE(read(Dialect::completion, {R"({"error":{"code":500}})"}).error, "");
    EXPECT_NE(read(Dialect::native, {"{"}).error, "");
}

TEST(DialectTest, asks_each_server_for_the_same) {
    EXPECT_EQ(request_body(Dialect::native, "a\n", 5),
              R"({"prompt":"a\n","stream":true,"temperature":0,"ignore_eos":true,)"
              R"("max_tokens":5})");
    EXPECT_EQ(request_body(Dialect::completion, "a\n", 5),
              R"({"prompt":"a\n","stream":true,"temperature":0,"ignore_eos":true,)"
              R"("n_predict":5,"cache_prompt":true})");
}

}  // namespace
}  // namespace bench
