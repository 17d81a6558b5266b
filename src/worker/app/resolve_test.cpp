#include "worker/app/resolve.h"

#include "worker/app/config_fixture.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace worker {
namespace {

using namespace std::chrono_literals;

const std::map<std::string, std::string> token{{"LLORCH_API_TOKEN", "s3cret"}};

Config resolved(Start start) {
    start.line += " --model m";
    const Result<Invocation> invocation = invoke(start);
    EXPECT_TRUE(invocation) << start.line << ": " << (invocation ? "" : invocation.error().message);
    return invocation ? invocation->config : Config();
}

TEST(ResolveTest, refuses_contradictions_and_names_both_sides) {
    const std::string file = "--api-token-file or LLORCH_API_TOKEN";
    const std::vector<std::pair<Start, std::string>> cases{
        {{.line = "--local-mode", .variables = token},
         "--local-mode allows no token, and LLORCH_API_TOKEN sets one: remove either"},
        {{.variables = {{"LLM_WORKER_API_TOKEN", "s3cret"}, {"LLM_WORKER_LOCAL_MODE", "1"}}},
         "LLM_WORKER_LOCAL_MODE allows no token, and LLM_WORKER_API_TOKEN sets one: remove either"},
        {{.line = "--hive-url http://h"},
         "--hive-url needs a token (" + file + ") or --local-mode"},
        {{.line = "--hive-url http://h --no-auth"},
         "--hive-url needs a token (" + file + ") or --local-mode"},
        {{.line = "--host 0.0.0.0"},
         "--host 0.0.0.0 would serve the network without a token: set " + file +
             ", or say --no-auth"},
        {{.line = "--host example.org --callback-url http://h"},
         "--host example.org would serve the network without a token: set " + file +
             ", or say --no-auth"},
        {{.line = "--host :: --local-mode"},
         "--host :: would serve the network without a token: set " + file + ", or say --no-auth"},
        {{.line = "--tls-cert c"}, "--tls-cert needs --tls-key"},
        {{.variables = {{"LLM_WORKER_TLS_KEY", "k"}}}, "LLM_WORKER_TLS_KEY needs --tls-cert"},
        {{.line = "--backend cuda --device cpu"},
         "--backend asks for cuda and --device for cpu: remove either"},
        {{.line = "--backend cpu --device GPU-0"},
         "--backend asks for cpu and --device for gpu: remove either"},
        {{.line = "--batch-size 7 -np 8"}, "--batch-size must be at least as large as -np"},
        {{.variables = {{"LLORCH_API_TOKEN", ""}}}, "LLORCH_API_TOKEN: the token is empty"},
        {{.variables = {{"LLORCH_API_TOKEN", " \n"}}}, "LLORCH_API_TOKEN: the token is empty"},
        {{.variables = {{"LLORCH_API_TOKEN", "s3\ncret"}}},
         "LLORCH_API_TOKEN: a token has at most 8192 bytes and no control characters"},
        {{.line = "--api-token-file /nowhere/token"},
         "--api-token-file: /nowhere/token: cannot be read: No such file or directory"},
    };
    for (auto [start, message] : cases) {
        start.line += " --model m";
        EXPECT_EQ(refusal(start), "1: " + message);
    }
}

TEST(ResolveTest, chooses_the_host_by_mode) {
    const std::vector<std::pair<Start, std::string>> cases{
        {{}, "127.0.0.1"},
        {{.line = "--local-mode"}, "127.0.0.1"},
        {{.line = "--no-auth"}, "127.0.0.1"},
        {{.line = "--callback-url http://h"}, "127.0.0.1"},
        {{.line = "--queen-url http://h"}, "127.0.0.1"},
        {{.variables = token}, "0.0.0.0"},
        {{.line = "--hive-url http://h", .variables = token}, "0.0.0.0"},
        {{.line = "--host 10.1.2.3", .variables = token}, "10.1.2.3"},
        {{.line = "--host 0.0.0.0 --no-auth"}, "0.0.0.0"},
        {{.line = "--host localhost"}, "localhost"},
        {{.line = "--host 127.9.9.9"}, "127.9.9.9"},
        {{.line = "--host [::1] --local-mode"}, "::1"},
    };
    for (const auto& [start, host] : cases) EXPECT_EQ(resolved(start).host, host) << start.line;
}

TEST(ResolveTest, chooses_the_drain_timeout_by_who_would_kill_first) {
    const std::vector<std::pair<std::string, std::chrono::milliseconds>> cases{
        {"", 25s},
        {"--hive-url http://h --local-mode", 25s},
        {"--callback-url http://h", 8s},
        {"--queen-url http://h", 1500ms},
        {"--callback-url http://h --queen-url http://h", 1500ms},
        {"--queen-url http://h --drain-timeout 3s", 3s},
        {"--drain-timeout 0", 0s},
    };
    for (const auto& [line, timeout] : cases)
        EXPECT_EQ(resolved({.line = line}).drain_timeout, timeout) << line;
}

TEST(ResolveTest, chooses_the_backend_by_flag_then_device_then_program_name) {
    const std::vector<std::pair<Start, std::string>> cases{
        {{}, "auto"},
        {{.line = "--device 1"}, "auto"},
        {{.line = "--device cpu"}, "cpu"},
        {{.line = "--device cuda:0"}, "cuda"},
        {{.line = "--device GPU-0"}, "cuda"},
        {{.line = "--device metal"}, "metal"},
        {{.line = "--backend vulkan --device GPU-0"}, "vulkan"},
        {{.line = "--backend cuda --device cuda:1"}, "cuda"},
        {{.line = "--backend auto --device cpu"}, "cpu"},
        {{.program = "/usr/bin/worker-cpu"}, "cpu"},
        {{.program = "worker-cuda"}, "cuda"},
        {{.program = "worker-metal"}, "metal"},
        {{.program = "worker-rocm"}, "rocm"},
        {{.program = "worker-cpu-8080"}, "auto"},
        {{.line = "--backend cuda", .program = "worker-cpu"}, "cuda"},
        {{.line = "--backend auto", .program = "worker-cpu"}, "auto"},
        {{.line = "--device cuda:0", .program = "worker-cpu"}, "cuda"},
        {{.line = "--device 1", .program = "worker-cpu"}, "cpu"},
    };
    for (const auto& [start, backend] : cases)
        EXPECT_EQ(resolved(start).backend, backend) << start.program << " " << start.line;
}

TEST(ResolveTest, chooses_the_log_format_by_terminal) {
    EXPECT_EQ(resolved({.terminal = true}).log_format, LogFormat::text);
    EXPECT_EQ(resolved({.terminal = false}).log_format, LogFormat::json);
    EXPECT_EQ(resolved({.line = "--log-format json", .terminal = true}).log_format,
              LogFormat::json);
    EXPECT_EQ(resolved({.variables = {{"LLORCH_LOG_FORMAT", "text"}}}).log_format, LogFormat::text);
}

TEST(ResolveTest, keeps_slots_within_a_batch) {
    EXPECT_EQ(resolved({.line = "--batch-size 8"}).parallel, 8u);
    EXPECT_EQ(resolved({.line = "--batch-size 8 --parallel 8"}).parallel, 8u);
}

TEST(ResolveTest, takes_a_context_of_0_for_the_model_s_own) {
    EXPECT_EQ(resolved({.line = "-c 0"}).context_size, std::nullopt);
}

TEST(ResolveTest, counts_the_token_of_the_environment_and_those_of_the_file) {
    const SettingsFile file("one\ntwo\n");
    EXPECT_EQ(resolved({.line = "--api-token-file " + file.path(), .variables = token}).api_tokens,
              (std::vector<std::string>{"s3cret", "one", "two"}));
    EXPECT_EQ(resolved({.variables = {{"LLORCH_API_TOKEN_FILE", file.path()}}}).api_tokens,
              (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(refusal({.line = "--model m --local-mode --api-key-file " + file.path()}),
              "1: --local-mode allows no token, and --api-key-file sets one: remove either");
}

TEST(ResolveTest, warns_of_a_token_file_that_others_can_read) {
    const SettingsFile file("one\n");
    const Start start{.line = "--api-token-file " + file.path()};
    EXPECT_TRUE(resolved(start).warnings.empty());
    std::filesystem::permissions(file.path(), std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    EXPECT_EQ(resolved(start).warnings,
              std::vector<std::string>{"--api-token-file: " + file.path() +
                                       " can be read by every user; chmod 600 protects it"});
}

TEST(ResolveTest, warns_of_requests_that_nobody_authenticates) {
    const std::string open =
        "requests to 127.0.0.1 are not authenticated; --api-token-file or LLORCH_API_TOKEN "
        "changes that";
    const std::string needless = "--no-auth has no effect, because LLORCH_API_TOKEN sets a token";
    const std::vector<std::pair<Start, std::vector<std::string>>> cases{
        {{}, {}},
        {{.line = "--local-mode"}, {}},
        {{.line = "--callback-url http://h"}, {open}},
        {{.line = "--queen-url http://h"}, {open}},
        {{.line = "--no-auth"}, {open}},
        {{.line = "--queen-url http://h", .variables = token}, {}},
        {{.line = "--no-auth", .variables = token}, {needless}},
    };
    for (const auto& [start, warnings] : cases)
        EXPECT_EQ(resolved(start).warnings, warnings) << start.line;
}

}  // namespace
}  // namespace worker
