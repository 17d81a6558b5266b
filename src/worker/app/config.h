#pragma once

#include "worker/app/flag.h"
#include "worker/base/log.h"
#include "worker/base/result.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace worker {

// What a worker of any modality lets itself be told from outside, checked and resolved: what
// stands here does not contradict itself. Source: wire contract, section 1.
struct Config {
    std::string model;      // as given: file, directory or catalogue id
    std::string model_ref;  // the name callers use
    std::string worker_id;  // empty: made from the bound port

    std::string host;
    std::uint16_t port = 8080;  // 0 = any

    std::string backend = "auto";  // auto cpu cuda metal rocm vulkan
    std::vector<std::uint32_t> devices = {0};

    std::optional<std::string> callback_url;
    std::optional<std::string> hive_url;
    std::optional<std::string> queen_url;
    std::chrono::milliseconds heartbeat_interval{30'000};
    std::optional<std::string> advertise_url;

    std::vector<std::string> api_tokens;  // secrets; each may be used
    std::optional<std::string> api_token_file;
    bool local_mode = false;
    bool trust_loopback = false;
    bool no_auth = false;

    std::optional<std::uint32_t> context_size;  // unset: the model's, capped by memory
    std::uint32_t parallel = 16;
    bool parallel_given = false;             // else fewer slots when memory is short
    std::optional<std::uint32_t> max_queue;  // unset: 4 × parallel
    std::uint32_t batch_size = 512;          // at least `parallel`
    std::optional<std::uint32_t> threads;
    std::optional<std::int32_t> gpu_layers;  // negative: all
    std::string split_mode = "layer";
    std::vector<float> tensor_split;
    bool mlock = false;
    bool mmap = true;
    std::uint64_t vram_floor_bytes = 256u << 20;

    std::chrono::milliseconds request_timeout{300'000};
    std::chrono::milliseconds drain_timeout{25'000};
    std::uint64_t body_bytes_max = 8u << 20;
    std::uint32_t connections_max = 4096;

    std::vector<std::string> cors_origins;
    std::optional<std::string> tls_cert;
    std::optional<std::string> tls_key;

    LogFormat log_format = LogFormat::text;
    LogLevel log_level = LogLevel::info;
    bool log_content = false;

    std::vector<std::string> warnings;  // Said in the log at start.

    std::uint32_t queue_max() const { return max_queue.value_or(4 * parallel); }
};

// Where settings come from beside the command line, handed in so that tests own it.
struct Environment {
    std::function<std::optional<std::string>(const std::string& name)> variable;
    bool stderr_is_terminal = false;
};

Environment process_environment();

// Where a flag's value came from ("LLM_WORKER_PORT"), or the flag that would give it.
using SourceOf = std::function<std::string(const std::string& flag)>;

// What a modality's worker says of itself, and the flags that it has beside every worker's.
struct Program {
    std::string name;     // "llm-worker-rbee"
    std::string version;  // "0.1.0"
    std::string summary;  // one sentence, the first of the help
    std::vector<FlagGroup> flags;
    // Refuses settings that contradict each other, naming where each came from. May be empty.
    std::function<Result<void>(const Config&, const SourceOf&)> check = {};
};

// `check`: say what the settings come to, find the model, and end.
enum class Action : std::uint8_t { serve, check, print_and_exit };

struct Invocation {
    Action action = Action::serve;
    Config config;       // for `serve` and `check`
    std::string output;  // for `print_and_exit`: help, version or build; for `check`: the settings
};

// Flags, then environment, then the configuration file, then defaults; sets the fields that
// `program.flags` are bound to as well. `arguments` begins with the program's own path. Calling it
// again reads both files again, which is how tokens and log level are renewed.
// Errors: one line that names the source of the bad value and the remedy, never a secret;
// usage_invalid for what cannot be understood, config_invalid for what must not be.
Result<Invocation> parse_invocation(const std::vector<std::string>& arguments,
                                    const Environment& environment, const Program& program);

}  // namespace worker
