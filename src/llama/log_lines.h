#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llama {

// Joins the fragments that libllama logs into lines. Thread: one at a time.
class LogLines {
public:
    // Takes a fragment; then `next` gives the lines that it completed.
    void push(std::string_view fragment) { pending_ += fragment; }
    // A line without its line feed; nothing when none is complete.
    std::optional<std::string> next();
    // What is left of a line that nobody ended.
    std::string rest();

private:
    std::string pending_;
};

// Bytes of memory that libllama holds, by where they lie.
struct BufferBytes {
    std::uint64_t host = 0;
    std::uint64_t device = 0;

    friend BufferBytes operator+(BufferBytes a, BufferBytes b) {
        return {a.host + b.host, a.device + b.device};
    }
    friend BufferBytes operator-(BufferBytes a, BufferBytes b) {
        return {a.host - b.host, a.device - b.device};
    }
    bool operator==(const BufferBytes&) const = default;
};

// The buffer that a line tells of, none for other lines. libllama has no public function that says
// what it allocated, but it logs each buffer of weights, KV cache, states, computation and outputs,
// to a hundredth of a MiB.
// Source: the "<name> <kind> buffer size = <n> MiB" lines in llama-model.cpp, llama-kv-cache.cpp,
// llama-memory-recurrent.cpp and llama-context.cpp; the names are those of ggml's buffer types.
BufferBytes parse_buffer_line(std::string_view line);

// The reason in an error line: without the function's name in front of it. Empty for the line that
// only says that loading failed. Source: LLAMA_LOG_ERROR in llama.cpp.
std::string parse_reason(std::string_view line);

}  // namespace llama
