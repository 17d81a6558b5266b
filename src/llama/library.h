// libllama as a whole. This folder is the only one that knows it: nothing in its headers needs
// llama.h or ggml's, so that nobody else includes them.
#pragma once

#include "llama/log_lines.h"
#include "worker/base/error.h"
#include "worker/base/log.h"
#include "worker/device/device.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace llama {

// Takes what libllama logs, a line at a time. Thread: any, one call at a time. Must not throw.
using LogSink = std::function<void(worker::LogLevel level, std::string_view line)>;

// What the process is doing, which decides what a failed assertion inside ggml means.
enum class Phase : std::uint8_t { loading, running };

// The process-wide state of libllama, set up once and before anything else of this folder. While
// it lives, libllama's log goes to the sink, and a failed assertion inside ggml ends the process
// with one `error:` line on stderr: with exit code 1 and MODEL_CORRUPT while loading (a file that
// passed our checks and still broke an assumption), with 3 while running (the engine has died).
// A device that reports an error is CUDA_ERROR in both phases.
//
// One at a time. Thread: any.
class Library {
public:
    explicit Library(LogSink sink);
    ~Library();
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    // What can compute: the processor and the GPUs that this build of libllama can use.
    std::vector<worker::Device> devices() const;

    void enter(Phase phase);

    // Why something has just failed, in libllama's words; forgets it.
    std::string take_reason();

    // All buffers that libllama has said it allocated so far. What lies between two calls is what
    // was allocated between them; freed ones are not taken off.
    BufferBytes buffers_allocated() const;
};

// What a failed assertion is reported as.
struct AbortReport {
    worker::ErrorCode code;
    int exit_code;
};
AbortReport abort_report(Phase phase, std::string_view message);

}  // namespace llama
