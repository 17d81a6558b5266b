#include "worker/app/config.h"

#include "worker/app/config_fixture.h"
#include "worker/app/flag_value.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace worker {
namespace {

void check_refusals(const std::vector<std::pair<Start, std::string>>& cases) {
    for (const auto& [start, message] : cases) EXPECT_EQ(refusal(start), message) << start.line;
}

std::string printed(const std::string& line) {
    const Result<Invocation> invocation = invoke({.line = line});
    if (!invocation) return "refused: " + invocation.error().message;
    return invocation->action == Action::print_and_exit ? invocation->output : "started";
}

TEST(ConfigTest, starts_as_real_peers_start_it) {
    struct Peer {
        Start start;
        std::string worker_id, backend, host;
        std::chrono::milliseconds drain_timeout;
        std::size_t warnings;
    };
    using namespace std::chrono_literals;
    const std::vector<Peer> peers{
        {{.line = "--worker-id 0b1f3c5e-9f5a-4a57-8a53-0d9a3b6f2c11 --model /m/x.gguf --model-ref "
                  "hf:x/y --backend cpu --device 0 --port 8081 --callback-url "
                  "http://10.0.0.2:9000/v1/workers/ready"},
         "0b1f3c5e-9f5a-4a57-8a53-0d9a3b6f2c11",
         "cpu",
         "127.0.0.1",
         8s,
         1},
        {{.line = "--worker-id W --model PATH --model-ref R --backend cpu --device 0 --port 28081 "
                  "--hive-url http://127.0.0.1:29200 --local-mode"},
         "W",
         "cpu",
         "127.0.0.1",
         25s,
         0},
        {{.line = "--worker-id W --model id --device cpu --port 8082 --queen-url "
                  "http://localhost:7833"},
         "W",
         "cpu",
         "127.0.0.1",
         1500ms,
         1},
        {{.line = "--worker-id worker-cpu-8080 --model id --device 0 --port 8080 --queen-url "
                  "http://localhost:7833",
          .program = "worker-cpu-8080"},
         "worker-cpu-8080",
         "auto",
         "127.0.0.1",
         1500ms,
         1},
    };
    for (const Peer& peer : peers) {
        const Result<Invocation> invocation = invoke(peer.start);
        ASSERT_TRUE(invocation) << peer.start.line;
        EXPECT_EQ(invocation->action, Action::serve);
        const Config& config = invocation->config;
        EXPECT_EQ(config.worker_id, peer.worker_id);
        EXPECT_EQ(config.backend, peer.backend);
        EXPECT_EQ(config.host, peer.host);
        EXPECT_EQ(config.drain_timeout, peer.drain_timeout);
        EXPECT_EQ(config.warnings.size(), peer.warnings);
        EXPECT_EQ(config.devices, std::vector<std::uint32_t>{0});
    }
}

TEST(ConfigTest, has_the_contract_s_defaults) {
    const Result<Invocation> invocation = invoke({.line = "--model m"});
    ASSERT_TRUE(invocation);
    const Config& config = invocation->config;
    EXPECT_EQ(config.model_ref, "m");
    EXPECT_EQ(config.worker_id, "");
    EXPECT_EQ(config.host, "127.0.0.1");
    EXPECT_EQ(config.port, 8080);
    EXPECT_EQ(config.backend, "auto");
    EXPECT_EQ(config.heartbeat_interval, std::chrono::seconds(30));
    EXPECT_EQ(config.parallel, 16u);
    EXPECT_FALSE(config.parallel_given);
    EXPECT_EQ(config.queue_max(), 64u);
    EXPECT_EQ(config.batch_size, 512u);
    EXPECT_EQ(config.vram_floor_bytes, 256u << 20);
    EXPECT_EQ(config.request_timeout, std::chrono::seconds(300));
    EXPECT_EQ(config.drain_timeout, std::chrono::seconds(25));
    EXPECT_EQ(config.body_bytes_max, 8u << 20);
    EXPECT_EQ(config.connections_max, 4096u);
    EXPECT_EQ(config.log_format, LogFormat::json);
    EXPECT_EQ(config.log_level, LogLevel::info);
    EXPECT_TRUE(config.warnings.empty());
}

TEST(ConfigTest, takes_flags_in_both_forms_and_llama_server_s_names) {
    const Result<Invocation> invocation =
        invoke({.line = "-m m -c 100 -np 2 -ngl -1 -t=3 --alias=a --mlock --no-mmap --port=1"});
    ASSERT_TRUE(invocation) << invocation.error().message;
    const Config& config = invocation->config;
    EXPECT_EQ(config.model, "m");
    EXPECT_EQ(config.context_size, 100u);
    EXPECT_EQ(config.parallel, 2u);
    EXPECT_TRUE(config.parallel_given);
    EXPECT_EQ(config.gpu_layers, -1);
    EXPECT_EQ(config.threads, 3u);
    EXPECT_EQ(config.model_ref, "a");
    EXPECT_TRUE(config.mlock);
    EXPECT_FALSE(config.mmap);
    EXPECT_EQ(config.port, 1);
}

TEST(ConfigTest, names_the_source_of_a_refused_value) {
    const std::string url =
        ": must be an http:// or https:// URL with a host, without user name or password";
    check_refusals({
        {{.line = "--model m --port 99999"}, "2: --port 99999: must be a number from 0 to 65535"},
        {{.line = "--model m --port=99999"}, "2: --port 99999: must be a number from 0 to 65535"},
        {{.line = "--model m -np 0"}, "2: -np 0: must be a number from 1 to 128"},
        {{.line = "--model m", .variables = {{"LLM_WORKER_PORT", "x"}}},
         "2: LLM_WORKER_PORT=x: must be a number from 0 to 65535"},
        {{.line = "--model m", .variables = {{"LOG_LEVEL", "loud"}}},
         "2: LOG_LEVEL=loud: must be one of trace, debug, info, warn, warning, error, off"},
        {{.line = "--model m", .variables = {{"LLM_WORKER_HOST", "a\nb"}}},
         "2: LLM_WORKER_HOST=a?b: must be an IP address or a host name"},
        {{.line = "--model m --heartbeat-interval 11m"},
         "2: --heartbeat-interval 11m: must be a duration from 1s to 10m, such as 1500ms or 30s"},
        {{.line = "--model m --trust-loopback=maybe"},
         "2: --trust-loopback maybe: must be one of true, false, 1, 0, yes, no, on, off"},
        {{.line = "--model m --port " + std::string(1000, '9')},
         "2: --port " + std::string(100, '9') + "…: must be a number from 0 to 65535"},
        {{.line = "--model m --callback-url ftp://u:s3cret@h"}, "2: --callback-url" + url},
        {{.line = "--model m", .variables = {{"RBEE_WORKER_URL", "http://u:s3cret@h"}}},
         "2: RBEE_WORKER_URL" + url},
    });
}

TEST(ConfigTest, refuses_wrong_usage) {
    check_refusals({
        {{.line = ""},
         "2: --model is missing: name a file, a directory or a catalogue id; --help lists all "
         "flags"},
        {{.line = "--modle m"}, "2: --modle: unknown flag; --help lists all flags"},
        {{.line = "--api-key=s3cret"}, "2: --api-key: unknown flag; --help lists all flags"},
        {{.line = "m.gguf"}, "2: m.gguf: unknown argument; --help lists all flags"},
        {{.line = "--help=1"}, "2: --help: unknown flag; --help lists all flags"},
        {{.line = "--model"}, "2: --model: needs a value (--model M)"},
        {{.line = "--model --port 1"}, "2: --model: needs a value (--model M)"},
        {{.line = "--model m --port 1 --port 1"}, "2: --port: given twice"},
        {{.line = "-m m --model=m"}, "2: --model: given twice (first as -m)"},
        {{.line = "--model m --no-auth --no-auth"}, "2: --no-auth: given twice"},
        {{.line = "--model m --api-token s3cret"},
         "2: --api-token: command lines are visible to every user; set LLORCH_API_TOKEN in its "
         "place"},
        {{.line = "--model m --api-token=s3cret"},
         "2: --api-token: command lines are visible to every user; set LLORCH_API_TOKEN in its "
         "place"},
    });
}

TEST(ConfigTest, takes_a_value_that_begins_with_a_dash_after_an_equals_sign) {
    EXPECT_EQ(invoke({.line = "--model=-odd-"}).value().config.model, "-odd-");
}

TEST(ConfigTest, repeats_what_is_a_list) {
    const Config config =
        invoke({.line = "--model m --cors-origin https://a --cors-origin https://b"})
            .value()
            .config;
    EXPECT_EQ(config.cors_origins, (std::vector<std::string>{"https://a", "https://b"}));
}

TEST(ConfigTest, prefers_the_worker_s_own_variable) {
    const Config config = invoke({.variables = {{"LLM_WORKER_MODEL", "own"},
                                                {"RBEE_MODEL", "shared"},
                                                {"WORKER_ID", "w"}}})
                              .value()
                              .config;
    EXPECT_EQ(config.model, "own");
    EXPECT_EQ(config.worker_id, "w");
}

TEST(ConfigTest, ignores_a_variable_that_a_flag_overrides) {
    const Result<Invocation> invocation = invoke(
        {.line = "--model m --port 1", .variables = {{"LLM_WORKER_PORT", "tcp://10.0.0.1:80"}}});
    EXPECT_EQ(invocation.value().config.port, 1);
}

TEST(ConfigTest, answers_questions_wherever_they_stand) {
#ifdef NDEBUG
    const std::string build = "release\n";
#else
    const std::string build = "debug\n";
#endif
    EXPECT_EQ(printed("--build-info"), build);
    EXPECT_EQ(printed("--model m --build-info --nonsense"), build);
    EXPECT_EQ(printed("--port x --model --build-info"), build);
    EXPECT_EQ(printed("--help --build-info"), build);
    EXPECT_EQ(printed("--nonsense --version"), "llm-worker-rbee 1.2.3\n");
    EXPECT_TRUE(printed("--port x -h").starts_with("Serves one model over HTTP.\n"));
    EXPECT_TRUE(printed("--help --version").starts_with("Serves one model over HTTP.\n"));
}

TEST(ConfigTest, starts_without_even_a_program_name) {
    const Result<Invocation> invocation =
        parse_invocation({}, environment_of({}), {"w", "1", "s", {}});
    EXPECT_FALSE(invocation);
}

TEST(ConfigTest, sets_the_fields_of_a_modality_s_flags) {
    std::uint32_t pixels = 0;
    const FlagGroup more{
        "Vision",
        {{.name = "max-pixels",
          .value_word = "N",
          .setting = sets(pixels, number<std::uint32_t>({.min = 1, .max = 100}))}}};
    EXPECT_TRUE(invoke({.line = "--model m --max-pixels 5"}, {more}));
    EXPECT_EQ(pixels, 5u);
    EXPECT_TRUE(
        invoke({.line = "--model m", .variables = {{"LLM_WORKER_MAX_PIXELS", "6"}}}, {more}));
    EXPECT_EQ(pixels, 6u);
}

TEST(ConfigTest, reads_the_process_s_environment) {
    const Environment environment = process_environment();
    EXPECT_TRUE(environment.variable("PATH"));
    EXPECT_FALSE(environment.variable("LLM_WORKER_THAT_NOBODY_SETS"));
}

RC_GTEST_PROP(ConfigTest, refuses_any_other_line_in_one_line, ()) {
    const auto word = rc::gen::oneOf(
        rc::gen::element<std::string>("--model", "m", "--port", "8080", "-c", "--local-mode",
                                      "--device", "cuda:0", "--host", "::1", "--tls-key", "-"),
        rc::gen::arbitrary<std::string>());
    const auto arguments = *rc::gen::container<std::vector<std::string>>(word);
    const Result<Invocation> invocation =
        parse_invocation(arguments, environment_of({}), {"w", "1", "s", {}});
    if (!invocation) RC_ASSERT(invocation.error().message.find('\n') == std::string::npos);
}

}  // namespace
}  // namespace worker
