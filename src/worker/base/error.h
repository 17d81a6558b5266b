#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace worker {

// Everything that can go wrong and be told to somebody. The list is closed: a code that callers
// see has exactly one row in `traits`.
enum class ErrorCode : std::uint8_t {
    // Replies of any route.
    cuda_error,
    invalid_request,
    inference_timeout,
    deadline_exceeded,
    worker_unhealthy,
    not_ready,
    internal,
    insufficient_resources,
    insufficient_vram,
    all_slots_busy,
    // HTTP itself.
    not_found,
    method_not_allowed,
    unsupported_media_type,
    invalid_json,
    bad_request,
    body_too_large,
    headers_too_large,
    request_timeout,
    expectation_failed,
    conflict,
    forbidden,
    missing_api_key,
    invalid_api_key,
    // The end of a job that had begun.
    cancelled,
    timeout,
    inference_failed,
    vram_oom,
    // A call to a hive.
    hive_unreachable,
    hive_refused,
    // Start-up: the process says one of these and exits with 1.
    usage_invalid,
    config_invalid,
    bind_failed,
    model_not_found,
    model_unreadable,
    model_corrupt,
    model_unsupported,
    insufficient_memory,
    device_unavailable,
};

struct ErrorTraits {
    std::string_view wire_name;
    int http_status;
    bool retriable;
    std::string_view message_prefix;  // Put before the message in a WorkerError body.
};

// The only place where a code meets its wire name, HTTP status, retry advice and prefix.
constexpr ErrorTraits traits(ErrorCode code) {
    switch (code) {
        case ErrorCode::cuda_error: return {"CUDA_ERROR", 500, true, "CUDA error: "};
        case ErrorCode::invalid_request:
            return {"INVALID_REQUEST", 400, false, "Invalid request: "};
        case ErrorCode::inference_timeout:
            return {"INFERENCE_TIMEOUT", 408, true, "Inference timeout: "};
        case ErrorCode::deadline_exceeded: return {"INFERENCE_TIMEOUT", 504, true, ""};
        case ErrorCode::worker_unhealthy:
            return {"WORKER_UNHEALTHY", 503, false, "Worker unhealthy: "};
        case ErrorCode::not_ready: return {"WORKER_UNHEALTHY", 503, true, "Worker unhealthy: "};
        case ErrorCode::internal: return {"INTERNAL", 500, true, "Internal error: "};
        case ErrorCode::insufficient_resources:
            return {"INSUFFICIENT_RESOURCES", 503, true, "Insufficient resources: "};
        case ErrorCode::insufficient_vram:
            return {"INSUFFICIENT_VRAM", 503, true, "Insufficient VRAM: "};
        case ErrorCode::all_slots_busy: return {"ALL_SLOTS_BUSY", 503, true, ""};
        case ErrorCode::not_found: return {"NOT_FOUND", 404, false, ""};
        case ErrorCode::method_not_allowed: return {"METHOD_NOT_ALLOWED", 405, false, ""};
        case ErrorCode::unsupported_media_type: return {"UNSUPPORTED_MEDIA_TYPE", 415, false, ""};
        case ErrorCode::invalid_json: return {"INVALID_JSON", 400, false, ""};
        case ErrorCode::bad_request: return {"INVALID_REQUEST", 400, false, ""};
        case ErrorCode::body_too_large: return {"BODY_TOO_LARGE", 413, false, ""};
        case ErrorCode::headers_too_large: return {"HEADERS_TOO_LARGE", 431, false, ""};
        case ErrorCode::request_timeout: return {"REQUEST_TIMEOUT", 408, true, ""};
        case ErrorCode::expectation_failed: return {"INVALID_REQUEST", 417, false, ""};
        case ErrorCode::conflict: return {"CONFLICT", 409, false, ""};
        case ErrorCode::forbidden: return {"FORBIDDEN", 403, false, ""};
        case ErrorCode::missing_api_key: return {"MISSING_API_KEY", 401, false, ""};
        case ErrorCode::invalid_api_key: return {"INVALID_API_KEY", 401, false, ""};
        case ErrorCode::cancelled: return {"CANCELLED", 503, false, ""};
        case ErrorCode::timeout: return {"TIMEOUT", 504, true, ""};
        case ErrorCode::inference_failed: return {"INFERENCE_FAILED", 500, true, ""};
        case ErrorCode::vram_oom: return {"VRAM_OOM", 503, true, ""};
        case ErrorCode::hive_unreachable: return {"HIVE_UNREACHABLE", 502, true, ""};
        case ErrorCode::hive_refused: return {"HIVE_REFUSED", 502, true, ""};
        case ErrorCode::usage_invalid: return {"USAGE_INVALID", 500, false, ""};
        case ErrorCode::config_invalid: return {"CONFIG_INVALID", 500, false, ""};
        case ErrorCode::bind_failed: return {"BIND_FAILED", 500, false, ""};
        case ErrorCode::model_not_found: return {"MODEL_NOT_FOUND", 500, false, ""};
        case ErrorCode::model_unreadable: return {"MODEL_UNREADABLE", 500, false, ""};
        case ErrorCode::model_corrupt: return {"MODEL_CORRUPT", 500, false, ""};
        case ErrorCode::model_unsupported: return {"MODEL_UNSUPPORTED", 500, false, ""};
        case ErrorCode::insufficient_memory: return {"INSUFFICIENT_MEMORY", 500, false, ""};
        case ErrorCode::device_unavailable: return {"DEVICE_UNAVAILABLE", 500, false, ""};
    }
    __builtin_unreachable();  // Not an enumerator: memory is corrupt.
}

// A failure that was expected to be possible. `message` is for people, names the remedy where
// there is one, and holds no secret and no prompt.
struct Error {
    ErrorCode code;
    std::string message;
    // When trying again makes sense, where that is known.
    std::optional<std::chrono::seconds> retry_after = std::nullopt;
};

// The message with its code's prefix, as callers see it.
std::string wire_message(const Error& error);

}  // namespace worker
