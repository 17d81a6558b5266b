#include "worker/app/resolve.h"

#include "worker/app/api_token.h"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace worker {
namespace {

using namespace std::chrono_literals;

bool is_loopback(const std::string& host) {
    if (lower_case(host) == "localhost") return true;
    boost::system::error_code failure;
    const auto address = boost::asio::ip::make_address(host, failure);
    return !failure && address.is_loopback();
}

Result<void> load_tokens(Draft& draft, const Sources& sources) {
    Config& config = draft.config;
    if (draft.api_token) {
        Result<std::string> token = read_api_token(*draft.api_token);
        if (!token) {
            return fail(token.error().code,
                        fmt::format("{}: {}", named(sources, "api-token"), token.error().message));
        }
        config.api_tokens.push_back(std::move(*token));
    }
    if (!config.api_token_file) return {};
    const std::string where =
        fmt::format("{}: {}", named(sources, "api-token-file"), excerpt(*config.api_token_file));
    const Result<ApiTokenFile> file = read_api_token_file(*config.api_token_file);
    if (!file) return fail(file.error().code, where + ": " + file.error().message);
    config.api_tokens.insert(config.api_tokens.end(), file->tokens.begin(), file->tokens.end());
    if (file->readable_by_others) {
        config.warnings.push_back(where + " can be read by every user; chmod 600 protects it");
    }
    return {};
}

// The source of the token, whichever way it came.
std::string token_source(const Sources& sources) {
    return named(sources, sources.contains("api-token") ? "api-token" : "api-token-file");
}

// GPU-0 is a device of whichever GPU backend was asked for; CUDA when none was.
bool device_fits(const std::string& device_backend, const std::string& backend) {
    return device_backend == backend || (device_backend == "gpu" && backend != "cpu");
}

Result<void> choose_backend(Draft& draft, const Sources& sources, const std::string& program_path) {
    Config& config = draft.config;
    config.devices = draft.device.indices;
    const std::string& by_device = draft.device.backend;
    if (!by_device.empty() && config.backend == "auto") {
        config.backend = by_device == "gpu" ? "cuda" : by_device;
        return {};
    }
    if (!by_device.empty() && !device_fits(by_device, config.backend)) {
        return fail(
            ErrorCode::config_invalid,
            fmt::format("{} asks for {} and {} for {}: remove either", named(sources, "backend"),
                        config.backend, named(sources, "device"), by_device));
    }
    if (sources.contains("backend")) return {};
    for (const std::string backend : {"cpu", "cuda", "metal", "rocm"}) {
        if (program_path.ends_with("-" + backend)) config.backend = backend;
    }
    return {};
}

// The shortest of what the given hives leave before they kill.
std::chrono::milliseconds drain_default(const Config& config) {
    if (config.queen_url) return 1500ms;
    if (config.callback_url) return 8s;
    return 25s;
}

void fill_defaults(Draft& draft, const Sources& sources, const Surroundings& surroundings) {
    Config& config = draft.config;
    const auto open = [&](std::string_view flag) { return !sources.contains(flag); };
    if (open("model-ref")) config.model_ref = config.model;
    if (open("host")) config.host = config.api_tokens.empty() ? "127.0.0.1" : "0.0.0.0";
    if (open("drain-timeout")) config.drain_timeout = drain_default(config);
    if (open("log-format")) {
        config.log_format = surroundings.stderr_is_terminal ? LogFormat::text : LogFormat::json;
    }
    config.parallel_given = !open("parallel");
    if (open("parallel")) config.parallel = std::min(config.parallel, config.batch_size);
    if (config.context_size == 0u) config.context_size.reset();
}

// One way in which settings may contradict each other.
struct Contradiction {
    bool present;
    std::string message;
};

Result<void> refuse_contradictions(const Config& config, const Sources& sources) {
    const bool has_token = !config.api_tokens.empty();
    const auto source = [&](const char* flag) { return named(sources, flag); };
    const std::array contradictions{
        Contradiction{config.local_mode && has_token,
                      fmt::format("{} allows no token, and {} sets one: remove either",
                                  source("local-mode"), token_source(sources))},
        Contradiction{config.hive_url && !has_token && !config.local_mode,
                      fmt::format("{} needs a token (--api-token-file or LLORCH_API_TOKEN) or "
                                  "--local-mode",
                                  source("hive-url"))},
        Contradiction{!is_loopback(config.host) && !has_token && !config.no_auth,
                      fmt::format("{} {} would serve the network without a token: set "
                                  "--api-token-file or LLORCH_API_TOKEN, or say --no-auth",
                                  source("host"), config.host)},
        Contradiction{config.tls_cert && !config.tls_key,
                      fmt::format("{} needs --tls-key", source("tls-cert"))},
        Contradiction{config.tls_key && !config.tls_cert,
                      fmt::format("{} needs --tls-cert", source("tls-key"))},
        Contradiction{config.batch_size < config.parallel,
                      fmt::format("{} must be at least as large as {}", source("batch-size"),
                                  source("parallel"))},
    };
    for (const Contradiction& one : contradictions) {
        if (one.present) return fail(ErrorCode::config_invalid, one.message);
    }
    return {};
}

void add_warnings(Config& config, const Sources& sources) {
    const bool has_token = !config.api_tokens.empty();
    if (config.log_content) {
        config.warnings.push_back(fmt::format("{} writes prompts and outputs into the log",
                                              named(sources, "log-content")));
    }
    if (has_token && config.no_auth) {
        config.warnings.push_back(fmt::format("{} has no effect, because {} sets a token",
                                              named(sources, "no-auth"), token_source(sources)));
    }
    if (!has_token && (config.no_auth || config.callback_url || config.queen_url)) {
        config.warnings.push_back(fmt::format(
            "requests to {} are not authenticated; --api-token-file or LLORCH_API_TOKEN changes "
            "that",
            config.host));
    }
}

}  // namespace

std::string named(const Sources& sources, const std::string& flag) {
    const auto found = sources.find(flag);
    return found == sources.end() ? "--" + flag : found->second;
}

Result<void> resolve(Draft& draft, const Sources& sources, const Surroundings& surroundings) {
    if (draft.config.model.empty()) {
        return fail(ErrorCode::usage_invalid,
                    "--model is missing: name a file, a directory or a catalogue id; --help lists "
                    "all flags");
    }
    if (const auto loaded = load_tokens(draft, sources); !loaded) return loaded;
    if (const auto chosen = choose_backend(draft, sources, surroundings.program_path); !chosen)
        return chosen;
    fill_defaults(draft, sources, surroundings);
    if (const auto agreed = refuse_contradictions(draft.config, sources); !agreed) return agreed;
    add_warnings(draft.config, sources);
    return {};
}

}  // namespace worker
