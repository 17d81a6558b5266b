#include "worker/app/config_fixture.h"
#include "worker/app/draft.h"

#include <gtest/gtest.h>

#include <set>

namespace worker {
namespace {

// What each flag takes, shows afterwards, and refuses.
struct Row {
    std::string name;
    std::string text;
    std::string shown;
    std::string refused = "";  // empty is refused by all that refuse
};

const std::vector<Row> rows{
    {"model", "m.gguf", "m.gguf"},
    {"model-ref", "hf:x/y", "hf:x/y"},
    {"context-size", "4096", "4096", "-1"},
    {"host", "::1", "::1", "a b"},
    {"port", "0", "0", "65536"},
    {"tls-cert", "c.pem", "c.pem"},
    {"tls-key", "k.pem", "k.pem"},
    {"cors-origin", "https://a", "https://a", "a"},
    {"max-body", "1MiB", "1MiB", "1023"},
    {"max-connections", "1", "1", "0"},
    {"callback-url", "http://h:1/v1", "http://h:1/v1", "h"},
    {"hive-url", "http://h", "http://h", "http://u@h"},
    {"queen-url", "https://h", "https://h", "ws://h"},
    {"heartbeat-interval", "1s", "1s", "999ms"},
    {"worker-id", "w-1_A", "w-1_A", "w.1"},
    {"advertise-url", "http://h:2", "http://h:2", "h:2"},
    {"api-token-file", "t", "t"},
    {"local-mode", "1", "true", "2"},
    {"trust-loopback", "1", "true", "2"},
    {"no-auth", "1", "true", "2"},
    {"backend", "vulkan", "vulkan", "tpu"},
    {"device", "1,0", "1,0", "one"},
    {"threads", "512", "512", "0"},
    {"gpu-layers", "-1", "-1", "-2"},
    {"split-mode", "row", "row", "column"},
    {"tensor-split", "3,1", "3,1", "3;1"},
    {"vram-floor", "0", "0", "1025GiB"},
    {"mlock", "yes", "true", "y"},
    {"no-mmap", "on", "true", "o"},
    {"parallel", "128", "128", "129"},
    {"max-queue", "0", "0", "-1"},
    {"batch-size", "32", "32", "0"},
    {"request-timeout", "24h", "24h", "25h"},
    {"drain-timeout", "0", "0ms", "61m"},
    {"log-format", "json", "json", "xml"},
    {"log-level", "WARNING", "warn", "loud"},
    {"log-content", "true", "true", "t"},
    {"config", "c.toml", "c.toml"},
    {"check-config", "true", "true", "t"},
};

TEST(WorkerFlagsTest, takes_shows_and_refuses_as_declared) {
    for (const Row& row : rows) {
        Draft draft;
        const FlagTable table(worker_flags(draft));
        const Flag* const flag = table.find("--" + row.name);
        ASSERT_TRUE(flag) << row.name;
        const std::string before = flag->setting.show();
        const Result<void> refusal = flag->setting.apply(row.refused);
        ASSERT_FALSE(refusal) << row.name;
        EXPECT_TRUE(refusal.error().message.starts_with("must be ")) << row.name;
        EXPECT_EQ(flag->setting.show(), before) << row.name;
        EXPECT_TRUE(flag->setting.apply(row.text)) << row.name;
        EXPECT_EQ(flag->setting.show(), row.shown) << row.name;
    }
}

TEST(WorkerFlagsTest, has_a_test_for_every_row) {
    std::set<std::string> tested{"api-token"};  // Its text is judged by resolve.
    for (const Row& row : rows) tested.insert(row.name);
    Draft draft;
    const FlagTable table(worker_flags(draft));
    for (const Flag* flag : table.flags()) EXPECT_TRUE(tested.contains(flag->name)) << flag->name;
    EXPECT_EQ(tested.size(), table.flags().size());
}

TEST(WorkerFlagsTest, explains_every_row) {
    Draft draft;
    const FlagTable table(worker_flags(draft));
    for (const Flag* flag : table.flags()) {
        EXPECT_TRUE(flag->help.ends_with('.')) << flag->name;
        // What a flag without value comes to is said by one of the two, or it is required.
        EXPECT_TRUE(flag->name == "model" || !flag->default_text.empty() ||
                    !flag->setting.show().empty())
            << flag->name;
    }
}

TEST(WorkerFlagsTest, has_the_contract_s_environment_names) {
    const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
        {"--model", {"LLM_WORKER_MODEL", "RBEE_MODEL"}},
        {"--worker-id", {"LLM_WORKER_WORKER_ID", "WORKER_ID"}},
        {"--port", {"LLM_WORKER_PORT"}},
        {"--trust-loopback", {"LLM_WORKER_TRUST_LOOPBACK"}},
        {"--api-token", {"LLM_WORKER_API_TOKEN", "LLORCH_API_TOKEN"}},
        {"--api-token-file", {"LLM_WORKER_API_TOKEN_FILE", "LLORCH_API_TOKEN_FILE"}},
        {"--log-format", {"LLM_WORKER_LOG_FORMAT", "LLORCH_LOG_FORMAT"}},
        {"--log-level", {"LLM_WORKER_LOG_LEVEL", "LOG_LEVEL"}},
        {"--advertise-url", {"LLM_WORKER_ADVERTISE_URL", "RBEE_WORKER_URL"}},
    };
    Draft draft;
    const FlagTable table(worker_flags(draft));
    for (const auto& [spelling, names] : cases)
        EXPECT_EQ(table.find(spelling)->variable_names(), names);
}

TEST(WorkerFlagsTest, has_llama_server_s_names_as_aliases) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"-m", "model"},
        {"-c", "context-size"},
        {"--ctx-size", "context-size"},
        {"-np", "parallel"},
        {"-ngl", "gpu-layers"},
        {"-t", "threads"},
        {"--alias", "model-ref"},
        {"--api-key-file", "api-token-file"},
        {"--mlock", "mlock"},
        {"--no-mmap", "no-mmap"},
    };
    Draft draft;
    const FlagTable table(worker_flags(draft));
    for (const auto& [alias, name] : cases) {
        const Flag* const flag = table.find(alias);
        ASSERT_TRUE(flag) << alias;
        EXPECT_EQ(flag->name, name);
    }
    EXPECT_FALSE(table.find("--nonsense"));
}

}  // namespace
}  // namespace worker
