#include "llm/settings.h"

#include "worker/app/config.h"

#include <gtest/gtest.h>

namespace llm {
namespace {

using namespace std::chrono_literals;

TEST(SettingsTest, take_show_and_refuse_as_declared) {
    struct Row {
        std::string name, initial, text, shown, refused;
    };
    const std::vector<Row> rows{
        {"max-prompt-chars", "32768", "0", "0", "-1"},
        {"max-output-tokens", "2048", "0", "0", "-1"},
        {"stop-max", "4", "16", "16", "17"},
        {"max-gap", "50ms", "0.1s", "100ms", "0"},
        {"cache-ram", "", "1GiB", "1GiB", "-1"},
        {"chat-template", "", "chatml", "chatml", ""},
        {"engine", "auto", "llama", "llama", "vllm"},
        {"cpu-isa", "auto", "avx2", "avx2", "sse"},
        {"profile", "false", "1", "true", "2"},
        {"kv-tokens", "", "65536", "65536", "0"},
        {"kv-type", "f16", "q8_0", "q8_0", "q6_k"},
        {"any-model", "false", "1", "true", "2"},
        {"use-model-defaults", "false", "1", "true", "2"},
    };
    TextSettings settings;
    const worker::FlagTable table(text_flags(settings));
    EXPECT_EQ(table.flags().size(), rows.size());
    for (const Row& row : rows) {
        const worker::Flag* const flag = table.find("--" + row.name);
        ASSERT_TRUE(flag) << row.name;
        EXPECT_TRUE(flag->help.ends_with('.')) << row.name;
        EXPECT_EQ(flag->setting.show(), row.initial) << row.name;
        EXPECT_FALSE(flag->setting.apply(row.refused)) << row.name;
        EXPECT_TRUE(flag->setting.apply(row.text)) << row.name;
        EXPECT_EQ(flag->setting.show(), row.shown) << row.name;
    }
}

TEST(SettingsTest, come_from_the_command_line_beside_the_worker_s_own) {
    TextSettings settings;
    const worker::Environment nothing{
        .variable = [](const std::string&) { return std::optional<std::string>(); }};
    const auto invocation = worker::parse_invocation(
        {"llm-worker-rbee", "--model", "m", "--any-model", "--max-gap", "80ms"}, nothing,
        {"llm-worker-rbee", "1", "Serves.", text_flags(settings)});
    ASSERT_TRUE(invocation) << invocation.error().message;
    EXPECT_EQ(invocation->config.model, "m");
    EXPECT_TRUE(settings.any_model);
    EXPECT_EQ(settings.gap_max, 80ms);
}

TEST(SettingsTest, cells_hold_a_context_where_both_are_given) {
    worker::Config config;
    TextSettings text;
    const auto check = [&] {
        return check_settings({config, text}, [](const std::string& flag) { return "--" + flag; });
    };
    EXPECT_TRUE(check());
    text.kv_tokens = 99;
    EXPECT_TRUE(check());
    config.context_size = 99;
    EXPECT_TRUE(check());
    config.context_size = 100;
    const auto refused = check();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, worker::ErrorCode::config_invalid);
    EXPECT_EQ(refused.error().message, "--kv-tokens must be at least as large as --context-size");
}

}  // namespace
}  // namespace llm
