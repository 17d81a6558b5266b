#include "worker/app/config_fixture.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

Result<Invocation> invoke_with_file(const std::string& document, const std::string& line = "") {
    const SettingsFile file(document);
    return invoke({.line = "--config " + file.path() + " " + line});
}

Config config_of(const std::string& document) {
    const Result<Invocation> invocation = invoke_with_file(document);
    EXPECT_TRUE(invocation) << document << "\n" << (invocation ? "" : invocation.error().message);
    return invocation ? invocation->config : Config();
}

TEST(ConfigFileTest, takes_every_kind_of_value) {
    const Config config = config_of(R"(
model = "m.gguf"
context-size = 4096
trust-loopback = true
no-mmap = true
max-body = "1MiB"
heartbeat-interval = "5s"
request-timeout = 7          # a bare number counts seconds
tensor-split = [3, 0.5]
device = [0, 1]
cors-origin = ["https://a", "https://b"]
)");
    EXPECT_EQ(config.model, "m.gguf");
    EXPECT_EQ(config.context_size, 4096u);
    EXPECT_TRUE(config.trust_loopback);
    EXPECT_FALSE(config.mmap);
    EXPECT_EQ(config.body_bytes_max, 1u << 20);
    EXPECT_EQ(config.heartbeat_interval, std::chrono::seconds(5));
    EXPECT_EQ(config.request_timeout, std::chrono::seconds(7));
    EXPECT_EQ(config.tensor_split, (std::vector<float>{3, 0.5}));
    EXPECT_EQ(config.devices, (std::vector<std::uint32_t>{0, 1}));
    EXPECT_EQ(config.cors_origins, (std::vector<std::string>{"https://a", "https://b"}));
}

TEST(ConfigFileTest, names_the_line_of_what_it_refuses) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"model = \"m\"\n\nport = 99999\n", " line 3: port: must be a number from 0 to 65535"},
        {"model = \"m\"\nprot = 1\n", " line 2: prot: unknown setting; --help lists all names"},
        {"ctx-size = 1\n", " line 1: ctx-size: unknown setting; --help lists all names"},
        {"--port = 1\n", " line 1: --port: unknown setting; --help lists all names"},
        {"config = \"other.toml\"\n", " line 1: config: is not taken from a file"},
        {"check-config = true\n", " line 1: check-config: is not taken from a file"},
        {"\napi-token = \"s3cret\"\n", " line 2: api-token: is not taken from a file"},
        {"port = 1979-05-27\n",
         " line 1: port: must be a text, a number, true or false, or an array of them"},
        {"device = [[0]]\n",
         " line 1: device: must be a text, a number, true or false, or an array of them"},
        {"[port]\nn = 1\n",
         " line 1: port: must be a text, a number, true or false, or an array of them"},
        {"hive-url = \"http://u:s3cret@h\"\n",
         " line 1: hive-url: must be an http:// or https:// URL with a host, without user name or "
         "password"},
    };
    for (const auto& [document, message] : cases) {
        const SettingsFile file(document);
        EXPECT_EQ(refusal({.line = "--config " + file.path()}), "2: " + file.path() + message);
    }
}

TEST(ConfigFileTest, refuses_what_is_not_toml_with_its_line) {
    const std::vector<std::pair<std::string, int>> cases{
        {"model = \"m\"\nport =\n", 2},
        {"port = 1\nport = 2\n", 2},
        {"model\n", 1},
        {"model = \"m\n", 1},
        {"a = \"\xff\"\n", 1},
        {std::string("\0", 1), 1},
        {"a = " + std::string(5000, '['), 1},
    };
    for (const auto& [document, line] : cases) {
        const SettingsFile file(document);
        const std::string message = refusal({.line = "--config " + file.path()});
        EXPECT_TRUE(message.starts_with("2: " + file.path() + " line " + std::to_string(line)))
            << message;
        EXPECT_EQ(message.find('\n'), std::string::npos);
    }
}

TEST(ConfigFileTest, names_the_flag_that_named_a_file_it_cannot_read) {
    EXPECT_EQ(refusal({.line = "--config /nowhere/w.toml"}),
              "1: --config /nowhere/w.toml: cannot be read: No such file or directory");
    EXPECT_EQ(refusal({.variables = {{"LLM_WORKER_CONFIG", "/dev/zero"}}}),
              "1: LLM_WORKER_CONFIG=/dev/zero: is not a regular file");
    const SettingsFile file(std::string((1u << 20) + 1, ' '));
    EXPECT_EQ(refusal({.line = "--config " + file.path()}),
              "1: --config " + file.path() + ": is longer than 1 MiB");
}

TEST(ConfigFileTest, gives_way_to_flags_and_environment) {
    const SettingsFile file("model = \"file\"\nport = 1\nparallel = 3\ncors-origin = \"*\"\n");
    const Result<Invocation> invocation =
        invoke({.line = "--config " + file.path() + " --port 2 --cors-origin https://a",
                .variables = {{"LLM_WORKER_MODEL", "environment"}, {"LLM_WORKER_PORT", "3"}}});
    ASSERT_TRUE(invocation);
    EXPECT_EQ(invocation->config.port, 2);
    EXPECT_EQ(invocation->config.model, "environment");
    EXPECT_EQ(invocation->config.parallel, 3u);
    EXPECT_EQ(invocation->config.cors_origins, std::vector<std::string>{"https://a"});
}

}  // namespace
}  // namespace worker
