#include "worker/app/draft.h"

#include <limits>

namespace worker {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::uint64_t kib = 1u << 10;
constexpr std::uint64_t gib = 1u << 30;

FlagGroup model_flags(Config& config) {
    return {"Model",
            {
                {.name = "model",
                 .aliases = {"-m"},
                 .variables = {"RBEE_MODEL"},
                 .value_word = "M",
                 .help = "The model to serve: a file, a directory or a catalogue id. Required.",
                 .setting = sets(config.model, plain_text())},
                {.name = "model-ref",
                 .aliases = {"--alias"},
                 .value_word = "NAME",
                 .help = "The name that callers use for the model.",
                 .default_text = "the value of --model",
                 .setting = sets(config.model_ref, plain_text())},
                {.name = "context-size",
                 .aliases = {"-c", "--ctx-size"},
                 .value_word = "TOKENS",
                 .help = "The longest sequence, prompt and output together. 0 is the model's own.",
                 .default_text = "the model's, or what memory holds",
                 .setting =
                     sets(config.context_size, number<std::uint32_t>({.min = 0, .max = 1u << 30}))},
            }};
}

FlagGroup network_flags(Config& config) {
    return {"Network",
            {
                {.name = "host",
                 .value_word = "ADDRESS",
                 .help = "The address to listen on. One that is not loopback needs a token or "
                         "--no-auth.",
                 .default_text = "0.0.0.0 with a token, else 127.0.0.1",
                 .setting = sets(config.host, bind_address())},
                {.name = "port",
                 .value_word = "PORT",
                 .help = "The port to listen on. 0 takes a free one, which is printed and logged.",
                 .setting = sets(config.port, number<std::uint16_t>({.min = 0, .max = 65535}))},
                {.name = "tls-cert",
                 .value_word = "FILE",
                 .help = "Certificate chain (PEM) to serve HTTPS with; needs --tls-key.",
                 .default_text = "none: plain HTTP",
                 .setting = sets(config.tls_cert, plain_text())},
                {.name = "tls-key",
                 .value_word = "FILE",
                 .help = "Private key (PEM) of the certificate.",
                 .default_text = "none",
                 .setting = sets(config.tls_key, plain_text())},
                {.name = "cors-origin",
                 .value_word = "ORIGIN",
                 .help = "A web origin whose pages may call this worker, such as "
                         "https://example.org. May be given several times.",
                 .default_text = "none",
                 .setting = adds_to(config.cors_origins, web_origin()),
                 .repeatable = true},
                {.name = "max-body",
                 .value_word = "SIZE",
                 .help = "The largest request body.",
                 .setting = sets(config.body_bytes_max, byte_size({.min = kib, .max = gib}))},
                {.name = "max-connections",
                 .value_word = "N",
                 .help = "Connections held at once. One address gets at most 256 of them, unless "
                         "it is loopback or shows a token.",
                 .setting = sets(config.connections_max,
                                 number<std::uint32_t>({.min = 1, .max = 1u << 20}))},
            }};
}

FlagGroup hive_flags(Config& config) {
    return {"Hives and queens",
            {
                {.name = "callback-url",
                 .value_word = "URL",
                 .help = "Reports here once when ready, then sends heartbeats to the same host. "
                         "Inference is then one call: the POST answers with the stream.",
                 .default_text = "none",
                 .setting = sets(config.callback_url, http_url()),
                 .hide_value = true},
                {.name = "hive-url",
                 .value_word = "URL",
                 .help = "Sends heartbeats to this hive. Needs a token or --local-mode.",
                 .default_text = "none",
                 .setting = sets(config.hive_url, http_url()),
                 .hide_value = true},
                {.name = "queen-url",
                 .value_word = "URL",
                 .help = "Sends heartbeats to this queen.",
                 .default_text = "none",
                 .setting = sets(config.queen_url, http_url()),
                 .hide_value = true},
                {.name = "heartbeat-interval",
                 .value_word = "TIME",
                 .help = "Time between two heartbeats.",
                 .setting = sets(config.heartbeat_interval, duration({.min = 1s, .max = 10min}))},
                {.name = "worker-id",
                 .variables = {"WORKER_ID"},
                 .value_word = "ID",
                 .help = "What hives and queens know this worker by.",
                 .default_text = "worker-<port>-<8 hexadecimal digits>",
                 .setting = sets(config.worker_id, identifier())},
                {.name = "advertise-url",
                 .variables = {"RBEE_WORKER_URL"},
                 .value_word = "URL",
                 .help = "Where hives find this worker.",
                 .default_text = "http://localhost:<port> where that works for the hive, else the "
                                 "address that the hive is called from",
                 .setting = sets(config.advertise_url, http_url()),
                 .hide_value = true},
            }};
}

FlagGroup access_flags(Draft& draft) {
    Config& config = draft.config;
    return {"Access",
            {
                {.name = "api-token-file",
                 .aliases = {"--api-key-file"},
                 .variables = {"LLORCH_API_TOKEN_FILE"},
                 .value_word = "FILE",
                 .help = "File of the tokens that callers may show, one a line. SIGHUP reads it "
                         "again.",
                 .default_text = "none: requests are not authenticated",
                 .setting = sets(config.api_token_file, plain_text())},
                {.name = "api-token",
                 .variables = {"LLORCH_API_TOKEN"},
                 .value_word = "TOKEN",
                 .help = "A token itself, valid beside those of the file. Taken from the "
                         "environment only: command lines are visible to every user.",
                 .default_text = "none",
                 .setting = {.apply = [&draft](std::string_view text) -> Result<void> {
                                 draft.api_token = std::string(text);
                                 return {};
                             },
                             .show = [&draft] { return draft.api_token ? "***" : ""; }},
                 .scope = FlagScope::environment_only,
                 .hide_value = true},
                {.name = "local-mode",
                 .help = "Serves this machine only, without token.",
                 .setting = sets(config.local_mode, yes_or_no())},
                {.name = "trust-loopback",
                 .help = "Requests from 127.0.0.1 and ::1 need no token.",
                 .setting = sets(config.trust_loopback, yes_or_no())},
                {.name = "no-auth",
                 .help = "Says that listening on the network without a token is wanted. Warns at "
                         "each start.",
                 .setting = sets(config.no_auth, yes_or_no())},
            }};
}

FlagGroup device_flags(Draft& draft) {
    Config& config = draft.config;
    return {
        "Device",
        {
            {.name = "backend",
             .value_word = "NAME",
             .help = "What to compute on: auto, cpu, cuda, metal, rocm or vulkan.",
             .setting =
                 sets(config.backend, one_of({"auto", "cpu", "cuda", "metal", "rocm", "vulkan"}))},
            {.name = "device",
             .value_word = "DEVICE",
             .help = "Number of the device, or several such as 0,1. The forms cpu, cuda:0, "
                     "GPU-0 and metal choose the backend too.",
             .setting = sets(draft.device, device_choice())},
            {.name = "threads",
             .aliases = {"-t"},
             .value_word = "N",
             .help = "Threads that compute.",
             .default_text = "the cores this process may use",
             .setting = sets(config.threads, number<std::uint32_t>({.min = 1, .max = 512}))},
            {.name = "gpu-layers",
             .aliases = {"-ngl", "--n-gpu-layers"},
             .value_word = "N",
             .help = "Layers of the model to put on the device; -1 is all.",
             .default_text = "all",
             .setting = sets(config.gpu_layers, number<std::int32_t>({.min = -1, .max = 10'000}))},
            {.name = "split-mode",
             .aliases = {"-sm"},
             .value_word = "MODE",
             .help = "How a model is shared by several devices: none, layer, row or tensor.",
             .setting = sets(config.split_mode, one_of({"none", "layer", "row", "tensor"}))},
            {.name = "tensor-split",
             .aliases = {"-ts"},
             .value_word = "P,P",
             .help = "Each device's share of the model, such as 3,1.",
             .default_text = "by free memory",
             .setting = sets(config.tensor_split, list_of(proportion()))},
        }};
}

FlagGroup memory_flags(Config& config) {
    return {
        "Memory",
        {
            {.name = "vram-floor",
             .value_word = "SIZE",
             .help = "Device memory that always stays free.",
             .setting = sets(config.vram_floor_bytes, byte_size({.min = 0, .max = 1024 * gib}))},
            {.name = "mlock",
             .help = "Keeps the model's memory from being swapped out.",
             .setting = sets(config.mlock, yes_or_no())},
            {.name = "no-mmap",
             .help = "Reads the model into memory in place of mapping its file.",
             .setting = sets(config.mmap, negated(yes_or_no()))},
        }};
}

FlagGroup job_flags(Config& config) {
    return {
        "Jobs",
        {
            {.name = "parallel",
             .aliases = {"-np"},
             .value_word = "N",
             .help = "Slots: jobs that are computed together.",
             .default_text = "16, fewer when memory is short",
             .setting = sets(config.parallel, number<std::uint32_t>({.min = 1, .max = 128}))},
            {.name = "max-queue",
             .value_word = "N",
             .help = "Jobs that may wait for a slot; further ones are refused.",
             .default_text = "4 for each slot",
             .setting = sets(config.max_queue, number<std::uint32_t>({.min = 0, .max = 100'000}))},
            {.name = "batch-size",
             .aliases = {"-b"},
             .value_word = "TOKENS",
             .help = "Tokens of prompts and texts computed in one step; at least --parallel.",
             .setting = sets(config.batch_size, number<std::uint32_t>({.min = 1, .max = 65'536}))},
            {.name = "request-timeout",
             .value_word = "TIME",
             .help = "The longest that one job may take. A caller's x-deadline may shorten it.",
             .setting = sets(config.request_timeout, duration({.min = 1ms, .max = 24h}))},
            {.name = "drain-timeout",
             .value_word = "TIME",
             .help = "How long running jobs may go on after SIGTERM. Keep it below the time "
                     "after which the supervisor kills.",
             .default_text = "25s; 8s with --callback-url, 1.5s with --queen-url",
             .setting = sets(config.drain_timeout, duration({.min = 0ms, .max = 1h}))},
        }};
}

FlagGroup log_flags(Config& config) {
    return {
        "Log",
        {
            {.name = "log-format",
             .variables = {"LLORCH_LOG_FORMAT"},
             .value_word = "FORMAT",
             .help = "text for people, json for collectors.",
             .default_text = "text on a terminal, else json",
             .setting = sets(config.log_format, one_of<LogFormat>({{"text", LogFormat::text},
                                                                   {"json", LogFormat::json}}))},
            {.name = "log-level",
             .variables = {"LOG_LEVEL"},
             .value_word = "LEVEL",
             .help = "The least urgent lines to write: trace, debug, info, warn, error or off. "
                     "SIGHUP reads it again.",
             .setting = sets(config.log_level, one_of<LogLevel>({{"trace", LogLevel::trace},
                                                                 {"debug", LogLevel::debug},
                                                                 {"info", LogLevel::info},
                                                                 {"warn", LogLevel::warn},
                                                                 {"warning", LogLevel::warn},
                                                                 {"error", LogLevel::error},
                                                                 {"off", LogLevel::off}}))},
            {.name = "log-content",
             .help = "Writes prompts and outputs into the log. For debugging only.",
             .setting = sets(config.log_content, yes_or_no())},
        }};
}

FlagGroup configuration_flags(Draft& draft) {
    return {"Configuration",
            {
                {.name = "config",
                 .value_word = "FILE",
                 .help = "A TOML file of settings: the names of this help without dashes in "
                         "front, such as context-size = 4096.",
                 .default_text = "none",
                 .setting = sets(draft.config_file, plain_text()),
                 .scope = FlagScope::not_in_file},
                {.name = "check-config",
                 .help = "Checks all settings, prints them as such a file, secrets masked, says "
                         "where the model was found, and ends without loading it.",
                 .setting = sets(draft.check_config, yes_or_no()),
                 .scope = FlagScope::not_in_file},
            }};
}

}  // namespace

std::vector<FlagGroup> worker_flags(Draft& draft) {
    Config& config = draft.config;
    return {model_flags(config), network_flags(config), hive_flags(config),
            access_flags(draft), device_flags(draft),   memory_flags(config),
            job_flags(config),   log_flags(config),     configuration_flags(draft)};
}

}  // namespace worker
