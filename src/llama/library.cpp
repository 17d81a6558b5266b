#include "llama/library.h"

#include "llama/ggml_devices.h"
#include "worker/base/assert.h"

#include <ggml.h>
#include <llama.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>

namespace llama {

using worker::ErrorCode;
using worker::LogLevel;

namespace {

// libllama's own state is global, and so is what its hooks need.
struct Hooks {
    std::atomic<bool> in_use = false;
    std::atomic<Phase> phase = Phase::loading;
    std::mutex mutex;  // For all below.
    LogSink sink;
    LogLines lines;
    LogLevel level = LogLevel::debug;
    std::string reason;
    BufferBytes buffers;
};
Hooks hooks;

// libllama tells at level "info" what only its developers need.
LogLevel to_level(ggml_log_level level) {
    switch (level) {
        case GGML_LOG_LEVEL_ERROR: return LogLevel::error;
        case GGML_LOG_LEVEL_WARN: return LogLevel::warn;
        case GGML_LOG_LEVEL_INFO: return LogLevel::debug;
        default: return LogLevel::trace;
    }
}

// Requires: the hooks are locked.
void take_line(const std::string& line) {
    if (line.empty()) return;
    hooks.buffers = hooks.buffers + parse_buffer_line(line);
    if (hooks.level == LogLevel::error) {
        std::string reason = parse_reason(line);
        if (!reason.empty()) hooks.reason = std::move(reason);
    }
    if (hooks.sink) hooks.sink(hooks.level, line);
}

void on_log(ggml_log_level level, const char* text, void*) {
    const std::lock_guard lock(hooks.mutex);
    if (level != GGML_LOG_LEVEL_CONT) {
        take_line(hooks.lines.rest());
        hooks.level = to_level(level);
    }
    hooks.lines.push(text);
    while (const std::optional<std::string> line = hooks.lines.next()) take_line(*line);
}

// Ends the process without unwinding: what ggml was in the middle of cannot be undone.
void on_abort(const char* message) {
    const AbortReport report = abort_report(hooks.phase, message);
    char line[PIPE_BUF];
    const int length =
        std::snprintf(line, sizeof line, "error: %s: the model library gave up: %s\n",
                      worker::traits(report.code).wire_name.data(), message);
    // A pipe that nobody reads must not keep a dead process.
    pollfd stderr_ready = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (length > 0 && ::poll(&stderr_ready, 1, 100) == 1) {
        const auto bytes = std::min(static_cast<std::size_t>(length), sizeof line - 1);
        static_cast<void>(!::write(STDERR_FILENO, line, bytes));
    }
    ::_exit(report.exit_code);
}

}  // namespace

Library::Library(LogSink sink) {
    WORKER_ASSERT(!hooks.in_use.exchange(true));
    {
        const std::lock_guard lock(hooks.mutex);
        hooks.sink = std::move(sink);
    }
    enter(Phase::loading);
    ggml_set_abort_callback(on_abort);
    llama_log_set(on_log, nullptr);
    llama_backend_init();
}

Library::~Library() {
    llama_backend_free();
    llama_log_set(nullptr, nullptr);
    ggml_set_abort_callback(nullptr);
    const std::lock_guard lock(hooks.mutex);
    hooks.sink = nullptr;
    hooks.in_use = false;
}

std::vector<worker::Device> Library::devices() const {
    std::vector<worker::Device> devices;
    for (GgmlDevice& device : ggml_devices()) devices.push_back(std::move(device.facts));
    return devices;
}

void Library::enter(Phase phase) {
    hooks.phase = phase;
}

std::string Library::take_reason() {
    const std::lock_guard lock(hooks.mutex);
    return std::exchange(hooks.reason, {});
}

BufferBytes Library::buffers_allocated() const {
    const std::lock_guard lock(hooks.mutex);
    return hooks.buffers;
}

AbortReport abort_report(Phase phase, std::string_view message) {
    // Source: GGML_ABORT in ggml_cuda_error of ggml-cuda.cu, which builds for AMD and Moore too.
    for (const std::string_view device : {"CUDA error", "ROCm error", "MUSA error"}) {
        if (message.find(device) != std::string_view::npos) {
            return {ErrorCode::cuda_error, phase == Phase::loading ? 1 : 3};
        }
    }
    if (phase == Phase::loading) return {ErrorCode::model_corrupt, 1};
    return {ErrorCode::inference_failed, 3};
}

}  // namespace llama
